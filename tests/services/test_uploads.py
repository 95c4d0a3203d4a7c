import os
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from core.actors import Actor
from core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
)
from core.services import uploads
from core.services.uploads import Refusal, UploadedFile
from core.settings import Settings
from db.engine import reading
from db.rows import BatchRow, ListingRow
from tests.imaging.samples import photo
from tests.ingest.zips import zip_of

OTHER = Actor(id=99, name="other", role="staff")


def reasons(report: uploads.ImportReport) -> dict[str, str]:
    return {each.name: each.reason for each in report.refused}


def test_photos_become_a_batch_and_the_files_go(put, finish, settings, engine):
    assert put("a/1.png", photo(1)) == UploadedFile("a/1.png", len(photo(1)))
    put("2.png", photo(2))

    report = finish()

    assert (report.accepted, report.refused) == (2, ())
    left = [path.name for path in settings.uploads_dir.rglob("*.*") if path.suffix != ".lock"]
    assert sorted(left) == ["owner.json", "report.json"]
    with reading(engine) as session:
        assert session.scalars(select(ListingRow.sku).order_by(ListingRow.sku)).all() == [
            "2.png", "a/1.png",
        ]  # fmt: skip


def test_a_file_sent_again_replaces_the_first(put, finish):
    put("1.png", photo(1)[:100])
    put("1.png", photo(1))

    assert finish().accepted == 1


def test_what_is_refused_at_once_stands_in_the_report_and_on_the_batch(put, finish, engine):
    put("good.png", photo(1))

    refused = put("note.jpg", b"text")

    assert refused == Refusal(
        "note.jpg", "wrong_extension", "the name ends in .jpg, but the content is text"
    )
    put("../../evil.png", photo(2))
    put("run.exe", photo(3))
    put("empty.png", b"")
    report = finish()
    assert reasons(report) == {
        "note.jpg": "wrong_extension",
        "../../evil.png": "unsafe_name",
        "run.exe": "program_name",
        "empty.png": "empty",
    }
    with reading(engine) as session:
        kept = session.get_one(BatchRow, report.batch_id).refusals
    assert {each["name"] for each in kept} == set(reasons(report))


def test_what_the_catalogue_has_is_told_before_the_batch_and_left_out_on_demand(
    put, finish, engine, settings, actor, upload_id
):
    put("1.png", photo(1))
    finish()
    second = uploads.start_upload(settings, actor=actor)
    for name, seed in (("x.png", 1), ("y.png", 2)):
        uploads.put_file(settings, actor=actor, upload_id=second, name=name, chunks=[photo(seed)])

    found = uploads.check_upload(engine, settings, actor=actor, upload_id=second)
    report = uploads.finish_upload(
        engine, settings, actor=actor, upload_id=second, batch_name="b", duplicates="skip"
    )

    assert (found.photos, found.same_file) == (2, 1)
    assert [(each.name, each.sku) for each in found.told] == [("x.png", "1.png")]
    assert (report.accepted, reasons(report)) == (1, {"x.png": "known_file"})
    with pytest.raises(ConflictError):
        uploads.check_upload(engine, settings, actor=actor, upload_id=second)
    with pytest.raises(NotFoundError):
        uploads.check_upload(engine, settings, actor=OTHER, upload_id=second)


def test_what_only_decoding_shows_is_refused_at_the_end(put, finish):
    put("good.png", photo(1))
    assert isinstance(put("cut.png", photo(2)[:300]), UploadedFile)

    assert reasons(finish()) == {"cut.png": "truncated"}


def test_no_name_becomes_a_path(put, settings, upload_id):
    names = ["../up.png", "/abs.png", "a/b/c.png", "x" * 400 + ".png", "\udcff.png", "owner.json"]
    for name in names:
        put(name, photo(1))

    folder = settings.uploads_dir / upload_id
    lock = folder.with_suffix(".lock")
    assert set(settings.uploads_dir.iterdir()) == {folder, lock}
    assert all(path.is_file() for path in folder.iterdir())
    own = {"owner.json", "tally.json"}
    assert all(path.name in own or len(path.stem) >= 64 for path in folder.iterdir())


def test_litter_is_dropped_without_a_word(put, finish):
    put("good.png", photo(1))
    put(".DS_Store", b"x")
    put("__MACOSX/._good.png", b"x")

    assert finish().refused == ()


