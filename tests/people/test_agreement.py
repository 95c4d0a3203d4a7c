"""How far two people agree."""

import numpy as np
import pytest

from core.people import measure_agreement


def table(yes_yes: int, yes_no: int, no_yes: int, no_no: int) -> list[tuple[str, str]]:
    return (
        [("yes", "yes")] * yes_yes
        + [("yes", "no")] * yes_no
        + [("no", "yes")] * no_yes
        + [("no", "no")] * no_no
    )


def test_kappa_is_cohens() -> None:
    # 50 proposals, 35 agreed: chance (25 x 30 + 25 x 20) / 2500 = 0.5, so (0.7 - 0.5) / 0.5.
    found = measure_agreement(table(20, 5, 10, 15))
    assert found is not None
    assert found.kappa is not None
    assert (found.pairs, found.agreed) == (50, 35)
    assert found.kappa.value == pytest.approx(0.4)
    assert found.kappa.low < 0.4 < found.kappa.high


def test_full_agreement_of_a_few_is_not_certain() -> None:
    few, many = measure_agreement(table(3, 0, 0, 3)), measure_agreement(table(300, 0, 0, 300))
    assert few is not None
    assert few.kappa is not None
    assert many is not None
    assert many.kappa is not None
    assert few.kappa.value == few.kappa.high == many.kappa.value == 1
    assert few.kappa.low < 0.5 < 0.95 < many.kappa.low


def test_where_all_say_one_word_chance_agrees_too() -> None:
    found = measure_agreement(table(9, 0, 0, 0))
    assert found is not None
    assert (found.agreed, found.kappa) == (9, None)


def test_nothing_is_said_of_no_pairs() -> None:
    assert measure_agreement([]) is None


def test_always_the_contrary_is_minus_one_at_least() -> None:
    found = measure_agreement(table(0, 2, 2, 0))
    assert found is not None
    assert found.kappa is not None
    assert -1 <= found.kappa.low <= found.kappa.value == -1


@pytest.mark.parametrize("trust", [0.4, 0.8, 0.95])
def test_the_interval_holds_the_true_kappa_in_95_of_100(trust: float) -> None:
    """Both say the truth with ``trust``, else anything: kappa is trust squared."""
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        truth = rng.integers(0, 5, 150)
        said = [np.where(rng.random(150) < trust, truth, rng.integers(0, 5, 150)) for _ in "ab"]
        found = measure_agreement(list(zip(*(each.tolist() for each in said), strict=True)))
        assert found is not None
        assert found.kappa is not None
        held += found.kappa.low <= trust**2 <= found.kappa.high
    assert held >= 0.93 * 400
