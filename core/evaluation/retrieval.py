"""How well photos of a product are found by a network's features."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What became of the queries whose product is there at all.

    Attributes:
        recall_at_1: Share of them whose nearest picture shows the same product.
        mean_precision: Mean over them of the average precision of the whole ranking (mAP).
    """

    queries: int
    pictures: int
    dimensions: int
    recall_at_1: float
    mean_precision: float


def measure_retrieval(
    queries: NDArray[np.float32],
    query_labels: NDArray[np.str_],
    pictures: NDArray[np.float32],
    labels: NDArray[np.str_],
) -> Retrieval | None:
    """Rank all pictures for each query by their cosine; None where no query has its like.

    Args:
        queries: (M, D) of length 1.
        pictures: (N, D) of length 1.
    """
    known = np.isin(query_labels, labels)
    queries, query_labels = queries[known], query_labels[known]
    if len(queries) == 0:
        return None
    precisions = np.empty(len(queries))
    first = np.empty(len(queries), np.bool_)
    places = np.arange(1, len(pictures) + 1)
    for start in range(0, len(queries), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        order = np.argsort(-(queries[rows] @ pictures.T), axis=1, kind="stable")
        hits = labels[order] == query_labels[rows, None]
        first[rows] = hits[:, 0]
        precisions[rows] = (hits * hits.cumsum(axis=1) / places).sum(axis=1) / hits.sum(axis=1)
    return Retrieval(
        queries=len(queries),
        pictures=len(pictures),
        dimensions=queries.shape[1],
        recall_at_1=float(first.mean()),
        mean_precision=float(precisions.mean()),
    )
