import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core.actors import Actor
from core.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from core.services import imports
from core.services.imports import import_path
from core.storage import ImageStore
from db.engine import reading
from db.rows import (
    BatchRow,
    CategoryRow,
    ImageRow,
    JobRow,
    ListingImageRow,
    ListingRow,
)
from tests.imaging.samples import encoded, noise
from tests.services.photos import write_photos

IMPORT_PROGRAM = """
import sys
from pathlib import Path
from core.services import database, imports
from core.settings import Settings

data_dir, database_url, folder = sys.argv[1:]
settings = Settings(_env_file=None, data_dir=Path(data_dir), database_url=database_url)
engine = database.open_engine(settings)
actor = database.local_actor(engine)
print("go", flush=True)
imports.import_path(engine, settings, actor=actor, path=Path(folder), batch_name="b")
"""
TABLES = (BatchRow, ListingRow, ImageRow, ListingImageRow, JobRow, CategoryRow)


def counts(engine) -> dict[str, int]:
    """Count the rows of all at one moment."""
    counted = [
        select(func.count()).select_from(table).scalar_subquery().label(table.__tablename__)
        for table in TABLES
    ]
    with reading(engine) as session:
        return dict(session.execute(select(*counted)).one()._mapping)


def test_a_folder_becomes_a_batch_with_its_job(any_engine, any_settings, actor, tmp_path):
    folder = write_photos(tmp_path / "photos", 3)
    (folder / "note.txt").write_text("not a photo")

    report = import_path(any_engine, any_settings, actor=actor, path=folder, batch_name="first")

    assert (report.accepted, report.already_imported) == (3, False)
    assert [(each.name, each.reason) for each in report.refused] == [("note.txt", "not_an_image")]
    with reading(any_engine) as session:
        batch = session.get_one(BatchRow, report.batch_id)
        assert (batch.name, batch.source, batch.created_by) == ("first", str(folder), actor.id)
        assert [each["reason"] for each in batch.refusals] == ["not_an_image"]
        job = session.get_one(JobRow, report.job_id)
        assert (job.kind, job.batch_id, job.state, job.total) == (
            "classification", batch.id, "queued", 3,
        )  # fmt: skip
        listings = session.scalars(select(ListingRow).order_by(ListingRow.sku)).all()
        assert [(each.sku, each.state) for each in listings] == [
            (f"{number}.png", "received") for number in range(3)
        ]


def test_an_image_row_holds_what_was_measured(any_engine, any_settings, actor, tmp_path):
    data = encoded(
        noise(30, 20), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0"
    )
    (tmp_path / "a.jpg").write_bytes(data)

    import_path(any_engine, any_settings, actor=actor, path=tmp_path / "a.jpg", batch_name="b")

    with reading(any_engine) as session:
        image = session.scalars(select(ImageRow)).one()
        assert (image.width_px, image.height_px) == (20, 30), "after EXIF orientation"
        assert (image.format, image.size_bytes, image.state) == ("JPEG", len(data), "readable")
    store = ImageStore(any_settings.images_dir, any_settings.cache_dir)
    assert store.read(image.sha256) == data


def test_importing_twice_adds_nothing(any_engine, any_settings, actor, tmp_path):
    folder = write_photos(tmp_path / "photos", 3)
    first = import_path(any_engine, any_settings, actor=actor, path=folder, batch_name="first")
    before = counts(any_engine)

    again = import_path(any_engine, any_settings, actor=actor, path=folder, batch_name="again")

    assert counts(any_engine) == before
    assert again.already_imported
    assert (again.batch_id, again.batch_name, again.job_id, again.accepted) == (
        first.batch_id, "first", first.job_id, 3,
    )  # fmt: skip


def test_one_content_in_two_files_is_two_listings_on_one_image(
    any_engine, any_settings, actor, tmp_path
):
    folder = write_photos(tmp_path / "photos", 1)
    (folder / "copy.png").write_bytes((folder / "0.png").read_bytes())

    report = import_path(any_engine, any_settings, actor=actor, path=folder, batch_name="b")

    assert report.accepted == 2
    assert counts(any_engine)["images"] == 1
    assert counts(any_engine)["listings"] == 2


def test_another_batch_may_show_the_same_photo(any_engine, any_settings, actor, tmp_path):
    one, two = write_photos(tmp_path / "one", 1), write_photos(tmp_path / "two", 2)

    first = import_path(any_engine, any_settings, actor=actor, path=one, batch_name="one")
    second = import_path(any_engine, any_settings, actor=actor, path=two, batch_name="two")

    assert first.batch_id != second.batch_id
    assert counts(any_engine)["images"] == 2
    assert counts(any_engine)["listings"] == 3


