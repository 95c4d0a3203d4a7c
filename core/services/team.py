"""What each reviewer did in some time, how fast, and what checks say of it.

Reviewers see their own figures only.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

import numpy as np
import sqlalchemy as sa

from core.actors import Actor, may, require
from core.evaluation import Interval, Tally
from core.evaluation.bootstrap import wilson
from core.people import Agreement, Pace, measure_pace
from core.services import check_figures
from core.services.check_figures import CheckFigures
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
        pace: Decisions, answers to checks among them, and the time that all acts took, skips and
            undone ones too.
        skipped: Listings put off.
        undone: Decisions that somebody took back.
        named: Decisions that gave a category, ``corrected`` those that gave another than the
            suggested one; ``correction_rate`` is their share, with Wilson's 95 % interval, None
            where no category was given.
        days: Decisions a day, UTC; days without any are left out.
        checks: What checks say of the reviewer.
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
    checks: CheckFigures


@dataclass(frozen=True, slots=True)
class TeamFigures:
    """Who did anything in some time, by name, and how far all of them agree."""

    reviewers: tuple[ReviewerFigures, ...]
    agreement: Agreement | None


def measure_team(
    engine: sa.Engine,
    *,
    actor: Actor,
    since: datetime | None = None,
    until: datetime | None = None,
) -> TeamFigures:
    """Return the figures of who did anything in the time; without dashboards only the actor's.

    Args:
        since: At this time or later; ``until`` before this time.

    Raises:
        ForbiddenError: The actor may not review.
    """
    require(actor, "review")
    only = None if sees_everybody(actor) else actor.id
    with reading(engine) as session:
        acts = queries.list_acts(session, user_id=only, since=since, until=until)
        checks = check_figures.measure(session, user_id=only, since=since, until=until)
    return TeamFigures(
        reviewers=tuple(
            _figures(list(own), checks.of(user_id))
            for user_id, own in groupby(acts, lambda act: act.user_id)
        ),
        agreement=checks.agreement,
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
            **_columns("correction_rate", each.correction_rate),
            "skipped": each.skipped,
            "undone": each.undone,
            **_agreement_columns(each.checks.agreement),
            **_tally_columns("wrong_suggestions", "caught", each.checks.caught),
            **_tally_columns("without_suggestion", "unaided", each.checks.unaided),
        }
        for each in found
    )


def _agreement_columns(found: Agreement | None) -> dict[str, object]:
    return {
        "pairs": found.pairs if found else 0,
        "agreed": found.agreed if found else 0,
        **_columns("kappa", found.kappa if found else None),
    }


def _tally_columns(count: str, hits: str, found: Tally | None) -> dict[str, object]:
    return {
        count: found.count if found else 0,
        hits: found.hits if found else 0,
        **_columns(f"{hits}_rate", found.share if found else None),
    }


def _columns(name: str, found: Interval | None) -> dict[str, object]:
    return {
        name: found and found.value,
        f"{name}_low": found and found.low,
        f"{name}_high": found and found.high,
    }


def _figures(acts: Sequence[Act], checks: CheckFigures) -> ReviewerFigures:
    deciding = [act for act in acts if act.kind in DECIDING]
    standing = [act for act in deciding if not act.is_undone]
    # A suggestion that is wrong on purpose says nothing of how often one is corrected.
    kinds = Counter(act.kind for act in standing if not act.is_check)
    named = kinds[DecisionKind.ACCEPT] + kinds[DecisionKind.CORRECT]
    corrected = kinds[DecisionKind.CORRECT]
    return ReviewerFigures(
        user_id=acts[0].user_id,
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
        checks=checks,
    )
