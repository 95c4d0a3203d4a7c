"""What is known about one photo of a listing when its flags are raised."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from core.mislabel import JudgedClaim
from core.novelty import Assessment
from core.quality import ImageMeasures, Limits

NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Evidence:
    """The facts that the rules look at.

    Attributes:
        predictions: By architecture the likeliest categories, likeliest first:
            ``((category path, calibrated probability), ...)``.
        claimed: Category path that the seller gave.
        same_content: Ids of other listings that show the same file.
        same_picture: Other listings with a copy of it, each with the share that is the same.
        category: Path of the claimed category, else of the suggested one; limits go by it.
        limits: Those that somebody set in place of the flags' own.
        novelty: The photo beside what reviewers decided; None while that is too little.
        claim: The claimed category beside claims that were reviewed; None while those are too few.
        overlap: How far the heat maps of the models, of the category that all of them name, lie in
            the same place (``core.explain.agreement``); None where that was not measured.
    """

    measures: ImageMeasures
    predictions: Mapping[str, tuple[tuple[str, float], ...]]
    claimed: str | None = None
    same_content: tuple[int, ...] = ()
    same_picture: tuple[tuple[int, float], ...] = ()
    category: str | None = None
    limits: Limits = NO_LIMITS
    novelty: Assessment | None = None
    claim: JudgedClaim | None = None
    overlap: float | None = None

    def mean_probabilities(self) -> dict[str, float]:
        """Return by category the probability averaged over the models.

        A category that a model does not list among its likeliest counts as 0 there.
        """
        together: defaultdict[str, float] = defaultdict(float)
        for top in self.predictions.values():
            for category, probability in top:
                together[category] += probability / len(self.predictions)
        return dict(together)
