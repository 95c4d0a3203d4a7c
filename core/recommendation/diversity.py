"""What is alike, without showing nearly the same again and again."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

BALANCE = 0.8
"""Share of likeness in the choice of the next one; the rest is unlikeness to those before it."""


def diversify(
    likeness: Floats, vectors: Floats, *, count: int, balance: float = BALANCE
) -> Indices:
    """Return up to ``count`` indices by maximal marginal relevance, the first to show first.

    Carbonell and Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering Documents
    and Producing Summaries", SIGIR 1998.

    Args:
        likeness: (N,) to what was asked for, in the measure of a cosine.
        vectors: (N, D), of length 1.
        balance: 1 is the order of likeness alone.
    """
    count = min(count, len(likeness))
    chosen = np.empty(count, np.int64)
    nearest = np.full(len(likeness), -1.0, np.float32)  # to any that was chosen
    left = np.ones(len(likeness), np.bool_)
    for place in range(count):
        worth = balance * likeness - (1 - balance) * nearest
        best = int(np.where(left, worth, -np.inf).argmax())
        chosen[place], left[best] = best, False
        nearest = np.maximum(nearest, vectors @ vectors[best])
    return chosen
