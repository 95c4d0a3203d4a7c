"""What the shop's shoppers did, and what to show them next; by the shop's own name of them."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, Field

from api.dependencies import InContext
from api.parameters import BodyId
from api.search import InFilter
from core.services import interactions, recommendations
from core.services.interactions import MAX_SHOPPER_CHARACTERS, NewInteraction
from core.services.recommendations import MAX_RECOMMENDED, Recommendations
from core.services.states import ListingState

router = APIRouter()

MAX_SENT = 1000
Shopper = Annotated[str, Path(min_length=1, max_length=MAX_SHOPPER_CHARACTERS)]
Count = Annotated[int, Query(ge=1, le=MAX_RECOMMENDED)]


class Sent(BaseModel):
    """Something that a shopper did; without ``at``, now. It cannot be yet to come."""

    listing_id: BodyId
    kind: Literal["liked", "viewed"]
    at: AwareDatetime | None = None


class SentTogether(BaseModel):
    interactions: Annotated[list[Sent], Field(min_length=1, max_length=MAX_SENT)]


@dataclass(frozen=True, slots=True)
class Changed:
    """How many interactions were kept, or deleted."""

    interactions: int


@router.post("/shoppers/{shopper}/interactions")
def record(context: InContext, shopper: Shopper, sent: SentTogether) -> Changed:
    """Keep what a shopper liked and viewed; what was sent before with its time is kept once."""
    new = [NewInteraction(each.listing_id, each.kind, each.at) for each in sent.interactions]
    return Changed(
        interactions.record(context.engine, actor=context.actor, shopper=shopper, interactions=new)
    )


@router.get("/shoppers/{shopper}/recommendations")
def recommend(
    context: InContext, shopper: Shopper, only: InFilter, count: Count = 12
) -> Recommendations:
    """Return what a shopper may like; published listings, unless another ``state`` is asked for."""
    return recommendations.recommend(
        context.engine,
        context.settings,
        actor=context.actor,
        shopper=shopper,
        only=replace(only, state=only.state or ListingState.PUBLISHED),
        count=count,
    )


@router.delete("/shoppers/{shopper}")
def wipe(context: InContext, shopper: Shopper) -> Changed:
    """Delete everything that is kept of a shopper."""
    return Changed(interactions.wipe(context.engine, actor=context.actor, shopper=shopper))
