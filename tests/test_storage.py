import hashlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import InvalidInputError, NotFoundError, UnreadableImageError
from core.imaging import decode
from core.storage import RENDITIONS, WORK_STALE_AFTER_S, ImageStore, work_folder
from tests.imaging.samples import LIMITS, encoded, noise


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images", tmp_path / "cache")


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.binary(max_size=2000))
def test_what_is_put_is_read_back_under_its_digest(store, data):
    sha256 = store.put(data)

    assert sha256 == hashlib.sha256(data).hexdigest()
    assert store.read(sha256) == data


def test_the_same_content_is_kept_once(store, tmp_path):
    assert store.put(b"photo") == store.put(b"photo")

    assert len(files_below(tmp_path)) == 1


def test_many_threads_put_the_same_content(store, tmp_path):
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(store.put, [b"photo" * 10_000] * 64))) == 1

    assert len(files_below(tmp_path)) == 1


def test_what_is_not_there_is_not_found(store):
    with pytest.raises(NotFoundError, match="no photo"):
        store.read("0" * 64)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n", "/"])
def test_a_name_that_is_no_digest_never_becomes_a_path(store, name):
    with pytest.raises(NotFoundError, match="names no photo"):
        store.read(name)
    with pytest.raises(NotFoundError, match="names no photo"):
        store.rendition(name, RENDITIONS["thumb"])


@pytest.mark.parametrize("max_side_px", RENDITIONS.values())
def test_a_rendition_is_a_jpeg_no_larger_than_asked(store, max_side_px):
    sha256 = store.put(encoded(noise(1400, 700), "PNG"))

    picture = decode(store.rendition(sha256, max_side_px).read_bytes(), LIMITS)

    assert picture.format == "JPEG"
    assert picture.pixels.shape == (max_side_px // 2, max_side_px, 3)


def test_a_rendition_is_made_once(store):
    sha256 = store.put(encoded(noise(), "PNG"))
    made = store.rendition(sha256, 320).stat()

    assert store.rendition(sha256, 320).stat() == made


def test_a_rendition_of_another_size_is_refused(store):
    with pytest.raises(InvalidInputError, match="no rendition of 77 px"):
        store.rendition(store.put(encoded(noise(), "PNG")), 77)


def test_an_original_that_was_damaged_has_no_rendition(store, tmp_path):
    data = encoded(noise(), "PNG")
    sha256 = store.put(data)
    store.path(sha256).write_bytes(data[:2000])

    with pytest.raises(UnreadableImageError):
        store.rendition(sha256, 320)
    assert not files_below(tmp_path / "cache")


def test_a_kill_leaves_no_half_file_under_a_digest(tmp_path):
    program = (
        "import sys; from pathlib import Path; from core.storage import ImageStore\n"
        "store = ImageStore(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "print('go', flush=True)\n"
        "for number in range(100_000): store.put(number.to_bytes(4, 'big') * 50_000)\n"
    )
    arguments = [sys.executable, "-c", program, str(tmp_path / "images"), str(tmp_path / "cache")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        while len(files_below(tmp_path / "images")) < 20:
            assert process.poll() is None
        os.kill(process.pid, signal.SIGKILL)

    whole = [path for path in files_below(tmp_path / "images") if not path.name.startswith(".")]
    assert whole
    for path in whole:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


def test_a_work_folder_goes_with_its_work(tmp_path):
    def fail() -> None:
        with work_folder(tmp_path / "work") as folder:
            (folder / "half").write_bytes(b"x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert not list((tmp_path / "work").iterdir())


def test_what_a_killed_process_left_is_swept_and_what_is_fresh_stays(tmp_path):
    left, fresh = tmp_path / "left", tmp_path / "fresh"
    for path in (left, fresh):
        path.mkdir()
        (path / "file").write_bytes(b"x")
    then = time.time() - WORK_STALE_AFTER_S - 60
    os.utime(left, (then, then))

    with work_folder(tmp_path):
        assert not left.exists()

    assert (fresh / "file").exists()
