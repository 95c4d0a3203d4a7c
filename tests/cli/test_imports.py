import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import main
from core.errors import CatalogError
from core.services import database
from core.settings import get_settings
from tests.services.photos import write_photos


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run ``catalens import`` on a fresh data directory."""
    monkeypatch.setenv("CATALENS_DATA_DIR", str(tmp_path / "data"))
    caches = (get_settings, database.get_engine, database.get_ready_engine)
    for cached in caches:
        cached.cache_clear()

    def invoke(*arguments: str):
        return CliRunner().invoke(main.build_app(), ["import", *arguments])

    yield invoke
    database.get_engine().dispose()
    for cached in caches:
        cached.cache_clear()


def test_a_folder_is_imported_and_told_as_json(run, tmp_path):
    folder = write_photos(tmp_path / "photos", 2)
    (folder / "bad.jpg").write_text("text")

    done = run(str(folder), "--batch", "first", "--json")

    assert done.exit_code == 0
    report = json.loads(done.stdout)
    assert (report["batch_id"], report["batch_name"], report["accepted"]) == (1, "first", 2)
    assert (report["job_id"], report["already_imported"]) == (1, False)
    assert [each["reason"] for each in report["refused"]] == ["wrong_extension"]


def test_refusals_are_shown_by_reason_on_standard_error(run, tmp_path):
    folder = write_photos(tmp_path / "photos", 1)
    for number in range(5):
        (folder / f"empty{number}.jpg").touch()

    done = run(str(folder), "--batch", "first")

    assert "1 photos, 5 files refused" in done.stdout
    assert "Empty file" in done.stderr
    assert "empty0.jpg" in done.stderr
    assert "empty4.jpg" not in done.stderr


def test_a_second_import_says_that_it_added_nothing(run, tmp_path):
    folder = write_photos(tmp_path / "photos", 1)
    run(str(folder), "--batch", "first")

    assert "Nothing added: batch 1 (first)" in run(str(folder), "--batch", "again").stdout


def test_photos_of_the_catalogue_are_told_and_can_be_left_out(run, tmp_path):
    folder = write_photos(tmp_path / "photos", 2)
    run(str(folder), "--batch", "first")
    (folder / "0.png").unlink()
    write_photos(tmp_path / "more", 3)

    kept = run(str(folder), "--batch", "second")
    skipped = run(str(tmp_path / "more"), "--batch", "third", "--duplicates", "skip")

    said = " ".join(kept.stdout.split())
    assert "1 of the photos were in the catalogue already" in said
    assert "1 photos, 2 files refused" in skipped.stdout
    assert "In the catalogue already" in skipped.stderr


def test_folders_can_be_claimed(run, tmp_path):
    write_photos(tmp_path / "photos" / "Shoes", 1)

    assert run(str(tmp_path / "photos"), "--batch", "b", "--claim", "folder").exit_code == 0


def test_nothing_at_the_path_is_an_error_of_ours(run, tmp_path):
    assert isinstance(run(str(tmp_path / "none"), "--batch", "b").exception, CatalogError)
