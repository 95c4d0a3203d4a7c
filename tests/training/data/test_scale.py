"""Data of the shape of Products-10K, drawn: rows without pictures, and tiny pictures."""

import hashlib
import struct
import time
from pathlib import Path

import numpy as np
import pytest

from core.imaging import ImageLimits
from core.models import custom_cnn
from core.training import TrainingRequest
from core.training.arrangement import arrange
from core.training.data.scanning import THUMBNAIL_PX, Fingerprint
from core.training.datasets import read_dataset, read_labels
from core.training.trainer import Resources, train

ROWS, CLASSES, GROUPS, TEST_ROWS = 141_931, 9_691, 360, 5_000


def draw_classes(rows: int, classes: int) -> np.ndarray:
    """Return the class of each row, sorted: few common ones, many rare ones, none left out."""
    rng = np.random.default_rng(0)
    weights = 1 / np.sqrt(np.arange(1, classes + 1))
    more = rng.choice(classes, rows - classes, p=weights / weights.sum())
    return np.sort(np.concatenate([np.arange(classes), more]))


@pytest.fixture(scope="module")
def products10k(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two lists of Products-10K at full length, without a picture."""
    root = tmp_path_factory.mktemp("products10k")
    (root / "train").mkdir()
    classes = draw_classes(ROWS, CLASSES).tolist()
    rows = [f"{n}.jpg,{each},{each % GROUPS}" for n, each in enumerate(classes)]
    (root / "train.csv").write_text("\n".join(["name,class,group", *rows]))
    rows = [f"{n}.jpg,{n % CLASSES},Public" for n in range(TEST_ROWS)]
    (root / "test_kaggletest.csv").write_text("\n".join(["name,class,Usage", *rows]))
    return root


def test_all_rows_of_products10k_are_read_and_split_in_seconds(products10k: Path) -> None:
    started = time.process_time()
    dataset = read_labels(products10k)
    assert len(dataset.samples) == ROWS + TEST_ROWS
    assert len({sample.label for sample in dataset.samples}) == CLASSES
    assert len({sample.group for sample in dataset.samples}) == GROUPS

    noise = np.random.default_rng(0).bytes(3 * THUMBNAIL_PX**2 * len(dataset.samples))
    size = 3 * THUMBNAIL_PX**2
    scanned = [
        Fingerprint(hashlib.sha256(str(n).encode()).hexdigest(), noise[n * size : (n + 1) * size])
        for n in range(len(dataset.samples))
    ]
    data = arrange(dataset, scanned, seed=0)
    assert len(data.categories) == CLASSES
    assert len(data.parts["validation"]) == pytest.approx(ROWS / 5, rel=0.02)
    assert set(data.targets[data.parts["train"]]) == set(range(CLASSES))
    assert len(data.split.parts) < 50_000  # characters, stored with each model version
    assert time.process_time() - started < 60  # about 12 s on an idle core


def write_bitmap(path: Path, pixels: bytes) -> None:
    """Write 8 x 8 pixels as a BMP."""
    header = struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    offset = 14 + len(header)
    size = offset + len(pixels)
    path.write_bytes(b"BM" + struct.pack("<IHHI", size, 0, 0, offset) + header + pixels)


@pytest.mark.slow
def test_ten_thousand_categories_train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(custom_cnn, "STAGE_WIDTHS", (8, 16, 32))  # the width is not the point
    rng, count = np.random.default_rng(0), 10_000
    classes = draw_classes(count + 300, count).tolist()
    rows = ["path,label,group"]
    for number, each in enumerate(classes):
        write_bitmap(tmp_path / f"{number}.bmp", rng.bytes(8 * 8 * 3))
        rows.append(f"{number}.bmp,Product {each},Group {each % GROUPS}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    changes = {"epochs": 1, "image_size_px": 32, "batch_size": 256, "weights": "none"}
    trained = train(
        TrainingRequest("custom_cnn", str(tmp_path / "labels.csv"), changes=changes),
        read_dataset(tmp_path / "labels.csv"),
        resources=Resources(ImageLimits(max_bytes=10_000, max_pixels=1_000), device="cpu"),
        on_progress=lambda _: None,
        should_stop=lambda: False,
    )
    assert len(trained.card.labels) == count
    assert trained.card.metrics["splits"]["validation"]["count"] > 0
