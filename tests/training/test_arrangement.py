from pathlib import Path

import pytest

from core.errors import InvalidInputError
from core.training.arrangement import LEAKED, Arrangement, arrange
from core.training.data.scanning import Unusable
from core.training.datasets import Dataset, Part, Sample
from tests.training.fingerprints import fingerprint

BROKEN = Unusable("truncated", "cut short")


def arranged(*rows: tuple[str, Part | None, str | Unusable]) -> Arrangement:
    samples = tuple(
        Sample(Path(f"{n}.png"), label, part) for n, (label, part, _) in enumerate(rows)
    )
    scanned = [fingerprint(row[2]) if isinstance(row[2], str) else row[2] for row in rows]
    return arrange(Dataset("data", "csv", samples), scanned, seed=0)


def plain(label: str, count: int) -> list[tuple[str, None, str]]:
    return [(label, None, f"{label}{number}") for number in range(count)]


def test_targets_follow_the_sorted_categories() -> None:
    data = arranged(*plain("B", 2), *plain("A", 2))
    assert data.categories == ("A", "B")
    assert data.targets.tolist() == [1, 1, 0, 0]
    assert len(data.parts["train"]) == len(data.parts["validation"]) == 2
    assert "test" not in data.parts


def test_unreadable_pictures_are_left_out_and_counted() -> None:
    data = arranged(*plain("A", 3), *plain("B", 3), ("B", None, BROKEN))
    assert data.left_out == {"truncated": 1}
    assert 6 not in [index for part in data.parts.values() for index in part]


def test_what_is_tested_is_never_trained_on() -> None:
    data = arranged(*plain("A", 3), *plain("B", 3), ("A", "test", "A1"), ("A", "validation", "B1"))
    assert data.parts["test"].tolist() == [6]
    assert set(data.parts["train"]) == {0, 2, 3, 5}
    assert data.left_out == {LEAKED: 2}


def test_what_is_tested_is_not_validated_either() -> None:
    rows = [*plain("A", 3), *plain("B", 3), ("A", "validation", "x"), ("A", "validation", "y")]
    data = arranged(*rows, ("A", "test", "x"))
    assert data.parts["validation"].tolist() == [7]


def test_an_own_validation_split_is_left_as_it_is() -> None:
    data = arranged(*plain("A", 10), *plain("B", 10), ("A", "validation", "v"))
    assert len(data.parts["train"]) == 20
    assert data.parts["validation"].tolist() == [20]


def test_a_category_whose_training_pictures_are_all_unreadable_is_refused() -> None:
    with pytest.raises(
        InvalidInputError, match=r"Categories without a training picture \(1, such as C\)"
    ):
        arranged(*plain("A", 2), *plain("B", 2), ("C", None, BROKEN), ("C", "test", "c"))


def test_data_that_cannot_be_validated_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="Nothing to validate on"):
        arranged(*plain("A", 1), *plain("B", 1))
