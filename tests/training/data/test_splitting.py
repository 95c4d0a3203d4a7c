import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.training.data.likeness import Pair
from core.training.data.splitting import choose_validation, group_samples

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


rows = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 30), st.integers(0, 8)), min_size=1, max_size=40
)


@given(rows, st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39))), st.integers(0, 9))
def test_what_belongs_together_is_never_split(
    drawn: list[tuple[int, int, int]], near: list[tuple[int, int]], seed: int
) -> None:
    labels = [f"label {label}" for label, _, _ in drawn]
    digests = [f"digest {digest}" for _, digest, _ in drawn]
    items = [f"item {item}" if item < 3 else "" for _, _, item in drawn]
    pairs = [
        Pair(a, b, 0.99)
        for a, b in near
        if a < b < len(drawn) and labels[a] == labels[b]
    ]  # fmt: skip
    groups = group_samples(labels, digests, items, pairs)
    chosen = choose_validation(labels, groups, seed=seed)
    sides: dict[str, set[bool]] = {}
    for keys in (digests, items):
        for key, validates in zip(keys, chosen.tolist(), strict=True):
            if key:
                sides.setdefault(key, set()).add(validates)
    assert all(len(side) == 1 for side in sides.values())
    assert {label for label, validates in zip(labels, chosen, strict=True) if not validates} == set(
        labels
    )


@given(st.integers(2, 60), st.integers(0, 9))
def test_a_category_of_one_long_chain_still_validates(count: int, seed: int) -> None:
    labels, digests = ["A"] * count, [str(number) for number in range(count)]
    pairs = [Pair(number, number + 1, 0.99) for number in range(count - 1)]
    groups = group_samples(labels, digests, [""] * count, pairs)
    assert choose_validation(labels, groups, seed=seed).any()
