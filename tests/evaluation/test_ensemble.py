from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from core.evaluation import Predictions, predict
from core.evaluation.ensemble import fit_weights, mix, predict_mixture
from tests.evaluation.cases import draw_predictions


def loss(weights, chances):  # type: ignore[no-untyped-def]
    return -np.log(np.maximum(chances @ weights, 1e-12)).mean()


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), members=st.integers(1, 4))
def test_the_weights_are_those_of_a_general_optimiser(seed: int, members: int) -> None:
    chances = np.random.default_rng(seed).beta(1, 1, (200, members))
    weights = fit_weights(chances)
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    best = optimize.minimize(
        loss,
        np.full(members, 1 / members),
        args=(chances,),
        bounds=[(0, 1)] * members,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
    )
    assert loss(weights, chances) <= best.fun + 1e-5


def test_a_model_that_knows_nothing_gets_no_weight() -> None:
    good = np.full(100, 0.9)
    weights = fit_weights(np.stack([good, np.full(100, 0.1)], axis=1))
    assert weights[0] > 0.999


def test_twins_and_nothing_to_learn_from_share_alike() -> None:
    chances = np.random.default_rng(0).random((50, 1))
    np.testing.assert_allclose(fit_weights(np.hstack([chances, chances])), [0.5, 0.5])
    np.testing.assert_allclose(fit_weights(np.zeros((0, 4))), [0.25] * 4)


def test_a_probability_of_zero_is_no_error() -> None:
    assert np.isfinite(fit_weights(np.array([[0.0, 0.0], [0.5, 0.1]]))).all()


def test_members_are_mixed_by_label_whatever_their_order() -> None:
    first = (np.array([[0, 1]], np.int32), np.array([[0.8, 0.2]], np.float32))
    second = (np.array([[2, 0]], np.int32), np.array([[0.6, 0.4]], np.float32))
    labels, mixed = mix([first, second], np.array([0.25, 0.75]))
    assert labels.tolist() == [[-1, 0, 1, 2]]
    np.testing.assert_allclose(mixed, [[0, 0.25 * 0.8 + 0.75 * 0.4, 0.05, 0.45]], rtol=1e-6)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), temperature=st.floats(0.5, 2))
def test_of_whole_distributions_the_mixture_is_exact(seed: int, temperature: float) -> None:
    members = [draw_predictions(20, 6, seed=seed), draw_predictions(20, 6, seed=seed + 1)]
    weights = np.array([0.3, 0.7])
    targets = np.random.default_rng(seed).integers(-1, 6, 20)
    found = predict_mixture(
        [(member.top_indices, member.top_probabilities) for member in members],
        weights,
        targets,
        labels=6,
        temperature=temperature,
    )
    dense = np.zeros((20, 6))
    for member, weight in zip(members, weights, strict=True):
        dense[np.arange(20)[:, None], member.top_indices] += weight * member.top_probabilities
    expected = predict(np.log(dense).astype(np.float32), targets, temperature=temperature)
    for field in fields(Predictions):
        np.testing.assert_allclose(
            getattr(found, field.name), getattr(expected, field.name), rtol=1e-3, atol=1e-6
        )


def test_a_true_label_that_nobody_kept_is_wrong_but_known() -> None:
    said = (np.array([[0, 1]], np.int32), np.array([[0.6, 0.3]], np.float32))
    weights = np.array([0.5, 0.5])
    found = predict_mixture([said, said], weights, np.array([7]), labels=200, temperature=1.0)
    assert found.known.tolist() == [True]
    assert found.ranks[0] >= 2
    assert found.true_probabilities[0] == 0
    assert not found.correct[0]
