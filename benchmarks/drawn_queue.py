"""A database full of listings to review, as any benchmark of the queue needs it."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from core.actors import Actor
from core.flags import FLAG_KINDS
from core.queue import EFFORTS
from core.services import database
from core.services.queue import PAGE_WINDOW
from db.base import Base
from db.rows import (
    BatchRow,
    CategoryRow,
    CheckAnswerRow,
    CheckRow,
    DecisionRow,
    FlaggedListingRow,
    FlagRow,
    ImageRow,
    LeaseRow,
    ListingImageRow,
    ListingRow,
    UserRow,
)
from db.states import CheckKind, DecisionKind, FlagSeverity, ListingState

CATEGORIES = 200
LISTINGS_A_BATCH = 2_000
LISTINGS_A_SELLER = 500
FLAGGED_SHARE = 0.15
REVIEWERS = 20
CHECKED = 4  # of the reviewers
CHECKED_SHARE = 0.04  # of what the others decided
MEASURED = 300
ROWS_AT_ONCE = 20_000
STATES = (
    *([ListingState.NEEDS_REVIEW] * 7),
    *([ListingState.ACCEPTED] * 2),
    ListingState.CORRECTED,
)

# What any kind of flag says its reason from.
FLAG_DETAIL = {
    "value": 0.1,
    "limit": 0.2,
    "listing_ids": [1],
    "listings": [[1, 0.9]],
    "count": 1,
    "opinions": [],
    "claimed": "c001",
    "claimed_probability": 0.1,
    "likeliest": "c002",
    "likeliest_probability": 0.9,
    "known": 1000,
    "rate": 0.02,
    "nearest": [],
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A database that is filled."""

    engine: sa.Engine
    actor: Actor
    listings: int
    index_bytes: float


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
        _insert_history(connection, actor, drawing, listings)
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
            "detail": FLAG_DETAIL,
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


def _insert_history(
    connection: sa.Connection,
    actor: Actor,
    drawing: random.Random,
    listings: Sequence[Mapping[str, Any]],
) -> None:
    """Let one reviewer have decided each listing that is, and a few have checked some of them."""
    decided = [each for each in listings if each["state"] != ListingState.NEEDS_REVIEW]
    decisions = [
        {
            "key": str(uuid4()),
            "listing_id": each["id"],
            "listing_version": 1,
            "user_id": actor.id + 1 + drawing.randrange(REVIEWERS),
            "kind": DecisionKind.ACCEPT,
            "category_id": each["suggested_category_id"],
        }
        for each in decided
    ]
    insert(connection, DecisionRow, decisions)
    by_others = sa.select(DecisionRow.id, DecisionRow.listing_id, DecisionRow.category_id).where(
        DecisionRow.kind == DecisionKind.ACCEPT, DecisionRow.user_id > actor.id + CHECKED
    )
    checks = [
        {
            "listing_id": made.listing_id,
            "user_id": actor.id + 1 + place % CHECKED,
            "kind": CheckKind.SECOND,
            "decision_id": made.id,
            "category_id": made.category_id,
        }
        for place, made in enumerate(connection.execute(by_others.order_by(DecisionRow.id)))
        if drawing.random() < CHECKED_SHARE
    ]
    insert(connection, CheckRow, checks)
    answers = [
        {
            "check_id": check.id,
            "key": str(uuid4()),
            "kind": DecisionKind.ACCEPT,
            "category_id": check.category_id,
        }
        for check in connection.execute(sa.select(CheckRow.id, CheckRow.category_id))
    ]
    insert(connection, CheckAnswerRow, answers)


def _insert_leases(connection: sa.Connection, size: int) -> None:
    """Every other reviewer holds a page of the most doubtful listings."""
    held = min(size, REVIEWERS * PAGE_WINDOW)
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