def test_a_file_that_grows_too_large_is_read_no_further(settings, actor, upload_id):
    small = settings.model_copy(update={"max_file_bytes": 1000})
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"\x89PNG" * 25

    refused = uploads.put_file(
        small, actor=actor, upload_id=upload_id, name="a.png", chunks=endless()
    )

    assert isinstance(refused, Refusal)
    assert refused.reason == "too_large"
    assert read == 11
    assert not list((settings.uploads_dir / upload_id).glob("*.photo"))


def test_a_zip_may_be_larger_than_a_photo_and_is_looked_into(settings, engine, actor, upload_id):
    small = settings.model_copy(update={"max_file_bytes": 2000})
    data = zip_of({f"{number}.png": photo(number) for number in range(3)})
    assert len(data) > 2000

    uploads.put_file(small, actor=actor, upload_id=upload_id, name="all.zip", chunks=[data])
    report = uploads.finish_upload(engine, small, actor=actor, upload_id=upload_id, batch_name="b")

    assert report.accepted == 3


def test_a_manifest_among_the_files_is_followed(put, finish, engine):
    put("list.csv", b"file;sku;title\nimages/1.png;A;Apple\n2.png;A;\n")
    for number in (1, 2, 3):
        put(f"{number}.png", photo(number))

    report = finish()

    assert report.accepted == 2
    assert reasons(report) == {"3.png": "not_listed"}
    with reading(engine) as session:
        listing = session.scalars(select(ListingRow)).one()
    assert (listing.sku, listing.title) == ("A", "Apple")


def test_a_manifest_that_cannot_be_used_is_called_by_its_name(put, finish):
    put("list.csv", b"sku\nA\n")
    with pytest.raises(InvalidInputError, match=r"list.csv has no column 'file'"):
        finish()


def test_after_a_conflict_another_name_can_be_tried(put, finish, settings, engine, actor):
    other = uploads.start_upload(settings, actor=actor)
    uploads.put_file(settings, actor=actor, upload_id=other, name="9.png", chunks=[photo(9)])
    uploads.finish_upload(engine, settings, actor=actor, upload_id=other, batch_name="taken")
    put("1.png", photo(1))

    with pytest.raises(ConflictError):
        finish("taken")

    assert finish("free").accepted == 1


def test_the_same_photos_uploaded_again_are_the_same_batch(put, finish, settings, engine, actor):
    put("1.png", photo(1))
    first = finish("one")
    again = uploads.start_upload(settings, actor=actor)
    uploads.put_file(settings, actor=actor, upload_id=again, name="1.png", chunks=[photo(1)])

    second = uploads.finish_upload(engine, settings, actor=actor, upload_id=again, batch_name="two")

    assert (second.batch_id, second.already_imported) == (first.batch_id, True)


def test_a_discarded_upload_is_gone(put, finish, settings, actor, upload_id):
    put("1.png", photo(1))

    uploads.discard_upload(settings, actor=actor, upload_id=upload_id)

    assert not list(settings.uploads_dir.iterdir())
    with pytest.raises(NotFoundError):
        finish()


NO_UPLOAD = "6f1c0b56-0000-4000-8000-000000000001"


@pytest.mark.parametrize("name", ["", "..", "../../etc", NO_UPLOAD, "no-uuid"])
def test_an_upload_that_was_not_started_is_not_found(settings, actor, name):
    with pytest.raises(NotFoundError):
        uploads.put_file(settings, actor=actor, upload_id=name, name="a.png", chunks=[])
    with pytest.raises(NotFoundError):
        uploads.discard_upload(settings, actor=actor, upload_id=name)


def test_nobody_sees_the_upload_of_another(settings, upload_id):
    with pytest.raises(NotFoundError):
        uploads.put_file(settings, actor=OTHER, upload_id=upload_id, name="a.png", chunks=[])


def test_only_who_may_upload_starts_one(settings: Settings):
    with pytest.raises(ForbiddenError):
        uploads.start_upload(settings, actor=Actor(id=1, name="r", role="reviewer"))


def test_what_was_given_up_is_swept_and_what_is_fresh_stays(settings, actor, upload_id, put):
    stale = settings.uploads_dir / upload_id
    fresh = settings.uploads_dir / uploads.start_upload(settings, actor=actor)
    put("1.png", photo(1))
    then = time.time() - uploads.STALE_AFTER_S - 60
    os.utime(stale, (then, then))

    uploads.start_upload(settings, actor=actor)

    assert not stale.exists()
    assert fresh.exists()
