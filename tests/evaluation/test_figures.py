import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from core.evaluation import FIGURES, SHOTS, group_labels, group_of
from core.evaluation.figures import mean_over_parts, measure_figures, measure_parts
from core.evaluation.grouping import likeliest_group, shot_of
from tests.evaluation.cases import draw_predictions, make_predictions

LABELS = ("Fruit > Apple", "Fruit > Pear", "Milk")
ROWS = [
    [0.6, 0.3, 0.1],  # Apple, right
    [0.3, 0.6, 0.1],  # Apple taken for Pear: the group is right
    [0.3, 0.25, 0.45],  # Apple taken for Milk: the group's sum is right
    [0.1, 0.1, 0.8],  # Milk, right
]
TARGETS = [0, 0, 0, 2]


def measure(train_counts=None):  # type: ignore[no-untyped-def]
    predictions, groups = make_predictions(ROWS, TARGETS), group_labels(LABELS)
    return measure_figures(
        predictions,
        groups,
        train_counts,
        likely_groups=likeliest_group(
            predictions.top_indices, predictions.top_probabilities, groups
        ),
        resamples=100,
    )


def test_each_figure_by_hand() -> None:
    found = {key: interval.value for key, interval in measure([150, 50, 3]).items()}
    assert found == {
        "top1": pytest.approx(2 / 4),
        "top5": 1.0,
        "macro": pytest.approx((1 / 3 + 1) / 2),
        "coarse_top1": pytest.approx(3 / 4),
        "coarse_mass_top1": 1.0,
        "many_shot": pytest.approx(1 / 3),
        "few_shot": 1.0,
        "ece": pytest.approx((abs(1.2 - 1) + 0.45 + 0.2) / 4, abs=1e-6),
        "ece_before": pytest.approx((abs(1.2 - 1) + 0.45 + 0.2) / 4, abs=1e-6),
        "aurc": pytest.approx((0 + 0 + 1 / 3 + 2 / 4) / 4),
        "nll": pytest.approx(-sum(map(math.log, (0.6, 0.3, 0.3, 0.8))) / 4, abs=1e-6),
    }


def test_every_figure_is_in_the_table_and_has_an_interval_around_it() -> None:
    for key, interval in measure([150, 50, 3]).items():
        assert key in FIGURES
        assert interval.low <= interval.value <= interval.high


def test_when_all_are_right_the_interval_is_not_a_point() -> None:
    found = measure_figures(
        make_predictions([[0.9, 0.1]] * 10, [0] * 10), group_labels(["A", "B"]), [5, 5]
    )
    assert found["top1"].high == 1
    assert found["top1"].low == pytest.approx(0.722, abs=0.001)  # Wilson, 10 of 10
    assert found["few_shot"].low == found["top1"].low


def test_flat_labels_have_no_groups_and_unknown_training_no_shots() -> None:
    found = measure_figures(make_predictions([[0.9, 0.1]], [1]), group_labels(["A", "B"]), None)
    assert not {key for key in found if "coarse" in key or "shot" in key}


def test_without_pictures_there_are_no_figures() -> None:
    nothing = make_predictions(ROWS, TARGETS).take(np.zeros(4, np.bool_))
    assert measure_figures(nothing, group_labels(LABELS), None) == {}


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 60))
def test_figures_agree_with_scikit_learn(seed: int, count: int) -> None:
    predictions = draw_predictions(count, 8, seed=seed)
    found = measure_figures(
        predictions, group_labels([str(n) for n in range(8)]), None, resamples=1
    )
    truth, said = predictions.targets, predictions.predicted
    assert found["top1"].value == pytest.approx(sk.accuracy_score(truth, said))
    recalls = sk.recall_score(truth, said, average=None, labels=np.unique(truth), zero_division=0)
    assert found["macro"].value == pytest.approx(recalls.mean())
    probabilities = np.zeros((count, 8))
    np.put_along_axis(probabilities, predictions.top_indices, predictions.top_probabilities, axis=1)
    probabilities /= probabilities.sum(axis=1, keepdims=True)  # float32 rows sum to about 1
    assert found["top5"].value == pytest.approx(
        sk.top_k_accuracy_score(truth, probabilities, k=5, labels=range(8))
    )
    assert found["nll"].value == pytest.approx(
        sk.log_loss(truth, probabilities, labels=range(8)), rel=1e-4
    )


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000))
def test_the_likeliest_group_is_the_one_with_the_largest_sum(seed: int) -> None:
    predictions = draw_predictions(40, 9, seed=seed, skill=1.0)
    labels = [f"G{n % 4} > P{n}" for n in range(9)]
    sums = np.zeros((40, 4))
    for at in range(9):
        column = np.where(predictions.top_indices == at, predictions.top_probabilities, 0)
        sums[:, at % 4] += column.sum(axis=1)
    groups = group_labels(labels)
    found = likeliest_group(predictions.top_indices, predictions.top_probabilities, groups)
    assert [groups.names[at] for at in found.tolist()] == [
        f"G{group}" for group in sums.argmax(axis=1).tolist()
    ]


def test_a_resample_without_a_category_leaves_it_out_of_the_mean() -> None:
    parts, correct = np.array([0, 0, 1]), np.array([True, False, True])
    statistic = mean_over_parts(parts, correct)
    weights = np.array([[1.0, 1.0, 1.0], [3.0, 0.0, 0.0], [0.0, 2.0, 1.0]])
    assert statistic(weights).tolist() == [0.75, 1.0, 0.5]


def test_parts_without_pictures_are_not_listed() -> None:
    found = measure_parts(np.array([2, 2, 0]), np.array([True, False, True]), ("A", "B", "C"))
    assert [(part.name, part.count, part.hits) for part in found] == [("A", 1, 1), ("C", 2, 1)]


@pytest.mark.parametrize(
    ("label", "group"),
    [("Fruit > Apple > Red", "Fruit > Apple"), ("Fruit > Apple", "Fruit"), ("Milk", "Milk")],
)
def test_a_group_is_the_parent(label: str, group: str) -> None:
    assert group_of(label) == group


@given(st.integers(0, 100_000))
def test_every_count_is_of_one_shot(count: int) -> None:
    inside = [shot for shot in SHOTS if shot.least <= count <= shot.most]
    assert inside == [SHOTS[int(shot_of([count])[0])]]
