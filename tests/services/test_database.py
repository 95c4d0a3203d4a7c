import pytest

from core.errors import ConflictError
from core.services import database


@pytest.fixture
def process_engine(engine, monkeypatch):
    """Make the test's engine the process's."""
    database.get_ready_engine.cache_clear()
    monkeypatch.setattr(database, "get_engine", lambda: engine)
    yield engine
    database.get_ready_engine.cache_clear()


def test_an_empty_database_is_migrated_when_it_is_first_used(process_engine):
    database.downgrade(process_engine, "base")

    database.get_ready_engine()

    assert database.current_revision(process_engine) == database.head_revision(process_engine)


def test_an_older_schema_is_named_with_what_to_do(process_engine):
    database.downgrade(process_engine, "0001")

    with pytest.raises(ConflictError, match=r"at revision 0001.*catalens db upgrade"):
        database.get_ready_engine()


def test_the_password_of_the_database_is_never_shown():
    engine = database.db_engine.create_engine("postgresql+psycopg://ann:secret@localhost/shop")

    assert "secret" not in database.describe(engine)


def test_the_local_user_is_made_once(engine):
    assert database.local_actor(engine) == database.local_actor(engine)
