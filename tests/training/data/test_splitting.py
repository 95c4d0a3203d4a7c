import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.training.data.splitting import choose_validation

contents = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=1, max_size=60)


@given(contents, st.integers(0, 100))
def test_no_content_stands_on_both_sides(pairs: list[tuple[int, int]], seed: int) -> None:
    labels, digests = zip(*((f"label {a}", f"digest {b}") for a, b in pairs), strict=True)
    validates = choose_validation(labels, digests, seed=seed)
    one = {digest for digest, chosen in zip(digests, validates, strict=True) if chosen}
    other = {digest for digest, chosen in zip(digests, validates, strict=True) if not chosen}
    assert not one & other


@given(contents, st.integers(0, 100))
def test_every_category_stays_in_training(pairs: list[tuple[int, int]], seed: int) -> None:
    labels, digests = zip(*((f"label {a}", f"digest {b}") for a, b in pairs), strict=True)
    validates = choose_validation(labels, digests, seed=seed)
    trained = {label for label, chosen in zip(labels, validates, strict=True) if not chosen}
    assert trained == set(labels)


@given(st.integers(2, 60), st.integers(0, 100))
def test_a_fifth_of_different_pictures_validates(count: int, seed: int) -> None:
    validates = choose_validation(["A"] * count, list(map(str, range(count))), seed=seed)
    assert validates.sum() == max(1, round(count / 5))


def test_the_seed_alone_decides() -> None:
    labels, digests = ["A"] * 50, [str(number) for number in range(50)]
    first = choose_validation(labels, digests, seed=1)
    assert np.array_equal(first, choose_validation(labels, digests, seed=1))
    assert not np.array_equal(first, choose_validation(labels, digests, seed=2))
