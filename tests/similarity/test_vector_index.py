"""What holds of every engine."""

import subprocess
import sys

import numpy as np
import pytest
import sqlalchemy as sa

from core.errors import InvalidInputError
from core.similarity.faiss_index import FaissIndex
from core.similarity.index_file import IndexFileError, load_index, open_index, save_index
from db.engine import create_engine
from db.vector_index import PgVectorIndex, add_space
from db.vector_tables import create_where_available
from tests.similarity.sources import MemorySource, make_vectors, nearest


def flat(source):
    return FaissIndex.build(source)


def cells(source):
    return FaissIndex.build(source, flat_up_to=100)


def make_index(connection, space, dimensions):
    axes = np.eye(dimensions, dtype=np.float32)
    return PgVectorIndex(connection, add_space(connection, space, axes), dimensions)


@pytest.fixture(scope="module")
def pg_connection(postgres_server):
    engine = create_engine(postgres_server)
    with engine.connect() as connection, connection.begin() as begun:
        assert create_where_available(connection) is None
        yield connection
        begun.rollback()
    engine.dispose()


@pytest.fixture(params=["flat", "cells", pytest.param("pgvector", marks=pytest.mark.postgres)])
def build(request):
    """A way to make an index of a source, one an engine."""
    if request.param != "pgvector":
        yield {"flat": flat, "cells": cells}[request.param]
        return
    connection = request.getfixturevalue("pg_connection")
    with connection.begin_nested() as savepoint:

        def lay_out(source):
            index = make_index(connection, source.space, source.dimensions)
            index.catch_up(source)
            index.lay_out()
            return index

        yield lay_out
        savepoint.rollback()


def share_found(index, source, queries, among=None):
    found, _ = index.search(queries, 10, among=among)
    hits = [
        np.isin(nearest(source, query, 10, among), row).mean()
        for query, row in zip(queries, found, strict=True)
    ]
    return float(np.mean(hits))


def test_the_nearest_are_found(build):
    source = MemorySource(make_vectors(2000))

    assert share_found(build(source), source, make_vectors(20, seed=1)) >= 0.95


def test_similarities_are_products_and_fall(build):
    source = MemorySource(make_vectors(500))
    query = make_vectors(1, seed=1)

    ids, similarities = build(source).search(query, 5)

    expected = [float(source.rows[key] @ query[0]) for key in ids[0]]
    np.testing.assert_allclose(similarities[0], expected, atol=0.02)
    assert (np.diff(similarities[0]) <= 0).all()


def test_among_a_few_scattered_ids_none_is_missed(build):
    source = MemorySource(make_vectors(2000))
    index, queries = build(source), make_vectors(20, seed=1)
    few = np.arange(7, 2000, 100)

    found, _ = index.search(queries, 10, among=few)

    assert np.isin(found, few).all()
    assert share_found(index, source, queries, few) >= 0.95


def test_what_cannot_be_found_is_minus_one(build):
    index = build(MemorySource(make_vectors(300)))

    ids, similarities = index.search(make_vectors(1), 4, among=np.array([5, 6, 999]))

    assert set(ids[0].tolist()) == {5, 6, -1}
    assert np.isneginf(similarities[ids < 0]).all()


def test_what_is_added_is_found_and_what_is_dropped_is_not(build):
    source = MemorySource(make_vectors(400))
    index = build(source)
    fresh = make_vectors(3, seed=5)

    index.add(np.array([1001, 1002, 1003]), fresh)
    assert index.search(fresh, 1)[0][:, 0].tolist() == [1001, 1002, 1003]
    assert index.delete(np.array([1001, 1002, 77_777])) == 2

    assert len(index) == 401
    assert not np.isin([1001, 1002], index.search(fresh, 20)[0]).any()


def test_an_id_added_again_is_replaced(build):
    index = build(MemorySource(make_vectors(400)))
    moved = make_vectors(1, seed=8)

    index.add(np.array([7]), moved)

    assert len(index) == 400
    assert index.search(moved, 1)[0].tolist() == [[7]]


def test_it_catches_up_from_its_watermark(build):
    source = MemorySource(make_vectors(400))
    index = build(source)
    later = make_vectors(20, seed=9)
    source.rows.update({500 + at: vector for at, vector in enumerate(later)})

    assert index.catch_up(source) == 20
    assert index.catch_up(source) == 0
    assert index.search(later[:1], 1)[0].tolist() == [[500]]


@pytest.mark.parametrize("make", [flat, cells])
def test_it_says_how_far_it_is_behind(make):
    source = MemorySource(make_vectors(400))
    index = make(source)
    assert index.freshness(source).is_fresh

    del source.rows[3]
    source.rows[2000] = make_vectors(1)[0]
    index.catch_up(source)

    assert not index.freshness(source).is_fresh
    assert index.reconcile(source) == 1
    assert index.freshness(source).is_fresh
    assert index.watermark == 2000