def test_a_manifest_fills_the_listings_in(any_engine, any_settings, actor, tmp_path):
    write_photos(tmp_path, 4)
    (tmp_path / "m.csv").write_text(
        "file,sku,title,seller,brand,price,claimed_category\n"
        "1.png,A,Apple,Orchard,Golden,2.50,Food>Fruit > Apple\n"
        "0.png,A,,,,,\n"
        "2.png,B,Pear,Orchard,,,Food > Fruit > Pear\n"
        "gone.png,C,,,,,\n"
        "3.png,D,,,,cheap,\n"
    )

    report = import_path(
        any_engine, any_settings, actor=actor, path=tmp_path / "m.csv", batch_name="b"
    )

    assert report.accepted == 3
    assert {each.name: each.reason for each in report.refused} == {
        "gone.png": "missing_file",
        "3.png": "bad_price",
    }
    with reading(any_engine) as session:
        apple, pear = session.scalars(select(ListingRow).order_by(ListingRow.sku)).all()
        assert (apple.title, apple.seller, apple.brand) == ("Apple", "Orchard", "Golden")
        assert (apple.price, pear.price) == (Decimal("2.50"), None)
        claimed = session.get_one(CategoryRow, apple.claimed_category_id)
        assert claimed.path == "Food > Fruit > Apple"
        photos = session.scalars(
            select(ListingImageRow)
            .where(ListingImageRow.listing_id == apple.id)
            .order_by(ListingImageRow.position)
        ).all()
        assert [(each.position, each.file_name) for each in photos] == [(0, "1.png"), (1, "0.png")]
    assert counts(any_engine)["categories"] == 4


def test_folders_become_claimed_categories_when_asked(any_engine, any_settings, actor, tmp_path):
    write_photos(tmp_path / "photos" / "Fruit" / "Apple", 1)
    path = tmp_path / "photos"

    import_path(any_engine, any_settings, actor=actor, path=path, batch_name="b", claim="folder")

    with reading(any_engine) as session:
        listing = session.scalars(select(ListingRow)).one()
        assert session.get_one(CategoryRow, listing.claimed_category_id).path == "Fruit > Apple"


@pytest.mark.parametrize("category", ["Food > " + "x" * 201, ">".join("x" * 300)])
def test_a_category_too_long_for_the_tree_refuses_its_photos(
    any_engine, any_settings, actor, tmp_path, category
):
    folder = write_photos(tmp_path / "photos", 2)
    table = f"file,category\n0.png,{category}\n1.png,{'y' * 200}\n"
    (folder / "list.csv").write_text(table)

    report = import_path(
        any_engine, any_settings, actor=actor, path=folder / "list.csv", batch_name="b"
    )

    assert report.accepted == 1
    (refused,) = report.refused
    assert (refused.name, refused.reason) == ("0.png", "long_category")
    assert "characters; at most" in refused.message


@pytest.mark.parametrize("category", [">", " > > ", ">>"])
def test_a_category_of_nothing_but_separators_is_no_claim(
    any_engine, any_settings, actor, tmp_path, category
):
    folder = write_photos(tmp_path / "photos", 1)
    (folder / "list.csv").write_text(f"file,category\n0.png,{category}\n")

    import_path(any_engine, any_settings, actor=actor, path=folder / "list.csv", batch_name="b")

    assert counts(any_engine)["categories"] == 0
    with reading(any_engine) as session:
        assert session.scalars(select(ListingRow.claimed_category_id)).all() == [None]


def test_a_listing_that_loses_a_photo_keeps_the_others(engine, settings, actor, tmp_path):
    write_photos(tmp_path, 2)
    (tmp_path / "bad.png").write_bytes((tmp_path / "0.png").read_bytes()[:200])
    (tmp_path / "m.csv").write_text("file,sku\nbad.png,A\n0.png,A\n1.png,A\n")

    import_path(engine, settings, actor=actor, path=tmp_path / "m.csv", batch_name="b")

    with reading(engine) as session:
        photos = session.scalars(select(ListingImageRow).order_by(ListingImageRow.position)).all()
    assert [(each.position, each.file_name) for each in photos] == [(0, "0.png"), (1, "1.png")]


def test_a_name_that_another_batch_has_is_a_conflict(any_engine, any_settings, actor, tmp_path):
    one, two = write_photos(tmp_path / "one", 1), write_photos(tmp_path / "two", 2)
    import_path(any_engine, any_settings, actor=actor, path=one, batch_name="name")
    before = counts(any_engine)

    with pytest.raises(ConflictError, match="another batch is called 'name'"):
        import_path(any_engine, any_settings, actor=actor, path=two, batch_name="name")

    assert counts(any_engine) == before


