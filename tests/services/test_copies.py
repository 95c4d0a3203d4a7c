"""Copies are sought as the worker does it: no worker process."""

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy import select

from core.actors import Actor
from core.services import copies
from core.services.copies import KnownPrints
from core.settings import Settings
from core.storage import ImageStore
from db.engine import reading, transaction
from db.rows import FingerprintRow, FlagRow, ImageRow, ListingRow, MatchRow
from db.states import ListingState
from tests.services.copied import add_shown, as_file, compare_all
from tests.services.flagged import add_batch
from tests.similarity.conftest import draw_photo


@pytest.fixture
def batch_id(any_engine: sa.Engine, actor: Actor) -> int:
    return add_batch(any_engine, actor)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return draw_photo(1)


def read_matches(engine: sa.Engine) -> list[MatchRow]:
    with reading(engine) as session:
        return list(session.scalars(select(MatchRow).order_by(MatchRow.id)))


def flagged(engine: sa.Engine, kind: str) -> dict[int, dict]:
    with reading(engine) as session:
        rows = session.scalars(select(FlagRow).where(FlagRow.kind == kind))
        return {row.listing_id: row.detail for row in rows}


def test_a_copy_is_found_kept_with_its_evidence_and_flagged_on_both_sides(
    any_engine: sa.Engine, any_settings: Settings, batch_id: int, photo: np.ndarray
) -> None:
    files = {"first": photo, "mirrored": photo[:, ::-1], "other": draw_photo(2)}
    ids = add_shown(any_engine, any_settings, batch_id, {k: as_file(v) for k, v in files.items()})
    assert compare_all(any_engine, any_settings) == 3
    (match,) = read_matches(any_engine)
    assert (match.kind, match.evidence["mirrored"]) == ("same_picture", True)
    assert match.score > 0.9
    assert match.evidence["matrix"][0][0] == pytest.approx(-1, abs=0.02)
    flags = flagged(any_engine, "near_duplicate")
    assert {id_: detail["listings"][0][0] for id_, detail in flags.items()} == {
        ids["first"]: ids["mirrored"],
        ids["mirrored"]: ids["first"],
    }


def test_the_evidence_lays_the_second_on_the_first_whichever_was_sought(
    any_engine: sa.Engine, any_settings: Settings, batch_id: int, photo: np.ndarray
) -> None:
    cut = photo[30:-30, 40:-40]
    add_shown(any_engine, any_settings, batch_id, {"a": as_file(photo), "b": as_file(cut)})
    pending = copies.list_pending(any_engine)
    known = KnownPrints(any_engine)
    matrices = []
    for fingerprint_id, _ in pending:  # each of the two is the one that seeks, once
        copies.compare(any_engine, any_settings, fingerprint_id=fingerprint_id, known=known)
        with transaction(any_engine) as session:
            (match,) = session.scalars(select(MatchRow))
            matrices.append(np.array(match.evidence["matrix"]))
            session.delete(match)
    # Both are 320 px wide when compared; what is left after the cut is 0.8 of the width.
    for matrix in matrices:
        np.testing.assert_allclose(matrix, [[0.8, 0, 32], [0, 0.8, 24]], atol=1)


def test_each_picture_is_compared_once_and_a_pair_stands_once(
    any_engine: sa.Engine, any_settings: Settings, batch_id: int, photo: np.ndarray
) -> None:
    known = KnownPrints(any_engine)
    files = {"a": as_file(photo), "b": as_file(photo, quality=40)}
    add_shown(any_engine, any_settings, batch_id, files)
    assert compare_all(any_engine, any_settings, known) == 2
    assert compare_all(any_engine, any_settings, known) == 0
    add_shown(any_engine, any_settings, batch_id, {"c": as_file(photo, quality=70)})
    assert compare_all(any_engine, any_settings, known) == 1
    assert len(read_matches(any_engine)) == 3
    with transaction(any_engine) as session:  # as after a kill before the end was written
        session.execute(sa.update(FingerprintRow).values(compared_at=None))
    assert compare_all(any_engine, any_settings, known) == 3
    assert len(read_matches(any_engine)) == 3


def test_a_picture_that_kills_the_worker_is_left_after_some_tries(
    any_engine: sa.Engine, any_settings: Settings, batch_id: int, photo: np.ndarray
) -> None:
    add_shown(any_engine, any_settings, batch_id, {"a": as_file(photo)})
    with transaction(any_engine) as session:
        session.execute(sa.update(FingerprintRow).values(tries=copies.MAX_TRIES))
    assert compare_all(any_engine, any_settings) == 1
    assert not copies.list_pending(any_engine)


def test_a_photo_whose_file_is_gone_stops_nothing(
    any_engine: sa.Engine,
    any_settings: Settings,
    batch_id: int,
    photo: np.ndarray,
    caplog: pytest.LogCaptureFixture,
) -> None:
    files = {"a": as_file(photo), "b": as_file(photo, quality=40), "c": as_file(photo, quality=60)}
    add_shown(any_engine, any_settings, batch_id, files)
    with reading(any_engine) as session:
        gone = session.scalars(select(ImageRow.sha256).order_by(ImageRow.id)).first()
    assert gone
    ImageStore(any_settings.images_dir, any_settings.cache_dir).path(gone).unlink()
    compare_all(any_engine, any_settings)
    assert not copies.list_pending(any_engine)
    assert len(read_matches(any_engine)) == 1
    assert f"photo {gone} cannot be compared" in caplog.text


def test_the_same_file_is_one_match_and_tells_who_showed_it_before(
    any_engine: sa.Engine, any_settings: Settings, batch_id: int, photo: np.ndarray
) -> None:
    data = as_file(photo)
    ids = add_shown(any_engine, any_settings, batch_id, {"a": data, "b": data, "c": data})
    compare_all(any_engine, any_settings)
    assert [match.kind for match in read_matches(any_engine)] == ["same_bytes"]
    flags = flagged(any_engine, "exact_duplicate")
    assert flags.keys() == set(ids.values())
    assert flags[ids["a"]]["listing_ids"] == [ids["b"], ids["c"]]


def test_a_rejected_listing_is_nobodys_duplicate(
    any_engine: sa.Engine, any_settings: Settings, batch_id: int, photo: np.ndarray
) -> None:
    ids = add_shown(any_engine, any_settings, batch_id, {"a": as_file(photo)})
    with transaction(any_engine) as session:
        session.get_one(ListingRow, ids["a"]).state = ListingState.REJECTED
    add_shown(any_engine, any_settings, batch_id, {"b": as_file(photo, quality=40)})
    compare_all(any_engine, any_settings)
    assert len(read_matches(any_engine)) == 1
    assert flagged(any_engine, "near_duplicate") == {}


def test_hashes_in_memory_that_lost_step_are_read_anew(
    any_engine: sa.Engine, any_settings: Settings, batch_id: int, photo: np.ndarray
) -> None:
    known = KnownPrints(any_engine)
    add_shown(
        any_engine, any_settings, batch_id, {"a": as_file(photo), "b": as_file(draw_photo(2))}
    )
    compare_all(any_engine, any_settings, known)
    with transaction(any_engine) as session:  # an id below the watermark, for another image
        session.execute(sa.delete(FingerprintRow).where(FingerprintRow.id == 1))
    add_shown(any_engine, any_settings, batch_id, {"c": as_file(photo, quality=40)})
    compare_all(any_engine, any_settings, known)
    assert read_matches(any_engine) == []
