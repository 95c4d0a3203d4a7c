"""What the review screen asks for, and the decisions it sends."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.dependencies import InContext
from api.parameters import BodyId, Key, PathId, PathKey, QueryId
from core.errors import UnauthenticatedError
from core.services import decisions, publishing, review, verdicts
from core.services.decisions import DecisionOutcome, NewDecision
from core.services.review import Category, QueueFilter, QueuePage, RaisedFlag, ReviewListing
from core.services.states import DecisionKind, ListingState

router = APIRouter()

MAX_SHOWN = 100  # entries of each list of what was shown
MAX_ACTIVE_MS = 24 * 60 * 60 * 1000

Ids = Annotated[list[BodyId], Field(max_length=MAX_SHOWN)]


class Shown(BaseModel):
    """What the reviewer saw: category ids in order, model versions, flag kinds."""

    suggestions: Ids = []
    model_versions: Ids = []
    flags: Annotated[list[Key], Field(max_length=MAX_SHOWN)] = []


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


class Judgement(BaseModel):
    """Whether a reviewer says that the flag is wrong."""

    is_wrong: bool


@router.get("/review/next")
def list_next(
    context: InContext,
    state: ListingState = ListingState.NEEDS_REVIEW,
    batch: QueryId = None,
    category: QueryId = None,
    flag: str | None = None,
    after_doubt: float | None = None,
    after_id: QueryId = None,
    limit: Annotated[int, Query(ge=1, le=review.MAX_QUEUE_LIMIT)] = 12,
) -> QueuePage:
    """Return the next listings of the queue, most doubtful first."""
    after = None if after_doubt is None or after_id is None else (after_doubt, after_id)
    only = QueueFilter(state=state, batch_id=batch, category_id=category, flag=flag)
    return review.list_next(
        context.engine, actor=context.actor, only=only, after=after, limit=limit
    )


@router.get("/review/listings/{listing_id}")
def get_listing(context: InContext, listing_id: PathId) -> ReviewListing:
    """Return one listing as its reviewer sees it."""
    return review.get_listing(context.engine, actor=context.actor, listing_id=listing_id)


@router.get("/categories")
def search_categories(
    context: InContext, q: Annotated[str, Query(max_length=200)] = ""
) -> tuple[Category, ...]:
    """Return the categories whose path has every word of ``q``."""
    return review.search_categories(context.engine, actor=context.actor, text=q)


@router.post("/decisions")
def decide(context: InContext, sent: DecisionRequest) -> DecisionOutcome:
    """Keep a decision. Sent again, it changes nothing; on a stale version, it is refused (409).

    It is refused too (401) where another than who made it has signed in since.
    """
    if sent.by not in {None, context.actor.id}:
        raise UnauthenticatedError(
            f"{context.actor.name!r} is signed in here, who did not make this decision"
        )
    if sent.undoes is not None:
        return decisions.undo(
            context.engine,
            actor=context.actor,
            key=str(sent.key),
            decision_key=str(sent.undoes),
        )
    new = NewDecision(
        key=str(sent.key),
        listing_id=sent.listing_id,
        listing_version=sent.listing_version,
        kind=sent.kind,
        category_id=sent.category_id,
        active_ms=sent.active_ms,
        shown=sent.shown.model_dump(),
    )
    return decisions.decide(context.engine, actor=context.actor, new=new)


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
