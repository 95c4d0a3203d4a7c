from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from core.errors import NotFoundError
from core.evaluation import (
    Header,
    Picture,
    PredictionFile,
    Predictions,
    files,
    group_labels,
    writing,
)
from core.evaluation.grouping import likeliest_group
from core.evaluation.predictions import concatenate
from tests.evaluation.cases import draw_predictions

LABELS = tuple(f"G > {number}" for number in range(7))


def pictures(count: int) -> list[Picture]:
    return [Picture(f"/photos/Äpfel {n}.jpg", f"{n:064x}", LABELS[n % 7]) for n in range(count)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "evaluations" / "a.parquet"


def write(path: Path, *parts: Predictions) -> None:
    with writing(path, Header(LABELS, "test", 1.5)) as writer:
        start = 0
        for part in parts:
            writer.append(pictures(100)[start : start + len(part)], part)
            start += len(part)


def test_what_is_written_is_read(path: Path) -> None:
    first, second = draw_predictions(10, 7), draw_predictions(5, 7, seed=1)
    write(path, first, second)
    file = PredictionFile(path)
    assert file.header == Header(LABELS, "test", 1.5)
    assert len(file) == 15
    assert list(file.read_pictures()) == pictures(15)
    whole = concatenate([part for _, part in file.read_batches(4)])
    for field in fields(Predictions):
        written = getattr(concatenate([first, second]), field.name)
        np.testing.assert_array_equal(getattr(whole, field.name), written)


def test_the_narrow_reading_keeps_the_likeliest_label(path: Path) -> None:
    written = draw_predictions(10, 7)
    write(path, written)
    found = PredictionFile(path).read_predictions()
    assert found.top_indices.shape == (10, 1)
    np.testing.assert_array_equal(found.predicted, written.predicted)
    np.testing.assert_array_equal(found.confidences, written.confidences)
    np.testing.assert_array_equal(found.ranks, written.ranks)


def test_the_likeliest_group_is_found_among_all_that_was_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_ROWS_AT_ONCE", 3)
    written = draw_predictions(10, 7)
    write(path, written)
    groups = group_labels([f"G{at % 3} > P{at}" for at in range(7)])
    expected = likeliest_group(written.top_indices, written.top_probabilities, groups)
    assert (expected != groups.of(written.predicted)).any()
    found = PredictionFile(path).read_likely_groups(groups)
    np.testing.assert_array_equal(found, expected)


def test_batches_keep_pictures_and_predictions_together(path: Path) -> None:
    written = draw_predictions(10, 7)
    write(path, written)
    seen = 0
    for some, part in PredictionFile(path).read_batches(3):
        assert some == pictures(10)[seen : seen + len(some)]
        np.testing.assert_array_equal(part.targets, written.targets[seen : seen + len(some)])
        seen += len(some)
    assert seen == 10


def test_pictures_behave_as_a_sequence(path: Path) -> None:
    write(path, draw_predictions(10, 7))
    found = PredictionFile(path).read_pictures()
    assert len(found) == 10
    assert found[-1] == pictures(10)[9]
    assert found[2:4] == pictures(10)[2:4]
    assert found.take([5, 1]) == [pictures(10)[5], pictures(10)[1]]
    with pytest.raises(IndexError):
        found[10]


def test_a_writing_that_fails_leaves_no_file(path: Path) -> None:
    def fail() -> None:
        with writing(path, Header(LABELS, "test", 1.0)) as writer:
            writer.append(pictures(3), draw_predictions(3, 7))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(path.parent.iterdir()) == []


def test_a_missing_or_damaged_file_is_named(path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"a\.parquet"):
        PredictionFile(path)
    write(path, draw_predictions(3, 7))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(NotFoundError, match=r"a\.parquet"):
        PredictionFile(path)
