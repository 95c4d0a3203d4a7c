"""Photos that come are told to be in the catalogue, before they are stored as new."""

from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import InvalidInputError
from core.ingest import open_source
from core.services import imports, known_photos
from core.services.imports import import_path
from core.services.known_photos import Finder, KnownPhotos
from core.services.photo_intake import source_limits
from core.settings import Settings
from core.storage import ImageStore
from db.engine import reading, transaction
from db.rows import BatchRow, ListingImageRow, ListingRow
from db.states import ListingState
from tests.services.copied import add_shown, as_file
from tests.services.flagged import add_batch
from tests.similarity.conftest import draw_photo

PHOTO, OTHER, NEW = draw_photo(1), draw_photo(2), draw_photo(3)
FILE = as_file(PHOTO)
STRANGER = Actor(id=99, name="stan", role="staff")


@pytest.fixture
def ids(any_engine: sa.Engine, any_settings: Settings, actor: Actor) -> dict[str, int]:
    """The catalogue: two photos, fingerprinted."""
    batch_id = add_batch(any_engine, actor)
    files = {"mug": FILE, "lamp": as_file(OTHER)}
    return add_shown(any_engine, any_settings, batch_id, files)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What comes: a file that is known, a picture that is, mirrored and framed, and a new one."""
    (tmp_path / "photos").mkdir()
    framed = np.pad(OTHER[:, ::-1], ((9, 9), (12, 12), (0, 0)), constant_values=255)
    files = {"a.jpg": FILE, "b.jpg": as_file(framed, quality=60), "c.jpg": as_file(NEW)}
    for name, data in files.items():
        (tmp_path / "photos" / name).write_bytes(data)
    return tmp_path / "photos"


def look(engine: sa.Engine, settings: Settings, actor: Actor, path: Path, **how) -> KnownPhotos:
    limits, finder = source_limits(settings), Finder(engine, settings, actor)
    with open_source(path, limits) as collection:
        return known_photos.look_through(collection, limits, finder, threads=2, **how)


def skus(engine: sa.Engine, batch_id: int) -> set[str]:
    with reading(engine) as session:
        query = sa.select(ListingRow.sku).where(ListingRow.batch_id == batch_id)
        return set(session.scalars(query))


def test_same_files_and_same_pictures_are_told_with_where_they_are_shown(
    any_engine, any_settings, actor, ids, folder
):
    found = look(any_engine, any_settings, actor, folder)
    assert (found.photos, found.same_file, found.same_picture, found.not_compared) == (3, 1, 1, 0)
    first, second = found.told
    assert (first.name, first.kind, first.score) == ("a.jpg", "same_bytes", 1.0)
    assert (first.listing_id, first.sku) == (ids["mug"], "mug")
    assert (second.name, second.kind, second.listing_id) == ("b.jpg", "same_picture", ids["lamp"])
    assert 0.65 <= second.score <= 1
    with reading(any_engine) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(ListingImageRow)) == 2


def test_what_there_is_no_time_for_is_counted_and_same_files_are_told_all_the_same(
    any_engine, any_settings, actor, ids, folder
):
    found = look(any_engine, any_settings, actor, folder, seconds=0)
    assert (found.same_file, found.same_picture, found.not_compared) == (1, 0, 2)


def test_a_file_that_cannot_be_read_and_a_rejected_listing_are_passed_over(
    any_engine, any_settings, actor, ids, folder
):
    (folder / "bad.jpg").write_bytes(FILE[:200])
    with transaction(any_engine) as session:
        session.get_one(ListingRow, ids["mug"]).state = ListingState.REJECTED
    found = look(any_engine, any_settings, actor, folder)
    assert [each.name for each in found.told] == ["b.jpg"]
    assert found.photos == 4


def test_whose_batch_it_is_not_learns_nothing_but_that_it_is_there(
    any_engine, any_settings, actor, ids, folder
):
    found = look(any_engine, any_settings, STRANGER, folder)
    assert (found.same_file, found.same_picture) == (1, 1)
    for each in found.told:
        assert each.listing_id is None
        assert (each.sku, each.title, each.batch, each.sha256) == ("", "", "", "")
        assert each.where == "a listing that somebody else brought in"


@pytest.mark.parametrize(
    ("duplicates", "kept", "known"),
    [
        ("keep", {"a.jpg", "b.jpg", "c.jpg"}, 1),
        ("skip_same_bytes", {"b.jpg", "c.jpg"}, 0),
        ("skip", {"c.jpg"}, 0),
    ],
)
def test_what_is_left_out_stands_in_the_report_and_repeating_adds_nothing(
    any_engine, any_settings, actor, ids, folder, duplicates, kept, known
):
    how = {"actor": actor, "path": folder, "duplicates": duplicates}
    report = import_path(any_engine, any_settings, batch_name="new", **how)
    assert skus(any_engine, report.batch_id) == kept
    assert (report.accepted, report.known, report.already_imported) == (len(kept), known, False)
    left_out = {each.name: each.reason for each in report.refused}
    reasons = {"a.jpg": "known_file", "b.jpg": "known_picture"}
    assert left_out == {name: why for name, why in reasons.items() if name not in kept}
    with reading(any_engine) as session:
        refusals = session.get_one(BatchRow, report.batch_id).refusals
    assert {each["name"] for each in refusals} == set(left_out)
    if "a.jpg" in left_out:
        assert f"(listing {ids['mug']})" in report.refused[0].message

    again = import_path(any_engine, any_settings, batch_name="again", **how)
    assert (again.batch_id, again.already_imported) == (report.batch_id, True)
    assert (again.refused, again.known) == ((), 0)


def test_what_was_left_out_can_be_brought_in_afterwards(
    any_engine, any_settings, actor, ids, folder
):
    first = import_path(
        any_engine, any_settings, actor=actor, path=folder, batch_name="1", duplicates="skip"
    )
    second = import_path(any_engine, any_settings, actor=actor, path=folder, batch_name="2")
    assert not second.already_imported
    assert (first.accepted, second.accepted) == (1, 3)


def test_a_copy_that_is_left_out_is_not_stored(any_engine, any_settings, actor, ids, folder):
    import_path(
        any_engine, any_settings, actor=actor, path=folder, batch_name="1", duplicates="skip"
    )
    stored = {path.name for path in any_settings.images_dir.rglob("*") if path.is_file()}
    assert len(stored) == 3  # the two of before, and the new one
    store = ImageStore(any_settings.images_dir, any_settings.cache_dir)
    assert store.put((folder / "c.jpg").read_bytes()) in stored


def test_where_all_is_known_nothing_is_imported_and_it_says_why(
    any_engine, any_settings, actor, ids, folder
):
    (folder / "c.jpg").unlink()
    with pytest.raises(InvalidInputError, match=r"in the catalogue already \(1\)"):
        import_path(
            any_engine, any_settings, actor=actor, path=folder, batch_name="1", duplicates="skip"
        )


def test_of_a_listing_with_several_photos_only_the_known_ones_are_left_out(
    any_engine, any_settings, actor, ids, folder
):
    rows = "file,sku\na.jpg,SET\nc.jpg,SET\n"
    (folder / "list.csv").write_text(rows)
    report = imports.import_path(
        any_engine,
        any_settings,
        actor=actor,
        path=folder / "list.csv",
        batch_name="1",
        duplicates="skip",
    )
    with reading(any_engine) as session:
        query = (
            sa.select(ListingImageRow.file_name, ListingImageRow.position)
            .join(ListingRow, ListingRow.id == ListingImageRow.listing_id)
            .where(ListingRow.batch_id == report.batch_id)
        )
        assert session.execute(query).all() == [("c.jpg", 0)]
