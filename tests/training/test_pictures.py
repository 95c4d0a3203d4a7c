from pathlib import Path

import numpy as np
import pytest

from core.imaging import ImageLimits
from core.models.preprocessing import Geometry
from core.training import pictures as module
from core.training.data.scanning import Unusable
from core.training.pictures import Pictures
from tests.training.trees import COLOURS, make_tree

LIMITS = ImageLimits(max_bytes=10_000_000, max_pixels=1_000_000)
GEOMETRY = Geometry(32, 1.0, "bicubic")
SQUARE_BYTES = 32 * 32 * 3


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return sorted(make_tree(tmp_path_factory.mktemp("tree"), each=4).rglob("*.png"))


def squares(paths: list[Path], *, delete: bool = False, **options: object) -> np.ndarray:
    """Return all squares, in the opposite order."""
    made = Pictures(paths, GEOMETRY, limits=LIMITS, threads=2, **options)  # type: ignore[arg-type]
    made.scan(lambda _: None)
    if delete:
        for path in paths:
            path.unlink()
    taken = made.take(np.arange(len(paths))[::-1])
    made.close()
    return taken


def test_memory_file_and_making_again_give_the_same(paths: list[Path], tmp_path: Path) -> None:
    held = squares(paths)
    little = {"memory_bytes": 2 * SQUARE_BYTES}
    assert held.shape == (4 * len(COLOURS), 32, 32, 3)
    np.testing.assert_array_equal(held, squares(paths, **little))
    np.testing.assert_array_equal(held, squares(paths, **little, cache_dir=tmp_path / "cache"))


def test_what_lies_in_the_file_is_decoded_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    paths = sorted(make_tree(tmp_path / "tree", each=2).rglob("*.png"))
    taken = squares(paths, delete=True, memory_bytes=0, cache_dir=tmp_path / "cache")
    assert taken.any(axis=(1, 2, 3)).all()
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_disk_without_room_is_left_alone(
    paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_reserve", refuse)
    taken = squares(paths, memory_bytes=0, cache_dir=tmp_path)
    np.testing.assert_array_equal(taken, squares(paths))


def test_a_file_that_went_away_is_told(tmp_path: Path) -> None:
    made = Pictures([tmp_path / "gone.png"], GEOMETRY, limits=LIMITS, threads=1)
    (found,) = made.scan(lambda _: None)
    made.close()
    assert isinstance(found, Unusable)
    assert found.reason == "missing_file"
