import shutil
from pathlib import Path

import numpy as np
import pytest

from core.audit import looking
from core.audit.looking import Eye
from core.errors import JobCancelledError
from core.imaging import ImageLimits
from core.training.data.scanning import Fingerprint, Unusable
from tests.training.trees import draw

LIMITS = ImageLimits(max_bytes=10_000_000, max_pixels=1_000_000)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Five photos, one of which is text and one of which is not there."""
    found = [tmp_path / f"{number}.png" for number in range(5)]
    for number, path in enumerate(found):
        draw(path, (40 * number, 90, 200 - 30 * number), seed=number)
    found[1].write_text("no picture")
    found[3].unlink()
    return found


def look(folder: Path, paths: list[Path], on_looked=lambda done, total: None):
    return Eye(folder / "kept", LIMITS, device="cpu", threads=2).look_at(paths, on_looked)


def test_each_photo_is_seen_and_what_cannot_be_is_told(tmp_path, paths, monkeypatch):
    monkeypatch.setattr(looking, "CHUNK", 2)
    steps: list[int] = []

    found = look(tmp_path, paths, lambda done, total: steps.append(done))

    assert found.features.shape == (5, 1280)
    kinds = [type(each) for each in found.scanned]
    assert kinds == [Fingerprint, Unusable, Fingerprint, Unusable, Fingerprint]
    assert "text" in found.scanned[1].message
    assert found.features.any(axis=1).tolist() == [True, False, True, False, True]
    assert steps == sorted(steps)
    assert steps[-1] == 5


def test_what_was_seen_is_not_looked_at_again(tmp_path, paths, monkeypatch):
    before = look(tmp_path, paths)
    monkeypatch.setattr(Eye, "_look", None)

    again = look(tmp_path, paths)

    assert again.scanned == before.scanned
    assert (again.features == before.features).all()


def test_a_killed_audit_goes_on_after_its_last_whole_chunk(tmp_path, paths, monkeypatch):
    monkeypatch.setattr(looking, "CHUNK", 2)

    def stop(done: int, total: int) -> None:
        if done == 4:
            raise JobCancelledError("enough")

    with pytest.raises(JobCancelledError):
        look(tmp_path, paths, stop)
    kept = {path.name for path in (tmp_path / "kept").iterdir()}
    assert kept
    look(tmp_path, paths)

    assert kept < {path.name for path in (tmp_path / "kept").iterdir()}


def test_a_changed_photo_is_looked_at_again(tmp_path, paths):
    before = look(tmp_path, paths[:1])
    draw(paths[0], (250, 10, 10), seed=50)

    after = look(tmp_path, paths[:1])

    assert after.scanned != before.scanned
    assert not np.array_equal(after.features, before.features)


def test_a_damaged_file_of_features_is_made_again(tmp_path, paths):
    before = look(tmp_path, paths)
    (kept,) = (tmp_path / "kept").iterdir()
    kept.write_bytes(kept.read_bytes()[:-200])

    assert (look(tmp_path, paths).features == before.features).all()


def test_the_same_photo_elsewhere_has_the_same_features(tmp_path, paths):
    shutil.copy(paths[0], tmp_path / "copy.png")

    first, second = look(tmp_path, [paths[0], tmp_path / "copy.png"]).features

    assert (first == second).all()
