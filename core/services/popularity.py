"""What is popular among shoppers: summed up by the worker now and then, read at each request."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from core.recommendation.profile import INTERACTION_KINDS
from db.engine import reading, transaction
from db.queries import popularity as queries

POPULAR_FOR = timedelta(days=90)
"""What was liked or viewed longer ago makes nothing popular."""

COUNTED_EVERY = timedelta(minutes=10)
"""What is popular is at most so old, as long as a worker runs."""

KEPT_OF_CATEGORY = 200


def count_when_due(engine: sa.Engine) -> bool:
    """Sum up what is popular if that is more than ``COUNTED_EVERY`` ago; return whether it was."""
    now = datetime.now(UTC)
    with reading(engine) as session:
        counted_at = queries.find_counted_at(session)
    if counted_at is not None and now - counted_at < COUNTED_EVERY:
        return False
    count(engine)
    return True


def count(engine: sa.Engine) -> None:
    """Sum up what is popular now."""
    now = datetime.now(UTC)
    weights = {kind.key: kind.weight for kind in INTERACTION_KINDS.values()}
    with reading(engine) as session:  # it may take its time, so it holds nobody up
        found = queries.count(
            session, weights=weights, since=now - POPULAR_FOR, of_category=KEPT_OF_CATEGORY
        )
        before = queries.find_counted_at(session)
    if found or before is not None:
        with transaction(engine) as session:
            queries.replace(session, found=found, at=now)
