"""What a review screen sends together: acts in their order, each kept or refused by itself."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from core.actors import Actor, require
from core.errors import CatalogError
from core.services import decisions
from core.services.decisions import DecisionOutcome, NewDecision

MAX_ACTS = 50


@dataclass(frozen=True, slots=True)
class Undoing:
    """The taking back of a decision; both keys are UUIDs drawn by the client."""

    key: str
    decision_key: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an act.

    Attributes:
        outcome: None where it was refused.
        error: Name of the error that it was refused with; empty where it was kept.
        message: What was wrong, and what to do; empty where it was kept.
    """

    key: str
    outcome: DecisionOutcome | None = None
    error: str = ""
    message: str = ""


def keep(
    engine: sa.Engine, *, actor: Actor, acts: Sequence[NewDecision | Undoing]
) -> tuple[Answer, ...]:
    """Keep acts, one transaction each; one that is refused keeps none after it from being kept.

    Sent again, what was kept changes nothing and is answered the same.

    Raises:
        ForbiddenError: The actor may not review.
    """
    require(actor, "review")
    return tuple(_keep(engine, actor, act) for act in acts)


def _keep(engine: sa.Engine, actor: Actor, act: NewDecision | Undoing) -> Answer:
    try:
        if isinstance(act, Undoing):
            outcome = decisions.undo(
                engine, actor=actor, key=act.key, decision_key=act.decision_key
            )
        else:
            outcome = decisions.decide(engine, actor=actor, new=act)
    except CatalogError as error:
        return Answer(act.key, error=type(error).__name__, message=str(error))
    return Answer(act.key, outcome)
