"""Limits that somebody set in place of a flag's own, for all categories or a branch of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.evaluation.grouping import SEPARATOR


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits by key and branch; what is not in it is as the table of limits says.

    Attributes:
        values: By (key of the limit, category path at the top of the branch); the path None is
            for all categories.
    """

    values: Mapping[tuple[str, str | None], float] = field(default_factory=dict)

    def find(self, key: str, category: str | None) -> float | None:
        """Return the limit of the smallest branch that holds the category; None where none is.

        Args:
            category: Path of a listing's category, None where it is not known.
        """
        return self.values.get((key, self.find_branch(key, category)))

    def find_branch(self, key: str, category: str | None) -> str | None:
        """Return the top of the branch whose limit holds; None where that for all does."""
        return next((at for at in branches_of(category) if (key, at) in self.values), None)


def branches_of(category: str | None) -> tuple[str, ...]:
    """Return the category's path and those above it, the smallest branch first."""
    names = category.split(SEPARATOR) if category else []
    return tuple(SEPARATOR.join(names[:depth]) for depth in range(len(names), 0, -1))
