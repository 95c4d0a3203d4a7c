"""What reviewers decided, as the known that new photos are held against.

A photo is unknown when it is less like the known categories than all but a stated share of the
known photos are themselves, each judged by what the others say (cross-conformal prediction: Vovk,
"Cross-conformal predictors", 2015, arXiv:1208.0806). How like it is, is the sum of two
standardised scores: the cosine to the nearest category's prototype, and, at a quarter, how sure
the models are of their likeliest category, the best single score in ``benchmarks.unknown``.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.novelty.prototypes import Prototypes, recognise
from core.novelty.reference import SMALLEST, Floats, Reference

EXAMPLES = 5
"""From so many examples a category is recognised that no model knows."""

MIN_CATEGORIES = 2
"""With fewer categories nothing is nearer to one than to the others."""

NEAREST = 3
FOLDS = 5

# Of the models' doubt beside the photos' unlikeness. On three draws of Grocery 0, 1/4, 1/2 and 1
# were tried (docs/benchmarks.md).
WEIGHT = 0.25
LEAST_SHARE = 0.5  # of the similarity that the examples have to each other, to be recognised


@dataclass(frozen=True, slots=True)
class Assessment:
    """One photo beside the known ones.

    Attributes:
        p_value: Share of the known photos that are as novel or more, the photo itself counted
            among them; None where it cannot be told.
        nearest: The nearest categories and the cosines to their prototypes, nearest first.
        recognised: The nearest one, where it is near enough for that; else None.
        known: How many photos it was held against.
    """

    p_value: float | None
    nearest: tuple[tuple[str, float], ...]
    recognised: str | None
    known: int


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Turns a score into how many standard deviations of the known it lies above their mean."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, scores: Floats) -> Self:
        return cls(float(scores.mean()), max(float(scores.std()), SMALLEST))

    def apply(self, scores: Floats) -> Floats:
        standardised: Floats = (scores - self.mean) / self.deviation
        return standardised


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """The known photos and what is expected of photos like them.

    Attributes:
        counts: Photos of each category.
        least: Cosine from which a photo counts as of the category.
        dissimilarity: Scale of minus the cosine to the nearest prototype.
        uncertainty: Scale of one minus the models' confidence; None when they are not asked.
        novelty: (N,) float64, the known photos' own, ascending.
    """

    prototypes: Prototypes
    counts: Mapping[str, int]
    least: Mapping[str, float]
    dissimilarity: Scale
    uncertainty: Scale | None
    novelty: Floats

    @classmethod
    def of(
        cls, embeddings: Floats, categories: Sequence[str], confidences: Floats | None = None
    ) -> Self:
        """Learn what is known.

        Args:
            embeddings: (N, D) float64, rows of length 1.
            categories: Their N categories, of at least ``MIN_CATEGORIES``.
            confidences: (N,) float64, calibrated probability of the likeliest category by the
                models together, nan where they say nothing; None leaves them out of it.
        """
        names, labels = np.unique(categories, return_inverse=True)
        labels = labels.astype(np.int64)
        prototypes = Prototypes.of(Reference.by_means(embeddings, labels), names.tolist())
        own, nearest = _cross_fit(embeddings, labels, names.tolist())
        counts = np.bincount(labels)
        dissimilarity = Scale.of(-nearest)
        novelty, uncertainty = dissimilarity.apply(-nearest), None
        if confidences is not None:
            asked = ~np.isnan(confidences)
            uncertainty = Scale.of(1 - confidences[asked])
            novelty = novelty[asked] + WEIGHT * uncertainty.apply(1 - confidences[asked])
        return cls(
            prototypes=prototypes,
            counts=dict(zip(names.tolist(), counts.tolist(), strict=True)),
            least=_find_least(names.tolist(), labels, own),
            dissimilarity=dissimilarity,
            uncertainty=uncertainty,
            novelty=np.sort(novelty),
        )

    def assess(
        self,
        embeddings: Floats,
        confidences: Floats | None = None,
        *,
        opened: Collection[str] = (),
    ) -> list[Assessment]:
        """Hold photos against the known.

        Args:
            embeddings: (M, D) float64 of the same space.
            confidences: (M,) as in ``of``.
            opened: The categories that may be recognised.
        """
        cosines = self.prototypes.compare(embeddings)
        p_values = self._measure_p(cosines.max(axis=1), confidences)
        order = np.argsort(-cosines, axis=1)[:, :NEAREST]
        found = recognise(self.prototypes, embeddings)
        return [
            Assessment(
                p_value=None if np.isnan(p_value) else float(p_value),
                nearest=tuple((self.prototypes.names[at], float(row[at])) for at in best),
                recognised=each.nearest
                if each.nearest in opened and self._is_near(each.nearest, each.similarity)
                else None,
                known=len(self.novelty),
            )
            for row, best, p_value, each in zip(cosines, order, p_values, found, strict=True)
        ]

    def _is_near(self, category: str, similarity: float) -> bool:
        return self.counts[category] >= EXAMPLES and similarity >= self.least[category]

    def _measure_p(self, nearest: Floats, confidences: Floats | None) -> Floats:
        """Return (M,) p-values, nan where the models were to be asked and said nothing."""
        novelty = self.dissimilarity.apply(-nearest)
        if self.uncertainty is not None:
            said = np.full(len(nearest), np.nan) if confidences is None else confidences
            novelty = novelty + WEIGHT * self.uncertainty.apply(1 - said)
        beyond = len(self.novelty) - np.searchsorted(self.novelty, novelty, side="left")
        p_values: Floats = (beyond + 1) / (len(self.novelty) + 1)
        return np.where(np.isnan(novelty), np.nan, p_values)


def _cross_fit(
    embeddings: Floats, labels: NDArray[np.int64], names: Sequence[str]
) -> tuple[Floats, Floats]:
    """Return the known photos' cosines, (N,) each, to their own category and to the nearest.

    Each photo is compared with what the other folds say of the known. To leave it out of its
    category's prototype is not enough: in more dimensions than there are photos the whitening
    knows each photo that it was made from. The own cosine is nan where no other fold has one.
    """
    folds = np.empty(len(labels), np.int64)
    folds[np.argsort(labels, kind="stable")] = np.arange(len(labels)) % FOLDS
    own, nearest = np.full(len(labels), np.nan), np.empty(len(labels))
    for fold in range(min(FOLDS, len(labels))):
        held = folds == fold
        there, others = np.unique(labels[~held], return_inverse=True)
        reference = Reference.by_means(embeddings[~held], others.astype(np.int64))
        fitted = Prototypes.of(reference, [names[at] for at in there])
        cosines = fitted.compare(embeddings[held])
        nearest[held] = cosines.max(axis=1)
        places = np.searchsorted(there, labels[held]).clip(max=len(there) - 1)
        mine = cosines[np.arange(len(places)), places]
        own[held] = np.where(there[places] == labels[held], mine, np.nan)
    return own, nearest


def _find_least(
    names: Sequence[str], labels: NDArray[np.int64], own: Floats
) -> Mapping[str, float]:
    """Half of what a category's photos usually have to each other; 1 where it has only one."""
    least = {}
    for at, name in enumerate(names):
        mine = own[labels == at]
        alone = bool(np.isnan(mine).any())
        least[name] = 1.0 if alone else LEAST_SHARE * float(np.median(mine))
    return least