def test_when_everything_is_refused_nothing_stands_and_the_reasons_are_said(
    engine, settings, actor, tmp_path
):
    (tmp_path / "a.jpg").write_bytes(b"")
    (tmp_path / "b.jpg").write_text("text")

    with pytest.raises(InvalidInputError, match=r"empty file \(1\)") as refused:
        import_path(engine, settings, actor=actor, path=tmp_path, batch_name="b")

    assert "what its name says" in str(refused.value)
    assert set(counts(engine).values()) == {0}


def test_an_empty_folder_says_so(engine, settings, actor, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInputError, match="no photo to import"):
        import_path(engine, settings, actor=actor, path=tmp_path / "empty", batch_name="b")


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\0b"])
def test_a_name_that_cannot_be_kept_is_refused_before_any_work(
    engine, settings, actor, tmp_path, name
):
    folder = write_photos(tmp_path / "photos", 1)

    with pytest.raises(InvalidInputError, match="printable characters"):
        import_path(engine, settings, actor=actor, path=folder, batch_name=name)
    assert not settings.images_dir.exists()


def test_only_who_may_upload_imports(engine, settings, tmp_path):
    reviewer = Actor(id=1, name="r", role="reviewer")

    with pytest.raises(ForbiddenError):
        import_path(engine, settings, actor=reviewer, path=tmp_path, batch_name="b")


def test_nothing_at_the_path_is_not_found(engine, settings, actor, tmp_path):
    with pytest.raises(NotFoundError):
        import_path(engine, settings, actor=actor, path=tmp_path / "none", batch_name="b")


def test_more_photos_than_a_batch_holds_are_refused(engine, settings, actor, tmp_path):
    folder = write_photos(tmp_path / "photos", 3)
    small = settings.model_copy(update={"max_batch_files": 2})

    with pytest.raises(InvalidInputError, match="too many files"):
        import_path(engine, small, actor=actor, path=folder, batch_name="b")


def test_progress_counts_every_file_in_the_callers_thread(engine, settings, actor, tmp_path):
    folder = write_photos(tmp_path / "photos", 5)
    seen: list[tuple[int, int, str]] = []

    def on_progress(done: int, total: int) -> None:
        seen.append((done, total, threading.current_thread().name))

    import_path(engine, settings, actor=actor, path=folder, batch_name="b", on_progress=on_progress)

    here = threading.current_thread().name
    assert seen == [(done, 5, here) for done in range(1, 6)]


def test_whoever_stops_in_the_middle_leaves_no_rows_and_no_waiting_work(
    engine, settings, actor, tmp_path
):
    folder = write_photos(tmp_path / "photos", 200)

    def stop(done: int, _total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_path(engine, settings, actor=actor, path=folder, batch_name="b", on_progress=stop)

    assert set(counts(engine).values()) == {0}
    assert len([path for path in settings.images_dir.rglob("*") if path.is_file()]) < 200


def test_two_at_once_make_one_batch(any_engine, any_settings, actor, tmp_path):
    folder = write_photos(tmp_path / "photos", 12)

    def run(number: int) -> imports.ImportReport:
        return import_path(
            any_engine, any_settings, actor=actor, path=folder, batch_name=f"batch {number}"
        )

    with ThreadPoolExecutor(4) as threads:
        reports = list(threads.map(run, range(4)))

    assert len({report.batch_id for report in reports}) == 1
    assert sorted(report.already_imported for report in reports) == [False, True, True, True]
    assert counts(any_engine)["listings"] == 12
    assert counts(any_engine)["jobs"] == 1


def test_two_at_once_under_one_name_are_one_batch_and_one_conflict(
    any_engine, any_settings, actor, tmp_path
):
    folders = [write_photos(tmp_path / str(n), 2, first_seed=10 * n) for n in range(4)]

    def run(folder: Path) -> str:
        try:
            import_path(any_engine, any_settings, actor=actor, path=folder, batch_name="same")
        except ConflictError:
            return "conflict"
        return "batch"

    with ThreadPoolExecutor(4) as threads:
        outcomes = sorted(threads.map(run, folders))

    assert outcomes == ["batch", "conflict", "conflict", "conflict"]


def test_killed_at_any_moment_a_batch_stands_whole_or_not_at_all(
    any_engine, any_settings, tmp_path
):
    folder = write_photos(tmp_path / "photos", 60)
    arguments = [
        sys.executable, "-c", IMPORT_PROGRAM, str(any_settings.data_dir), any_settings.database_url,
        str(folder),
    ]  # fmt: skip
    for delay_s in (0.05, 0.15, 0.3):
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(delay_s)
            os.kill(process.pid, signal.SIGKILL)
        found = counts(any_engine)
        assert (found["batches"], found["listings"], found["jobs"]) in {(0, 0, 0), (1, 60, 1)}

    subprocess.run(arguments, check=True, capture_output=True)
    assert counts(any_engine)["listings"] == 60
