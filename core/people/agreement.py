"""How far two people agree on the same listings, beyond what chance would make them.

Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement
20 (1960). His interval takes the agreement by chance as known, which makes it wide rather than
narrow (Fleiss, Cohen and Everitt, Psychological Bulletin 72, 1969); here Wilson's interval of the
observed agreement stands in it, so that a few pairs that all agree do not look certain.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from core.evaluation import Interval
from core.evaluation.bootstrap import wilson


@dataclass(frozen=True, slots=True)
class Agreement:
    """What pairs of opinions say.

    Attributes:
        pairs: Listings that two people gave an opinion on.
        agreed: Those on which they said the same.
        observed: Share of these, with Wilson's 95 % interval.
        kappa: 1 is full agreement, 0 what chance gives; None where chance alone agrees always.
    """

    pairs: int
    agreed: int
    observed: Interval
    kappa: Interval | None


def measure_agreement(pairs: Sequence[tuple[Hashable, Hashable]]) -> Agreement | None:
    """Measure (first opinion, second opinion) of each listing; None where there is none."""
    if not pairs:
        return None
    count = len(pairs)
    agreed = sum(one == other for one, other in pairs)
    observed = wilson(agreed, count)
    chance = _chance(pairs)
    kappa = None
    if chance < 1:
        value, low, high = (
            (share - chance) / (1 - chance)
            for share in (observed.value, observed.low, observed.high)
        )
        kappa = Interval(value, max(-1.0, low), high)
    return Agreement(count, agreed, observed, kappa)


def _chance(pairs: Sequence[tuple[Hashable, Hashable]]) -> float:
    """Return how often two who choose as often as these, but blindly, say the same."""
    codes = {word: code for code, word in enumerate({word for pair in pairs for word in pair})}
    coded = np.array([[codes[word] for word in pair] for pair in pairs])  # (N, 2)
    shares = [np.bincount(coded[:, side], minlength=len(codes)) / len(pairs) for side in (0, 1)]
    return float(shares[0] @ shares[1])
