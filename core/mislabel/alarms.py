"""How many flags to expect to be unfounded, known before anybody looks.

The assumption is that **trusted** listings, whose category a person has confirmed, are a chance
sample of the listings that are right: then the score of a rightly claimed listing is as
likely to stand anywhere among theirs. It breaks where people review the easy listings first,
and where the trusted ones were scored in another way (with their own claims in training,
or from other photos); it needs no assumption on the score or on the wrong listings.
"""

import numpy as np
from numpy.typing import NDArray


def conformal_p_values(
    wrong: NDArray[np.floating], trusted: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the chance of a score as high if the claim were right, (N,), above 0 to 1.

    Bates, Candès, Lei, Romano and Sesia, "Testing for outliers with conformal p-values",
    Annals of Statistics 51 (2023), arXiv:2104.08279. With n trusted listings none is below
    1 / (n + 1): few trusted ones flag only where much is wrong.

    Args:
        wrong: (N,) scores, higher for likelier wrong.
        trusted: (n,) scores of trusted listings, scored as the others were.
    """
    as_high = len(trusted) - np.searchsorted(np.sort(trusted), wrong, side="left")
    chances: NDArray[np.float64] = (1 + as_high) / (len(trusted) + 1)
    return chances


def false_alarm_rates(p_values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the least false-alarm rate at which each of (N,) is flagged, 0 to 1.

    Flag those of at most x: of these, expect at most the share x to be unfounded.
    Benjamini and Hochberg, JRSS B 57 (1995); it holds for conformal p-values that share
    their trusted listings (Bates et al., theorem 2).
    """
    order = np.argsort(p_values, kind="stable")
    count = len(p_values)
    bounds = p_values[order] * (count / np.arange(1, count + 1))
    rates = np.empty(count)
    rates[order] = np.minimum.accumulate(bounds[::-1])[::-1].clip(max=1.0)
    return rates
