"""What the review screen asks for, and the decisions it sends."""

from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from api.dependencies import InContext
from api.parameters import MAX_ID, BodyId, Key, PathId, PathKey, QueryId
from core.errors import UnauthenticatedError
from core.queue import DEFAULT_POLICY
from core.services import (
    categories,
    leases,
    look_alikes,
    publishing,
    queue,
    review,
    submissions,
    verdicts,
)
from core.services.categories import FoundCategory
from core.services.decisions import NewDecision
from core.services.leases import Holder
from core.services.look_alikes import LookAlike
from core.services.queue import QueueFilter, QueuePage
from core.services.review import RaisedFlag, ReviewListing
from core.services.states import DecisionKind, ListingState
from core.services.submissions import Answer, Undoing

router = APIRouter()

MAX_FIRST = 40  # categories that are to come first
MAX_SHOWN = 100  # entries of each list of what was shown
MAX_ACTIVE_MS = 24 * 60 * 60 * 1000

Ids = Annotated[list[BodyId], Field(max_length=MAX_SHOWN)]
QueryCategory = Annotated[int | None, Query(ge=0, le=MAX_ID)]  # 0 is without a suggestion


class Shown(BaseModel):
    """What the reviewer saw: category ids in order, model versions, flag kinds.

    ``policy`` is the order of the queue that the listing came from; ``view`` says whether it was
    on screen alone or among others on a page.
    """

    suggestions: Ids = []
    model_versions: Ids = []
    flags: Annotated[list[Key], Field(max_length=MAX_SHOWN)] = []
    policy: Key | None = None
    view: Literal["single", "page"] = "single"


class DecisionRequest(BaseModel):
    """One decision, or with ``undoes`` the taking back of one; ``by`` is who made it."""

    key: UUID
    by: BodyId | None = None
    listing_id: BodyId
    listing_version: int
    kind: DecisionKind
    category_id: BodyId | None = None
    undoes: UUID | None = None
    active_ms: int = Field(0, ge=0, le=MAX_ACTIVE_MS)
    shown: Shown = Shown()

    def as_act(self) -> NewDecision | Undoing:
        if self.undoes is not None:
            return Undoing(key=str(self.key), decision_key=str(self.undoes))
        return NewDecision(
            key=str(self.key),
            listing_id=self.listing_id,
            listing_version=self.listing_version,
            kind=self.kind,
            category_id=self.category_id,
            active_ms=self.active_ms,
            shown=self.shown.model_dump(),
        )


class Submission(BaseModel):
    """Decisions in the order in which they were made."""

    decisions: Annotated[
        list[DecisionRequest], Field(min_length=1, max_length=submissions.MAX_ACTS)
    ]


class Leased(BaseModel):
    """Listings that the reviewer has before them."""

    listing_ids: Annotated[list[BodyId], Field(max_length=leases.MAX_LEASES)]


class Judgement(BaseModel):
    """Whether a reviewer says that the flag is wrong."""

    is_wrong: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A view of the queue and a place in it, as the address says."""

    policy: str
    only: QueueFilter
    after: str | None


def _asked(
    policy: Annotated[str, Query(max_length=60)] = DEFAULT_POLICY,
    state: ListingState = ListingState.NEEDS_REVIEW,
    batch: QueryId = None,
    category: QueryCategory = None,
    flag: Annotated[str | None, Query(max_length=60)] = None,
    seller: Annotated[str | None, Query(max_length=queue.MAX_SELLER_CHARACTERS)] = None,
    after: Annotated[str | None, Query(max_length=4000)] = None,
) -> Asked:
    only = QueueFilter(state=state, batch_id=batch, category_id=category, flag=flag, seller=seller)
    return Asked(policy, only, after)


InView = Annotated[Asked, Depends(_asked)]


@router.get("/review/next")
def list_next(
    context: InContext,
    asked: InView,
    limit: Annotated[int, Query(ge=1, le=queue.MAX_QUEUE_LIMIT)] = 12,
) -> QueuePage:
    """Return the next listings of the queue, to look at; nobody is kept from them."""
    return queue.list_next(
        context.engine,
        actor=context.actor,
        only=asked.only,
        policy=asked.policy,
        after=asked.after,
        limit=limit,
    )


@router.post("/review/next")
def take_next(
    context: InContext,
    asked: InView,
    limit: Annotated[int, Query(ge=1, le=queue.PAGE_WINDOW)] = queue.LEASE_WINDOW,
) -> QueuePage:
    """Return the next listings of the queue and hold them; nobody else gets them meanwhile."""
    return queue.take_next(
        context.engine,
        actor=context.actor,
        only=asked.only,
        policy=asked.policy,
        after=asked.after,
        limit=limit,
    )


@router.put("/review/leases")
def renew(context: InContext, sent: Leased) -> tuple[Holder, ...]:
    """Hold the listings for another minute; return those that somebody else holds."""
    return leases.renew(context.engine, actor=context.actor, listing_ids=sent.listing_ids)


@router.post("/review/leases/release", status_code=204)
def release(context: InContext, sent: Leased) -> None:
    """Give listings back. It is a POST because that is what a page can send while it closes."""
    leases.release(context.engine, actor=context.actor, listing_ids=sent.listing_ids)


@router.get("/review/listings/{listing_id}")
def get_listing(context: InContext, listing_id: PathId) -> ReviewListing:
    """Return one listing as its reviewer sees it."""
    return review.get_listing(context.engine, actor=context.actor, listing_id=listing_id)


@router.get("/review/listings/{listing_id}/look-alikes")
def list_look_alikes(context: InContext, listing_id: PathId) -> tuple[LookAlike, ...]:
    """Return the decided listings that look most like this one, with their categories."""
    return look_alikes.list_look_alikes(
        context.engine, context.settings, actor=context.actor, listing_id=listing_id
    )


@router.get("/categories")
def search_categories(
    context: InContext,
    q: Annotated[str, Query(max_length=200)] = "",
    first: Annotated[list[BodyId], Query(max_length=MAX_FIRST)] = [],  # noqa: B006 -- FastAPI copies it
) -> tuple[FoundCategory, ...]:
    """Return the categories with every word of ``q`` in path, code or synonyms.

    Those of the ids ``first`` come before others.
    """
    return categories.search(context.engine, actor=context.actor, text=q, first=first)


@router.post("/decisions")
def decide(context: InContext, sent: Submission) -> tuple[Answer, ...]:
    """Keep decisions in their order, and say of each what became of it.

    Sent again, one changes nothing; one on a stale version is refused. All are refused (401)
    where another than who made them has signed in since.
    """
    if any(each.by not in {None, context.actor.id} for each in sent.decisions):
        raise UnauthenticatedError(
            f"{context.actor.name!r} is signed in here, who did not make these decisions"
        )
    acts = [each.as_act() for each in sent.decisions]
    return submissions.keep(context.engine, actor=context.actor, acts=acts)


@router.post("/listings/{listing_id}/publish", status_code=204)
def publish(context: InContext, listing_id: PathId) -> None:
    """Publish a decided listing; open flags that block it are named (409)."""
    publishing.publish(context.engine, actor=context.actor, listing_id=listing_id)


@router.put("/review/photos/{listing_image_id}/flags/{kind}")
def judge(
    context: InContext, listing_image_id: PathId, kind: PathKey, sent: Judgement
) -> tuple[RaisedFlag, ...]:
    """Keep what a reviewer says of a flag; return all flags of the listing."""
    return verdicts.judge(
        context.engine,
        actor=context.actor,
        listing_image_id=listing_image_id,
        kind=kind,
        is_wrong=sent.is_wrong,
    )
