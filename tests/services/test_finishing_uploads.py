"""Files that become a batch, and the limits of what an upload takes."""

import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from core.errors import (
    ConflictError,
    InvalidInputError,
    StorageFullError,
)
from core.services import uploads
from core.settings import MIB
from core.storage import ImageStore
from tests.imaging.samples import photo
from tests.worker.catalog import wait_until


def test_the_progress_of_a_batch_in_the_making_can_be_asked_for(
    put, settings, engine, actor, upload_id, monkeypatch
):
    seen = []

    def ask():
        return uploads.get_progress(settings, actor=actor, upload_id=upload_id)

    def watch(store, data):
        if len(seen) == 7:  # till then a busy machine may have told nothing yet
            wait_until(lambda: ask().done)
        seen.append(ask())
        return real_put(store, data)

    real_put = ImageStore.put
    monkeypatch.setattr(ImageStore, "put", watch)
    monkeypatch.setattr(uploads, "_PROGRESS_EVERY_S", 0.0)
    for number in range(8):
        put(f"{number}.png", photo(number))

    one = settings.model_copy(update={"decode_threads": 1})  # of two, neither might wait
    uploads.finish_upload(engine, one, actor=actor, upload_id=upload_id, batch_name="b")

    assert seen[0] == uploads.MakingProgress(0, 0)
    assert 0 < seen[-1].done < 8
    assert seen[-1].total == 8
    assert ask() == uploads.MakingProgress(8, 8)  # who asks as the batch stands is told so


@pytest.fixture
def within_finish(engine, settings, actor, upload_id, monkeypatch):
    """Make a batch, and call something while it is being made; return the report."""

    def make_batch(call) -> uploads.ImportReport:
        monkeypatch.setattr(uploads, "_CLAIM_WAIT_S", 0.01)
        return uploads.finish_upload(
            engine, settings, actor=actor, upload_id=upload_id, batch_name="batch",
            on_progress=lambda _done, _total: call(),
        )  # fmt: skip

    return make_batch


def test_an_upload_cannot_be_touched_while_it_becomes_a_batch(
    put, finish, within_finish, settings, actor, upload_id
):
    for number in range(3):
        put(f"{number}.png", photo(number))
    busy = []

    def meddle() -> None:
        for call in (
            lambda: uploads.discard_upload(settings, actor=actor, upload_id=upload_id),
            lambda: put("0.png", photo(9)[:99]),
            finish,
        ):
            with pytest.raises(uploads.UploadBusyError, match="wait until it stands"):
                call()
            busy.append(call)
        uploads.get_progress(settings, actor=actor, upload_id=upload_id)

    report = within_finish(meddle)

    assert (report.accepted, report.refused) == (3, ())
    assert len(busy) == 9


def test_finishing_twice_answers_the_same(put, finish):
    put("1.png", photo(1))
    put("note.jpg", b"text")

    assert finish("batch") == finish("batch")


def test_what_has_become_a_batch_takes_nothing_more_and_cannot_be_discarded(
    put, finish, settings, actor, upload_id
):
    put("1.png", photo(1))
    finish("Shoes")

    with pytest.raises(ConflictError, match="has become the batch 'Shoes'"):
        put("2.png", photo(2))
    with pytest.raises(ConflictError, match="has become the batch 'Shoes'"):
        uploads.discard_upload(settings, actor=actor, upload_id=upload_id)


def test_the_claim_of_a_killed_process_is_taken_over(put, finish, settings, upload_id):
    put("1.png", photo(1))
    path = settings.uploads_dir / f"{upload_id}.lock"
    hold = "import sys, filelock as f; l = f.FileLock(sys.argv[1]); l.acquire(); print(1, flush=1)"
    command = [sys.executable, "-c", f"{hold}; sys.stdin.read()", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with pytest.raises(uploads.UploadBusyError):
            finish()
        process.kill()
        process.wait()

    assert finish().accepted == 1


def test_an_upload_takes_as_many_files_as_a_batch_and_a_manifest(settings, actor, upload_id):
    small = settings.model_copy(update={"max_batch_files": 2})

    def put(name: str) -> None:
        uploads.put_file(small, actor=actor, upload_id=upload_id, name=name, chunks=[photo(1)])

    for name in ("1.png", "2.png", "3.png", "2.png"):
        put(name)
    with pytest.raises(InvalidInputError, match="at most 3 files"):
        put("4.png")


def test_an_upload_takes_no_more_bytes_than_a_zip_may_have(settings, actor, upload_id):
    small = settings.model_copy(update={"max_zip_bytes": 2 * len(photo(1)) + 10})

    def put(name: str) -> None:
        uploads.put_file(small, actor=actor, upload_id=upload_id, name=name, chunks=[photo(1)])

    for name in ("1.png", "2.png", "2.png"):
        put(name)
    with pytest.raises(InvalidInputError, match="bytes together"):
        put("3.png")
    assert len(list((settings.uploads_dir / upload_id).glob("*.photo"))) == 2
    assert not list((settings.uploads_dir / upload_id).glob("*.part"))


def test_a_full_disk_stops_an_upload_and_leaves_nothing_half(settings, actor, upload_id):
    asked, most = 0, 50  # others write and delete on the same disk meanwhile

    def chunks() -> Iterator[bytes]:
        nonlocal asked
        for _ in range(most):
            asked += 1
            yield bytes(20 * MIB)

    def put(min_free_bytes: int) -> None:
        full = settings.model_copy(update={"min_free_bytes": min_free_bytes})
        uploads.put_file(full, actor=actor, upload_id=upload_id, name="a.zip", chunks=chunks())

    with pytest.raises(StorageFullError, match="make room"):
        put(2**60)
    assert asked == 0
    with pytest.raises(StorageFullError):
        put(shutil.disk_usage(settings.data_dir).free - 200 * MIB)
    assert 0 < asked < most
    assert not list((settings.uploads_dir / upload_id).glob("*.part"))
