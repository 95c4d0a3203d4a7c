"""the review queue: indexes for every filter and order, leases, saved views

Revision: 0010, after 0009

Triggers keep ``flagged_listings`` beside ``flags`` and ``listings``. On SQLite a batch migration
of ``flags`` or ``listings`` drops those of its own table, and fails on those that name it: take
them down by ``drop_mirror`` before and put them up by ``create_mirror`` afterwards.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | Sequence[str] | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UTC = sa.DateTime(timezone=True)

FILTERS = (("seller", "seller"), ("category", "suggested_category_id"), ("batch", "batch_id"))
ORDERS = {"doubt": ("doubt",), "value": ("effort", "expected_errors"), "age": ()}
MIRRORED = (
    "state",
    "batch_id",
    "suggested_category_id",
    "seller",
    "doubt",
    "expected_errors",
    "effort",
)
COLUMNS = ", ".join(MIRRORED)

# name -> (event, table, statement)
MIRROR = {
    "flags_mirror_insert": (
        "INSERT",
        "flags",
        (
            f"INSERT INTO flagged_listings (listing_id, kind, {COLUMNS})"
            f" SELECT id, NEW.kind, {COLUMNS} FROM listings"
            " WHERE id = NEW.listing_id AND NEW.state = 'open' ON CONFLICT DO NOTHING"
        ),
    ),
    "flags_mirror_open": (
        "UPDATE OF state",
        "flags",
        (
            f"INSERT INTO flagged_listings (listing_id, kind, {COLUMNS})"
            f" SELECT id, NEW.kind, {COLUMNS} FROM listings"
            " WHERE id = NEW.listing_id AND NEW.state = 'open' ON CONFLICT DO NOTHING"
        ),
    ),
    "flags_mirror_close": ("UPDATE OF state", "flags", None),
    "flags_mirror_delete": ("DELETE", "flags", None),
    "listings_mirror": (
        f"UPDATE OF {COLUMNS}",
        "listings",
        (
            f"UPDATE flagged_listings SET {', '.join(f'{c} = NEW.{c}' for c in MIRRORED)}"
            " WHERE listing_id = NEW.id"
        ),
    ),
}
CLOSE = (
    "DELETE FROM flagged_listings WHERE listing_id = OLD.listing_id AND kind = OLD.kind"
    " AND NOT EXISTS (SELECT 1 FROM flags WHERE listing_id = OLD.listing_id"
    " AND kind = OLD.kind AND state = 'open')"
)
COPIES = (
    "SELECT count(*) FROM listing_images AS mine JOIN listing_images AS theirs"
    " ON theirs.image_id = mine.image_id AND theirs.position = 0"
    " JOIN listings AS other ON other.id = theirs.listing_id"
    " WHERE mine.listing_id = listings.id AND mine.position = 0"
    " AND other.suggested_category_id = listings.suggested_category_id"
    " AND other.state IN ('received', 'processing', 'needs_review')"
)
ASKS = "kind IN ('models_disagree', 'claimed_mismatch')"
OPEN_FLAG = "SELECT 1 FROM flags WHERE listing_id = listings.id AND state = 'open'"


def upgrade() -> None:
    op.add_column(
        "listings",
        sa.Column("expected_errors", sa.Double(), nullable=False, server_default=sa.text("0")),
    )
    op.add_column(
        "listings",
        sa.Column("effort", sa.String(20), nullable=False, server_default=sa.text("'plain'")),
    )
    op.add_column("decisions", sa.Column("effort", sa.String(20), nullable=True))
    op.create_index("ix_decisions_effort_id", "decisions", ["effort", "id"])
    _fill_listings()
    _create_tables()
    op.execute(
        f"INSERT INTO flagged_listings (listing_id, kind, {COLUMNS})"
        f" SELECT DISTINCT id, kind, {COLUMNS} FROM (SELECT listings.id, flags.kind, "
        f"{', '.join(f'listings.{c}' for c in MIRRORED)} FROM flags"
        " JOIN listings ON listings.id = flags.listing_id WHERE flags.state = 'open') AS opened"
    )
    op.drop_index("ix_listings_state_doubt_id", "listings")
    for table, name, columns in _indexes():
        op.create_index(name, table, columns)
    create_mirror()


def downgrade() -> None:
    drop_mirror()
    for table, name, _ in _indexes():
        op.drop_index(name, table)
    op.create_index("ix_listings_state_doubt_id", "listings", ["state", "doubt", "id"])
    for table in ("saved_views", "leases", "flagged_listings"):
        op.drop_table(table)
    op.drop_index("ix_decisions_effort_id", "decisions")
    op.drop_column("decisions", "effort")
    op.drop_column("listings", "effort")
    op.drop_column("listings", "expected_errors")


def create_mirror() -> None:
    """Put up the triggers that keep ``flagged_listings``."""
    for name, (event, table, statement) in MIRROR.items():
        body = statement or CLOSE
        if op.get_bind().dialect.name == "postgresql":
            op.execute(
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN {body}; RETURN NULL; END $$"
            )
            op.execute(
                f"CREATE TRIGGER {name} AFTER {event} ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION {name}()"
            )
        else:
            op.execute(f"CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN {body}; END")


def drop_mirror() -> None:
    """Take down the triggers that keep ``flagged_listings``."""
    for name, (_, table, _) in MIRROR.items():
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"DROP TRIGGER {name} ON {table}")
            op.execute(f"DROP FUNCTION {name}()")
        else:
            op.execute(f"DROP TRIGGER {name}")


def _fill_listings() -> None:
    """Value the listings as the services do it from now on."""
    op.execute(
        f"UPDATE listings SET effort = CASE WHEN EXISTS ({OPEN_FLAG} AND {ASKS}) THEN 'category'"
        f" WHEN EXISTS ({OPEN_FLAG} AND severity <> 'hint') THEN 'photo' ELSE 'plain' END,"
        " expected_errors = coalesce(doubt, 0) * CASE WHEN suggested_category_id IS NULL"
        f" OR state <> 'needs_review' THEN 1 ELSE coalesce(nullif(({COPIES}), 0), 1) END"
    )


def _create_tables() -> None:
    op.create_table(
        "flagged_listings",
        sa.Column("listing_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("batch_id", BIG_ID, nullable=False),
        sa.Column("suggested_category_id", BIG_ID, nullable=True),
        sa.Column("seller", sa.String(200), nullable=False),
        sa.Column("doubt", sa.Double(), nullable=True),
        sa.Column("expected_errors", sa.Double(), nullable=False),
        sa.Column("effort", sa.String(20), nullable=False),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listings.id"], name=op.f("fk_flagged_listings_listing_id")
        ),
        sa.PrimaryKeyConstraint("listing_id", "kind", name=op.f("pk_flagged_listings")),
    )
    op.create_table(
        "leases",
        sa.Column("listing_id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("until", UTC, nullable=False),
        sa.ForeignKeyConstraint(["listing_id"], ["listings.id"], name=op.f("fk_leases_listing_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_leases_user_id")),
        sa.PrimaryKeyConstraint("listing_id", name=op.f("pk_leases")),
    )
    op.create_index("ix_leases_until", "leases", ["until"])
    op.create_table(
        "saved_views",
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("query", sa.String(1000), nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_saved_views_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_saved_views_user_id_name")),
    )


def _indexes() -> Iterator[tuple[str, str, list[str]]]:
    """Yield (table, name, columns); a copy of db.indexes as of this revision."""
    seller, category, batch = FILTERS
    ways = [
        (chosen, order)
        for size in range(4)
        for chosen in combinations(FILTERS, size)
        for order in ORDERS
    ]
    ways += [((batch, category), "doubt"), ((seller, batch, category), "doubt")]
    for chosen, order in ways:
        name = "_".join((*(name for name, _ in chosen), order))
        columns = [column for _, column in chosen]
        ordered = [*columns, *ORDERS[order]]
        yield "listings", f"ix_listings_queue_{name}", ["state", *ordered, "id"]
        flagged = f"ix_flagged_listings_queue_{name}"
        yield "flagged_listings", flagged, ["kind", "state", *ordered, "listing_id"]
        if order == "age":  # once for each set of filters
            groups = f"ix_flagged_listings_groups_{name.removesuffix('age')}kind"
            in_groups = ["state", *columns, "kind", "doubt", "listing_id"]
            yield "flagged_listings", groups, in_groups
