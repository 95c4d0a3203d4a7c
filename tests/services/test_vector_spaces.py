"""Spaces of embeddings inside Postgres, and what is searched where there is no pgvector."""

import logging

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy import delete, select

from core.services import database, vector_spaces
from core.services.search_index import SearchIndex
from core.services.vector_spaces import find_ready, follow_embeddings, list_unprepared, prepare
from db import vector_tables
from db.engine import reading, transaction
from db.rows import EmbeddingRow
from db.vector_tables import IMAGE_VECTORS
from tests.services.embedded import add_listings, near
from tests.services.flagged import add_batch

SPACE = "efficientnet_lite0-0a1b2c3d4e5f-224px"  # as an embedder calls it
FROM = 30


@pytest.fixture
def pg_engine(postgres_url: str):
    engine = database.db_engine.create_engine(postgres_url)
    yield engine
    engine.dispose()


@pytest.fixture
def batch_id(pg_engine: sa.Engine) -> int:
    return add_batch(pg_engine, database.local_actor(pg_engine))


@pytest.fixture
def index(pg_engine: sa.Engine, tmp_path) -> SearchIndex:
    return SearchIndex(pg_engine, tmp_path)


def add(engine: sa.Engine, batch_id: int, name: str, vectors: np.ndarray) -> None:
    add_listings(engine, batch_id, name, vectors, space=SPACE)


def prepare_all(engine: sa.Engine) -> int:
    waiting = list_unprepared(engine, prepared_from=FROM)
    for embedding_id, _ in waiting:
        prepare(engine, embedding_id=embedding_id)
    return len(waiting)


def is_ready(engine: sa.Engine) -> bool:
    with reading(engine) as session:
        return find_ready(session, name=SPACE) is not None


def find(index: SearchIndex, vectors: np.ndarray, count: int, among=None) -> dict[int, float]:
    found, _ = index.search(
        space=SPACE, vectors=vectors.astype(np.float32), count=count, among=among
    )
    return found


@pytest.mark.postgres
def test_a_space_is_prepared_when_it_has_vectors_enough(pg_engine, batch_id):
    add(pg_engine, batch_id, "mug", near(0, FROM - 1))
    assert prepare_all(pg_engine) == 0
    add(pg_engine, batch_id, "lamp", near(1, 1))

    assert prepare_all(pg_engine) == 1

    assert is_ready(pg_engine)
    assert prepare_all(pg_engine) == 0


@pytest.mark.postgres
def test_both_engines_find_the_same(pg_engine, batch_id, index, tmp_path):
    for axis, name in enumerate(("mug", "lamp", "chair")):
        add(pg_engine, batch_id, name, near(axis, 40))
    sought, few = near(1, 1, seed=5), np.arange(3, 120, 7)
    before = [find(index, sought, 10), find(index, sought, 4, among=few)]

    prepare_all(pg_engine)
    assert is_ready(pg_engine)

    for outside, inside in zip(
        before, [find(index, sought, 10), find(index, sought, 4, among=few)], strict=True
    ):
        assert inside.keys() == outside.keys()
        assert [inside[id_] for id_ in outside] == pytest.approx(list(outside.values()), abs=0.01)


@pytest.mark.postgres
def test_what_is_stored_later_is_found_at_once_and_what_is_deleted_is_not(
    pg_engine, batch_id, index
):
    add(pg_engine, batch_id, "mug", near(0, FROM))
    prepare_all(pg_engine)
    late = near(3, 2)
    add(pg_engine, batch_id, "late", late)
    with transaction(pg_engine) as session:
        newest = session.scalars(
            select(EmbeddingRow).order_by(EmbeddingRow.id.desc()).limit(2)
        ).all()
        follow_embeddings(session, name=SPACE, image_ids=[row.image_id for row in newest])
        ids = {row.id for row in newest}

    assert set(find(index, late[:1], 2)) == ids
    with transaction(pg_engine) as session:
        session.execute(delete(EmbeddingRow).where(EmbeddingRow.id.in_(ids)))
    assert not ids & set(find(index, late[:1], 2))


@pytest.mark.postgres
def test_a_kill_while_it_is_prepared_costs_nothing_that_was_done(pg_engine, batch_id, monkeypatch):
    add(pg_engine, batch_id, "mug", near(0, FROM))
    with monkeypatch.context() as killed:
        killed.setattr(vector_spaces.PgVectorIndex, "lay_out", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            prepare_all(pg_engine)
    assert not is_ready(pg_engine)
    add(pg_engine, batch_id, "lamp", near(1, 3))

    prepare_all(pg_engine)

    with reading(pg_engine) as session:
        assert session.scalar(select(sa.func.count()).select_from(IMAGE_VECTORS)) == FROM + 3
    assert is_ready(pg_engine)


@pytest.mark.postgres
def test_a_space_that_has_grown_is_laid_out_anew(pg_engine, batch_id, index):
    add(pg_engine, batch_id, "mug", near(0, FROM))
    prepare_all(pg_engine)
    more = near(1, 3 * FROM, seed=2)
    add(pg_engine, batch_id, "lamp", more)
    with transaction(pg_engine) as session:
        newest = session.scalars(select(EmbeddingRow.image_id).order_by(EmbeddingRow.id))
        follow_embeddings(session, name=SPACE, image_ids=newest.all())
    with pg_engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE image_vectors")

    assert prepare_all(pg_engine) == 1
    assert prepare_all(pg_engine) == 0
    assert len(find(index, more[:1], 20)) == 20


@pytest.mark.postgres
def test_without_pgvector_photos_are_searched_outside_and_it_is_said(
    pg_engine, batch_id, index, caplog, monkeypatch
):
    with pg_engine.begin() as connection:
        vector_tables.drop(connection)
        connection.exec_driver_sql("DROP EXTENSION vector")
    monkeypatch.setattr(vector_tables, "LEAST_VERSION", (99, 0))

    with caplog.at_level(logging.WARNING):
        database.upgrade(pg_engine)

    assert "searched outside the database: this Postgres has pgvector" in caplog.text
    add(pg_engine, batch_id, "mug", near(0, FROM))
    assert list_unprepared(pg_engine, prepared_from=FROM) == ()
    assert len(find(index, near(0, 1), 5)) == 5


@pytest.mark.postgres
def test_pgvector_that_comes_later_is_taken_up_by_the_next_upgrade(pg_engine):
    with pg_engine.begin() as connection:
        vector_tables.drop(connection)
        connection.exec_driver_sql("DROP EXTENSION vector")

    database.upgrade(pg_engine)

    assert vector_spaces.has_tables(pg_engine)


def test_sqlite_has_none_of_it(engine):
    assert not vector_spaces.has_tables(engine)
    assert list_unprepared(engine) == ()
