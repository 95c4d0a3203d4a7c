"""How right the models are in daily use: their predictions against people's decisions.

Reviewers see the suggestion before they decide, and mostly the doubtful listings, so this
is no substitute for an evaluation; it shows when a model that was good stops being so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from core.actors import Actor, require
from core.evaluation import Interval
from core.evaluation.bootstrap import wilson
from core.services.evaluations import Narrowing
from db.engine import reading
from db.queries.live_accuracy import Period, count_hits

__all__ = ["LiveAccuracy", "Period", "list_live_accuracy"]


@dataclass(frozen=True, slots=True)
class LiveAccuracy:
    """One model version in one day or week.

    Attributes:
        start: First day of the period, UTC; weeks begin on Monday.
        listings: Decided in it and predicted by the version, by their main photo.
        accuracy: Of those, with Wilson's interval.
    """

    version_id: int
    name: str
    start: date
    listings: int
    accuracy: Interval


def list_live_accuracy(
    engine: sa.Engine,
    *,
    actor: Actor,
    period: Period = "week",
    since: datetime | None = None,
    until: datetime | None = None,
    narrowing: Narrowing | None = None,
    version_ids: Sequence[int] = (),
) -> tuple[LiveAccuracy, ...]:
    """Return the accuracy of each version in each period, oldest first.

    Args:
        since: Decided at this time or later; ``until`` before this time.
        narrowing: Which listings count, by their decided category.

    Raises:
        ForbiddenError: The actor may not see dashboards.
    """
    require(actor, "dashboards")
    narrowing = narrowing or Narrowing()
    with reading(engine) as session:
        counts = count_hits(
            session,
            period=period,
            since=since,
            until=until,
            words=narrowing.words.split(),
            group=narrowing.group,
            version_ids=version_ids,
        )
    return tuple(
        LiveAccuracy(
            version_id=each.version_id,
            name=f"{each.arch} {each.digest[:8]}",
            start=date.fromisoformat(each.period),
            listings=each.listings,
            accuracy=wilson(each.hits, each.listings),
        )
        for each in counts
    )
