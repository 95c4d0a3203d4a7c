"""How likely single claims are wrong, where people have reviewed others.

The same three witnesses as in ``core.mislabel.scoring``, in one step, as the truth of the
reviewed is known: the models, the votes of the nearest reviewed listings, and which categories
were claimed for which. A score means nothing by itself; it is held against the scores of claims
that reviewers confirmed (``conformal_p_values``), which must come about in the same way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.mislabel.neighbours import SHARPNESS
from core.mislabel.scoring import NEIGHBOURS, estimate_noise

Floats = NDArray[np.float64]

FALSE_ALARMS = 0.1
"""Of the flags of one batch, expect at most this share to be unfounded, where nobody moved it."""

LEAST_WRONG = 0.05
MIN_CONFIRMED = round(1 / (FALSE_ALARMS * LEAST_WRONG)) - 1
"""So many confirmed claims it takes until anything is flagged where 5 % of the claims are as
suspect as can be: with n of them no p-value is below 1 / (n + 1)."""

_MODELS_WEIGHT, _VOTES_WEIGHT = 1.0, 1.0
_LEAST = 1e-9  # stands for a probability of 0


@dataclass(frozen=True, slots=True)
class JudgedClaim:
    """One claim beside those that were reviewed.

    Attributes:
        claimed: Category path; ``likeliest`` is that of the likeliest other one.
        p_value: Chance of a score as high if the claim were right, above 0 to 1.
        share: Of all claims judged together at least as suspect, the share to expect to be
            unfounded, 0 to 1.
        flags: How many of these are flagged together.
        confirmed: How many confirmed claims it was held against.
    """

    claimed: str
    likeliest: str
    p_value: float
    share: float
    flags: int
    confirmed: int


@dataclass(frozen=True, slots=True, eq=False)
class Voters:
    """Reviewed listings: what they look like, and what they are.

    Attributes:
        directions: (n, D), rows of length 1, from the ``centre``, (D,).
        labels: (n,) indices below ``classes``.
    """

    directions: NDArray[np.float32]
    centre: NDArray[np.float32]
    labels: NDArray[np.int64]
    classes: int

    @classmethod
    def of(cls, embeddings: NDArray[np.floating], labels: NDArray[np.int64], classes: int) -> Self:
        """Take (n, D) embeddings, n at least 1."""
        centre = embeddings.mean(axis=0, dtype=np.float64).astype(np.float32)
        return cls(_direct(embeddings, centre), centre, labels, classes)

    def vote(self, embeddings: NDArray[np.floating], own: NDArray[np.int64]) -> Floats:
        """Return what the nearest voters say, (N, C), rows sum to 1 and are nowhere 0.

        Args:
            embeddings: (N, D).
            own: (N,) the voter that each one is itself, who does not vote; -1 for none.
        """
        cosines = _direct(embeddings, self.centre) @ self.directions.T
        themselves = np.flatnonzero(own >= 0)
        cosines[themselves, own[themselves]] = -np.inf
        count = min(NEIGHBOURS, cosines.shape[1])
        nearest = np.argpartition(cosines, -count, axis=1)[:, -count:]
        weights = np.exp(SHARPNESS * (np.take_along_axis(cosines, nearest, axis=1) - 1))
        shares = np.bincount(self.labels, minlength=self.classes) / len(self.labels)
        votes = np.tile(shares + 1e-6, (len(cosines), 1))
        rows = np.arange(len(cosines))
        for column in range(nearest.shape[1]):
            votes[rows, self.labels[nearest[:, column]]] += weights[:, column]
        found: Floats = votes / votes.sum(axis=1, keepdims=True)
        return found


def confuse(counts: NDArray[np.floating], agrees: NDArray[np.bool_]) -> Floats:
    """Return the chance of each claim (column) for each true category (row), (C, C).

    Args:
        counts: (C, C) reviewed listings of each true category (row) and claim (column).
        agrees: (C, C) which claims (column) are right for which category (row), such as that of
            the branch which it is in; symmetric, true on the diagonal.
    """
    joint = np.where(agrees, 0.0, counts)
    joint[np.diag_indices(len(joint))] = np.where(agrees, counts, 0.0).sum(axis=1)
    noise = estimate_noise(joint)
    chances: Floats = np.where(agrees, noise.diagonal()[:, None], noise)
    return chances


def spread_top(
    listed: NDArray[np.int64], probabilities: NDArray[np.floating], known: NDArray[np.bool_]
) -> Floats:
    """Return probabilities, (C,), of which only the highest K were kept.

    Args:
        listed: (K,) categories.
        probabilities: (K,), theirs.
        known: (C,) the categories that the model can name; what is left is spread over them.
    """
    others = known.copy()
    others[listed] = False
    rest = max(0.0, 1.0 - float(probabilities.sum()))
    spread = np.where(others, rest / max(1, int(others.sum())), 0.0)
    spread[listed] = probabilities
    return np.maximum(spread, _LEAST)


def doubt_claims(
    probabilities: Sequence[NDArray[np.floating]],
    votes: Floats,
    claimed: NDArray[np.int64],
    chances: Floats,
    agrees: NDArray[np.bool_],
) -> tuple[Floats, NDArray[np.int64]]:
    """Return how suspect each claim is, and the likeliest category that contradicts it.

    Args:
        probabilities: Of each model (N, C), calibrated, above 0, of pictures that it was not
            trained on; of no model at all, the votes decide.
        votes: (N, C), above 0.
        claimed: (N,).
        chances: As ``confuse`` returns them; ``agrees`` as it takes them.

    Returns:
        (N,) log odds that the claim is wrong, minus infinity where nothing contradicts it, and
        (N,) categories.
    """
    told = _VOTES_WEIGHT * np.log(votes) + np.log(chances)[:, claimed].T
    if probabilities:
        told += _MODELS_WEIGHT * np.mean([np.log(each) for each in probabilities], axis=0)
    fits = agrees[claimed]
    others = np.where(fits, -np.inf, told)
    mine = np.logaddexp.reduce(np.where(fits, told, -np.inf), axis=1)
    odds: Floats = np.logaddexp.reduce(others, axis=1) - mine
    return odds, others.argmax(axis=1)


def _direct(embeddings: NDArray[np.floating], centre: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (N, D) rows of length 1; what lies on the centre itself stays 0."""
    apart = embeddings.astype(np.float32) - centre
    lengths = np.linalg.norm(apart, axis=1, keepdims=True)
    return (apart / np.where(lengths > 0, lengths, 1)).astype(np.float32)
