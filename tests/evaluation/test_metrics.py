import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluation import predict
from core.evaluation.metrics import (
    CalibrationError,
    Epoch,
    Metrics,
    count_confusions,
    measure_accuracy,
    measure_categories,
)

NAMES = ("A", "B", "C")
LABELS = np.array([0, 0, 0, 1])
PREDICTED = np.array([0, 0, 1, 2])
PREDICTIONS = predict(np.eye(3, dtype=np.float32)[PREDICTED], LABELS, temperature=1.0)


def test_macro_accuracy_weighs_categories_alike() -> None:
    accuracy = measure_accuracy(PREDICTIONS)
    assert accuracy.top1 == pytest.approx(2 / 4)
    assert accuracy.macro == pytest.approx((2 / 3 + 0) / 2)
    assert accuracy.top5 == 1
    assert accuracy.count == 4


def test_categories_that_do_not_occur_are_not_listed() -> None:
    found = measure_categories(PREDICTED, LABELS, NAMES)
    assert [(row.category, row.count) for row in found] == [("A", 3), ("B", 1)]
    assert found[0].accuracy == pytest.approx(2 / 3)


def test_confusions_are_pairs_that_differ() -> None:
    found = count_confusions(PREDICTED, LABELS, NAMES)
    assert [(row.true, row.predicted, row.count) for row in found] == [("A", "B", 1), ("B", "C", 1)]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1))
def test_hits_and_confusions_add_up(pairs: list[tuple[int, int]]) -> None:
    labels, predicted = (np.array(column) for column in zip(*pairs, strict=True))
    wrong = sum(row.count for row in count_confusions(predicted, labels, NAMES))
    right = sum(row.count * row.accuracy for row in measure_categories(predicted, labels, NAMES))
    assert wrong + right == pytest.approx(len(pairs))


def test_the_stored_shape_is_the_documented_one() -> None:
    metrics = Metrics(
        splits={"validation": measure_accuracy(PREDICTIONS)},
        per_category=measure_categories(PREDICTED, LABELS, NAMES),
        confusions=count_confusions(PREDICTED, LABELS, NAMES),
        images_per_s=10.0,
        ece=CalibrationError(0.1, 0.02, "validation"),
        curve=(Epoch(1, 2.0, 0.5, 3.0),),
        train_counts=(5, 3, 1),
        training={"seed": 0},
    )
    stored = json.loads(json.dumps(metrics.to_dict()))
    assert stored["splits"]["validation"].keys() == {"top1", "top5", "macro", "count"}
    assert stored["per_category"][0].keys() == {"category", "count", "accuracy"}
    assert stored["confusions"][0].keys() == {"true", "predicted", "count"}
    assert stored["ece"] == {"before": 0.1, "after": 0.02, "split": "validation"}
    assert stored["curve"] == [{"epoch": 1, "loss": 2.0, "val_top1": 0.5, "seconds": 3.0}]
