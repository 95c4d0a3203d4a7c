"""A category from a few examples: the nearest prototype, without training anything.

Snell, Swersky and Zemel, "Prototypical Networks for Few-shot Learning", NeurIPS 2017
(arXiv:1703.05175); by the cosine, and about the mean of what is known, as in Wang et al.,
"SimpleShot: Revisiting Nearest-Neighbor Classification for Few-Shot Learning", 2019
(arXiv:1911.04623): features that are all positive otherwise point the same way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from core.errors import InvalidInputError
from core.novelty.reference import Floats, Reference, to_unit


@dataclass(frozen=True, slots=True)
class Recognition:
    """The category nearest to a photo.

    Attributes:
        category: None where even the nearest is less similar than asked for.
        nearest: That category, in any case.
        similarity: Cosine to its prototype, -1 to 1.
    """

    category: str | None
    nearest: str
    similarity: float


@dataclass(frozen=True, slots=True, eq=False)
class Prototypes:
    """One prototype a category.

    Attributes:
        names: Of the categories.
        vectors: (C, D) float64, rows of length 1.
        centre: (D,) float64, taken off every embedding before it is compared.
    """

    names: tuple[str, ...]
    vectors: Floats
    centre: Floats

    @classmethod
    def of(cls, reference: Reference, names: Sequence[str]) -> Self:
        """Return those of the known categories, about the mean of all their photos."""
        centre = reference.embeddings.mean(axis=0)
        vectors = [
            make_prototype(reference.embeddings[reference.labels == label], centre)
            for label in range(len(names))
        ]
        return cls(tuple(names), np.stack(vectors), centre)

    def open_category(self, name: str, examples: Floats) -> Self:
        """Return these and one more, of (N, D) embeddings of its examples; five will do.

        Raises:
            InvalidInputError: There is a category of this name, or no example.
        """
        if name in self.names:
            raise InvalidInputError(f"there is a category {name!r} already; add to that one")
        vector = make_prototype(examples, self.centre)
        return type(self)((*self.names, name), np.vstack([self.vectors, vector]), self.centre)

    def compare(self, embeddings: Floats) -> Floats:
        """Return the cosines, (M, C), of (M, D) embeddings to the prototypes."""
        similarities: Floats = to_unit(embeddings - self.centre) @ self.vectors.T
        return similarities


def make_prototype(examples: Floats, centre: Floats) -> Floats:
    """Return the direction, (D,) of length 1, of the mean of the examples' unit vectors.

    Raises:
        InvalidInputError: There is no example.
    """
    if len(examples) == 0:
        raise InvalidInputError("a category needs at least one example to be recognised by")
    mean = to_unit(examples - centre).mean(axis=0, keepdims=True)
    direction: Floats = to_unit(mean)[0]
    return direction


def recognise(
    prototypes: Prototypes, embeddings: Floats, *, least_similarity: float = -1.0
) -> list[Recognition]:
    """Return the nearest category of each of (M, D) embeddings.

    Args:
        least_similarity: Below it, a photo is of no category. By default, every photo is of one.
    """
    similarities = prototypes.compare(embeddings)
    nearest = similarities.argmax(axis=1)
    found = []
    for row, at in zip(similarities, nearest.tolist(), strict=True):
        similarity, name = float(row[at]), prototypes.names[at]
        category = name if similarity >= least_similarity else None
        found.append(Recognition(category, name, similarity))
    return found
