import resource
import time
from collections import Counter
from pathlib import Path

import pytest

from core.errors import InvalidInputError
from core.ingest import REASONS
from core.services.imports import import_path
from core.settings import Settings
from tests.hostile.files import Hostile, as_a_zip, in_a_folder, in_a_zip
from tests.ingest.zips import Member, handmade_zip
from tests.services.photos import write_photos

FOLDER, ZIP, ARCHIVES = in_a_folder(), in_a_zip(), as_a_zip()
GOOD = 5
MAX_EXTRA_BYTES = 300 * 2**20
MAX_SECONDS = 30


@pytest.fixture
def strict(settings: Settings) -> Settings:
    """Small limits, so that the bombs need not be large."""
    return settings.model_copy(
        update={
            "max_file_bytes": 1_500_000, "max_image_pixels": 10_000_000, "max_batch_files": 500,
            "max_zip_bytes": 100_000_000,
        }
    )  # fmt: skip


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def differences(wanted: list[Hostile], found: dict[str, str]) -> dict[str, tuple[str, str | None]]:
    return {
        each.name: (each.reason, found.get(each.refused or each.name))
        for each in wanted
        if found.get(each.refused or each.name) != each.reason
    }


def test_there_are_two_hundred_and_no_two_are_alike():
    files = [*FOLDER, *(hostile for hostile, _ in ZIP), *ARCHIVES]

    assert len(files) >= 200, Counter(each.kind for each in files)
    assert len({each.name for each in files}) == len(files)


def test_each_is_refused_with_its_own_reason_and_the_good_ones_arrive(
    engine, strict, actor, tmp_path
):
    folder = write_photos(tmp_path / "photos", GOOD)
    for hostile in FOLDER:
        (folder / hostile.name).write_bytes(hostile.data)
    before, start = peak_bytes(), time.monotonic()

    report = import_path(engine, strict, actor=actor, path=folder, batch_name="hostile")

    assert differences(list(FOLDER), {each.name: each.reason for each in report.refused}) == {}
    assert report.accepted == GOOD
    assert len(report.refused) == len(FOLDER)
    assert time.monotonic() - start < MAX_SECONDS
    assert peak_bytes() - before < MAX_EXTRA_BYTES


def test_a_zip_full_of_traps_gives_its_good_photos_and_writes_nowhere_else(
    engine, strict, actor, tmp_path
):
    photos = write_photos(tmp_path / "photos", GOOD)
    good = [Member(path.name.encode(), path.read_bytes()) for path in sorted(photos.iterdir())]
    path = tmp_path / "traps.zip"
    path.write_bytes(handmade_zip(*good, *(member for _, member in ZIP)))
    before, start = peak_bytes(), time.monotonic()

    report = import_path(engine, strict, actor=actor, path=path, batch_name="traps")

    found = {each.name: each.reason for each in report.refused}
    assert differences([hostile for hostile, _ in ZIP], found) == {}
    assert report.accepted == GOOD
    assert time.monotonic() - start < MAX_SECONDS
    assert peak_bytes() - before < MAX_EXTRA_BYTES
    assert {each.name for each in tmp_path.iterdir()} == {"photos", "traps.zip", "data"}


@pytest.mark.parametrize("hostile", ARCHIVES, ids=lambda hostile: hostile.name)
def test_an_archive_that_is_a_trap_itself_gives_nothing(engine, strict, actor, tmp_path, hostile):
    path: Path = tmp_path / hostile.name
    path.write_bytes(hostile.data)

    with pytest.raises(InvalidInputError) as refused:
        import_path(engine, strict, actor=actor, path=path, batch_name="b")

    assert REASONS[hostile.reason].label.lower() in str(refused.value)
