from types import SimpleNamespace

import numpy as np
import pytest

from core.audit.folding import FOLDS
from core.audit.judging import bytes_needed, estimate_rates, find_alike, judge
from core.errors import JobCancelledError

CLASSES, EACH = 4, 40


@pytest.fixture(scope="module")
def catalogue():
    """Clouds of photos; every tenth claims to be of the category after its own."""
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(CLASSES), EACH)
    features = (3 * rng.normal(size=(CLASSES, 16)))[truth] + rng.normal(size=(len(truth), 16))
    claimed = np.where(np.arange(len(truth)) % 10 == 3, (truth + 1) % CLASSES, truth)
    return SimpleNamespace(
        features=features.astype(np.float16),
        truth=truth,
        claimed=claimed,
        is_wrong=claimed != truth,
        groups=list(range(len(truth))),
    )


def judge_all(catalogue, trusted=None, on_fold=lambda done, total: None):
    nobody = np.zeros(len(catalogue.truth), np.bool_)
    confirmed = nobody if trusted is None else trusted
    return judge(catalogue.features, catalogue.claimed, catalogue.groups, confirmed, on_fold)


def test_wrong_labels_come_first_with_the_right_suggestion_and_few_others(catalogue):
    found = judge_all(catalogue)

    assert (found.suggested == catalogue.truth).all()
    flagged = found.rates <= 0.1
    assert flagged[catalogue.is_wrong].all()
    assert catalogue.is_wrong[flagged].mean() >= 0.9


def test_a_copy_under_the_wrong_label_does_not_vouch_for_itself(catalogue):
    """Ten copies of one photo, all wrong: in folds of their own they would agree on it."""
    features, claimed = catalogue.features.copy(), catalogue.claimed.copy()
    copies = np.flatnonzero(catalogue.truth == 0)[:10]
    features[copies], claimed[copies] = features[copies[0]], 2
    groups = np.array(catalogue.groups)
    groups[copies] = copies[0]
    nobody = np.zeros(len(claimed), np.bool_)

    found = judge(features, claimed, groups.tolist(), nobody, lambda done, total: None)

    assert (found.suggested[copies] == 0).all()


def test_with_confirmed_photos_the_rate_is_measured_on_them(catalogue):
    right = np.flatnonzero(~catalogue.is_wrong)
    trusted = np.zeros(len(catalogue.truth), np.bool_)
    trusted[right[::2]] = True

    found = judge_all(catalogue, trusted)

    assert (found.rates[trusted] == 1).all()
    flagged = found.rates <= 0.2
    assert flagged[catalogue.is_wrong].all()
    assert catalogue.is_wrong[flagged].mean() >= 0.8


def test_few_confirmed_photos_cannot_promise_much(catalogue):
    trusted = np.zeros(len(catalogue.truth), np.bool_)
    trusted[np.flatnonzero(~catalogue.is_wrong)[:2]] = True

    assert judge_all(catalogue, trusted).rates.min() > 0.2


def test_estimated_rates_are_the_mean_chance_of_being_right_down_to_each():
    assert estimate_rates(np.array([0.2, 1.0, 0.6])).tolist() == pytest.approx([1.2 / 3, 0, 0.2])


def test_it_tells_how_far_it_is_and_can_be_stopped(catalogue):
    steps = []
    judge_all(catalogue, on_fold=lambda done, total: steps.append((done, total)))
    assert steps == [(done, FOLDS + 1) for done in range(FOLDS + 2)]

    def stop(done, total):
        raise JobCancelledError("enough")

    with pytest.raises(JobCancelledError):
        judge_all(catalogue, on_fold=stop)


def test_the_nearest_photos_are_of_the_category_and_show_something_else():
    features = np.array([[0.0, 1.0], [0.1, 1.0], [0.2, 1.0], [0.2, 1.0], [0.5, 1.0], [1.0, 0.0]])
    claimed, groups = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 2, 2, 4, 5])

    same = find_alike(features, [0], claimed, np.array([0]), groups)
    other = find_alike(features, [0], claimed, np.array([1]), groups, count=1)

    assert same == [[2]]  # 1 shows the same as 0, and 3 the same as 2
    assert other == [[4]]


def test_ten_times_the_categories_need_nearly_ten_times_the_memory():
    assert bytes_needed(1000, 50_000) > 9 * bytes_needed(1000, 5_000)
