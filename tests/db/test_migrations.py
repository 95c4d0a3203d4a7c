"""The migrations, up and down with rows inside, on both databases."""

import sqlalchemy as sa
from alembic import command
from sqlalchemy import func, select

from core.services import database
from db.base import Base
from db.engine import reading, transaction
from db.queries.categories import ensure_paths, search
from db.rows import FlagRow, ListingTransitionRow
from db.states import LISTING_TRANSITIONS, FlagState
from tests.db.rows import add_everything

DERIVED = {"flagged_listings"}  # made again from what is there


def count_rows(engine: sa.Engine) -> dict[str, int]:
    with reading(engine) as session:
        return {
            name: session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in Base.metadata.tables.items()
        }


def test_the_models_and_the_migrated_schema_agree(any_engine):
    command.check(database.alembic_config(any_engine))


def test_every_table_has_a_row_in_the_round_trip(any_engine):
    add_everything(any_engine)

    assert [name for name, count in count_rows(any_engine).items() if count == 0] == []


def test_rows_survive_down_to_the_first_revision_and_up_again(any_engine):
    add_everything(any_engine)
    before = count_rows(any_engine)

    database.downgrade(any_engine, "0001")
    first = set(sa.inspect(any_engine).get_table_names())
    database.upgrade(any_engine)

    after = count_rows(any_engine)
    assert "predictions" in first
    kept = first | DERIVED
    assert after == {name: count if name in kept else 0 for name, count in before.items()}
    command.check(database.alembic_config(any_engine))


def test_down_to_nothing_and_up_again_with_rows_inside(any_engine):
    add_everything(any_engine)

    database.downgrade(any_engine, "base")
    assert set(sa.inspect(any_engine).get_table_names()) == {"alembic_version"}
    database.upgrade(any_engine)

    command.check(database.alembic_config(any_engine))
    add_everything(any_engine)


def test_without_verdicts_a_dismissed_flag_is_open_again(any_engine):
    add_everything(any_engine)
    with transaction(any_engine) as session:
        session.execute(sa.update(FlagRow).values(state=FlagState.DISMISSED))

    database.downgrade(any_engine, "0005")
    database.upgrade(any_engine)

    with reading(any_engine) as session:
        assert session.scalars(select(FlagRow.state)).all() == [FlagState.OPEN]


def test_categories_made_before_there_were_synonyms_are_found(any_engine):
    with transaction(any_engine) as session:
        ensure_paths(session, ["Home > Äpfelschale"])

    database.downgrade(any_engine, "0014")
    database.upgrade(any_engine)

    with reading(any_engine) as session:
        found = search(session, text="APFEL", first=(), limit=9)
    assert [each.path for each in found] == ["Home > Äpfelschale"]


def test_the_database_holds_the_table_of_moves(any_engine):
    with reading(any_engine) as session:
        stored = session.scalars(select(ListingTransitionRow)).all()

    assert {(row.from_state, row.to_state) for row in stored} == LISTING_TRANSITIONS


def test_the_upgrade_twice_changes_nothing(any_engine):
    add_everything(any_engine)
    before = count_rows(any_engine)

    database.upgrade(any_engine)

    assert count_rows(any_engine) == before


def test_a_transaction_that_fails_leaves_nothing(any_engine):
    before = count_rows(any_engine)
    try:
        with transaction(any_engine) as session:
            session.execute(sa.text("DELETE FROM listing_transitions"))
            raise KeyError
    except KeyError:
        pass

    assert count_rows(any_engine) == before