@pytest.mark.parametrize("make", [flat, cells])
def test_a_saved_index_is_the_same(make, tmp_path):
    source = MemorySource(make_vectors(900))
    index, queries = make(source), make_vectors(10, seed=1)

    save_index(index, tmp_path / "vectors")
    read = load_index(tmp_path / "vectors")

    assert (read.space, read.watermark, read.probes, len(read)) == ("test", 900, index.probes, 900)
    for ours, theirs in zip(read.search(queries, 5), index.search(queries, 5), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_opened_index_takes_up_what_came_and_drops_what_went(tmp_path):
    source = MemorySource(make_vectors(300))
    save_index(flat(source), tmp_path / "vectors")
    del source.rows[8]
    source.rows[301] = make_vectors(1, seed=4)[0]

    index = open_index(tmp_path / "vectors", source)

    assert index.ids.tolist() == sorted(source.rows)


@pytest.mark.parametrize("at", [3, 40, -2])
def test_a_damaged_file_is_refused_and_built_again(at, tmp_path):
    source = MemorySource(make_vectors(300))
    path = tmp_path / "vectors"
    save_index(flat(source), path)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)

    with pytest.raises(IndexFileError):
        load_index(path)
    assert len(open_index(path, source)) == 300


def test_half_a_file_is_refused(tmp_path):
    path = tmp_path / "vectors"
    save_index(flat(MemorySource(make_vectors(300))), path)
    path.write_bytes(path.read_bytes()[:2000])

    with pytest.raises(IndexFileError, match="damaged"):
        load_index(path)


def test_an_index_of_another_space_is_not_used(tmp_path):
    save_index(flat(MemorySource(make_vectors(50), "old")), tmp_path / "vectors")
    source = MemorySource(make_vectors(60), "new")

    assert open_index(tmp_path / "vectors", source).space == "new"


def test_spaces_are_never_mixed():
    index = flat(MemorySource(make_vectors(50), "old"))

    with pytest.raises(InvalidInputError, match="never compared"):
        index.catch_up(MemorySource(make_vectors(50), "new"))
    with pytest.raises(InvalidInputError, match="dimensions"):
        index.search(make_vectors(1, dimensions=8), 3)


@pytest.mark.postgres
def test_spaces_of_postgres_are_apart(pg_connection):
    with pg_connection.begin_nested() as savepoint:
        old, new = (make_index(pg_connection, name, 16) for name in ("old", "new"))
        old.add(np.array([1, 2]), make_vectors(2))
        new.add(np.array([1]), make_vectors(1, seed=3))

        assert (len(old), len(new)) == (2, 1)
        assert new.search(make_vectors(1), 5)[0][0].tolist() == [1, -1, -1, -1, -1]
        savepoint.rollback()


def explain(_connection, _cursor, statement, parameters, _context, _many):
    return f"EXPLAIN {statement}", parameters


@pytest.mark.postgres
def test_a_search_of_postgres_goes_through_the_cells(pg_connection):
    with pg_connection.begin_nested() as savepoint:
        index = make_index(pg_connection, "planned-1; drop", 16)
        index.catch_up(MemorySource(make_vectors(3000)))
        index.lay_out()

        sa.event.listen(pg_connection, "before_cursor_execute", explain, retval=True)
        query = index._nearest(make_vectors(1)[0], 10, None)
        plan = pg_connection.execute(query).scalars().all()
        sa.event.remove(pg_connection, "before_cursor_execute", explain)

        assert any(index.cells in line for line in plan), plan
        savepoint.rollback()


@pytest.mark.postgres
def test_more_than_the_cells_looked_into_hold_is_found(pg_connection):
    with pg_connection.begin_nested() as savepoint:
        index = make_index(pg_connection, "many", 16)
        index.catch_up(MemorySource(make_vectors(2500)))
        index.lay_out()

        found, _ = index.search(make_vectors(1), 1500)

        assert (found >= 0).sum() == 1500
        savepoint.rollback()


@pytest.mark.postgres
def test_cells_are_laid_out_anew_for_twice_as_many_vectors(pg_connection):
    with pg_connection.begin_nested() as savepoint:
        index = make_index(pg_connection, "growing", 16)
        assert index.is_outgrown
        index.catch_up(MemorySource(make_vectors(900)))
        index.lay_out()
        assert not index.is_outgrown
        assert 1_700 < index.outgrown_at < 1_900
        index.add(np.arange(901, 2001), make_vectors(1100, seed=5))
        pg_connection.execute(sa.text("ANALYZE image_vectors"))
        assert index.is_outgrown
        index.lay_out()
        assert not index.is_outgrown
        savepoint.rollback()


def test_torch_stays_out():
    asked = "import core.similarity.index_file, sys; import faiss; print('torch' in sys.modules)"

    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "False"
