"""What each reviewer did in some time, and how fast. Reviewers see their own figures only."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

import numpy as np
import sqlalchemy as sa

from core.actors import Actor, may, require
from core.evaluation import Interval
from core.evaluation.bootstrap import wilson
from core.people import Pace, measure_pace
from core.services.evaluation_exports import to_csv
from db.engine import reading
from db.queries import team as queries
from db.queries.team import Act
from db.states import DecisionKind

DECIDING = (DecisionKind.ACCEPT, DecisionKind.CORRECT, DecisionKind.REJECT)


@dataclass(frozen=True, slots=True)
class ReviewerFigures:
    """One reviewer in some time. What was taken back since is no decision.

    Attributes:
        pace: Decisions, and the time that all acts took, skips and undone ones too.
        skipped: Listings put off.
        undone: Decisions that somebody took back.
        named: Decisions that gave a category, ``corrected`` those that gave another than the
            suggested one; ``correction_rate`` is their share, with Wilson's 95 % interval, None
            where no category was given.
        days: Decisions a day, UTC; days without any are left out.
    """

    user_id: int
    name: str
    pace: Pace
    skipped: int
    undone: int
    named: int
    corrected: int
    correction_rate: Interval | None
    days: Mapping[date, int]


def list_figures(
    engine: sa.Engine,
    *,
    actor: Actor,
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[ReviewerFigures, ...]:
    """Return who did anything in the time, by name; without dashboards only the actor.

    Args:
        since: At this time or later; ``until`` before this time.

    Raises:
        ForbiddenError: The actor may not review.
    """
    require(actor, "review")
    only = None if sees_everybody(actor) else actor.id
    with reading(engine) as session:
        acts = queries.list_acts(session, user_id=only, since=since, until=until)
    return tuple(
        _figures(user_id, list(own)) for user_id, own in groupby(acts, lambda act: act.user_id)
    )


def sees_everybody(actor: Actor) -> bool:
    """Whether the actor sees the figures of others."""
    return may(actor, "dashboards")


def figures_csv(found: Sequence[ReviewerFigures]) -> str:
    """One line a reviewer."""
    return to_csv(
        {
            "reviewer": each.name,
            "decisions": each.pace.decisions,
            "at_work_s": round(each.pace.at_work_s),
            "active_s": round(each.pace.active_s, 1),
            "per_hour": each.pace.per_hour,
            "per_active_minute": each.pace.per_active_minute,
            "named": each.named,
            "corrected": each.corrected,
            "correction_rate": each.correction_rate and each.correction_rate.value,
            "correction_rate_low": each.correction_rate and each.correction_rate.low,
            "correction_rate_high": each.correction_rate and each.correction_rate.high,
            "skipped": each.skipped,
            "undone": each.undone,
        }
        for each in found
    )


def _figures(user_id: int, acts: Sequence[Act]) -> ReviewerFigures:
    deciding = [act for act in acts if act.kind in DECIDING]
    standing = [act for act in deciding if not act.is_undone]
    kinds = Counter(act.kind for act in standing)
    named = kinds[DecisionKind.ACCEPT] + kinds[DecisionKind.CORRECT]
    corrected = kinds[DecisionKind.CORRECT]
    return ReviewerFigures(
        user_id=user_id,
        name=acts[0].name,
        pace=measure_pace(
            np.array([act.at.timestamp() for act in acts]),
            np.array([act.active_ms / 1000 for act in acts]),
            np.array([act.kind in DECIDING and not act.is_undone for act in acts]),
        ),
        skipped=sum(act.kind == DecisionKind.SKIP for act in acts),
        undone=len(deciding) - len(standing),
        named=named,
        corrected=corrected,
        correction_rate=wilson(corrected, named) if named else None,
        days=Counter(act.at.date() for act in standing),
    )
