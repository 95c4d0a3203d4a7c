"""Photos that are alike, together: average linkage (Sokal and Michener, 1958) by the cosine."""

import numpy as np

from core.novelty.reference import Floats

LEAST_SIMILARITY = 0.7


def group_similar(
    embeddings: Floats, *, least_similarity: float = LEAST_SIMILARITY
) -> list[list[int]]:
    """Return the positions of (N, D) unit vectors in groups, the largest first.

    Two groups become one while the mean cosine between their members is at least
    ``least_similarity``. Takes time of N squared for each of up to N steps, for some hundreds.
    """
    groups = [[at] for at in range(len(embeddings))]
    sums = embeddings @ embeddings.T  # of the cosines between the members of two groups
    sizes = np.ones(len(embeddings))
    while len(groups) > 1:
        means = sums / np.outer(sizes, sizes)
        np.fill_diagonal(means, -np.inf)
        one, other = sorted(np.unravel_index(means.argmax(), means.shape))
        if means[one, other] < least_similarity:
            break
        groups[one] += groups.pop(other)
        sums[one] += sums[other]
        sums[:, one] += sums[:, other]
        sizes[one] += sizes[other]
        sums = np.delete(np.delete(sums, other, axis=0), other, axis=1)
        sizes = np.delete(sizes, other)
    return sorted((sorted(group) for group in groups), key=lambda group: (-len(group), group[0]))
