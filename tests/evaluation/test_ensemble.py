import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from core.evaluation.ensemble import fit_weights, mix


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
    mixed = mix([first, second], np.array([0.25, 0.75]), 3)
    np.testing.assert_allclose(mixed, [[0.25 * 0.8 + 0.75 * 0.4, 0.05, 0.45]], rtol=1e-6)
