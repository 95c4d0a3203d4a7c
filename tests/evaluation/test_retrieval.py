"""How well photos of a product are found."""

import numpy as np
import pytest

from core.evaluation.retrieval import measure_retrieval


def unit(*angles: float) -> np.ndarray:
    turned = np.deg2rad(angles)
    return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)


def test_the_figures_are_those_worked_out_by_hand():
    pictures, labels = unit(1, 2, 3, 4), np.array(["a", "b", "a", "b"])
    queries = unit(0, 10, 90)  # nearest first: a b a b, then b a b a twice
    found = measure_retrieval(queries, np.array(["a", "a", "c"]), pictures, labels)
    assert found is not None
    assert (found.queries, found.pictures, found.dimensions) == (2, 4, 2)
    assert found.recall_at_1 == pytest.approx(1 / 2)
    assert found.mean_precision == pytest.approx(((1 + 2 / 3) / 2 + (1 / 2 + 2 / 4) / 2) / 2)


def test_where_no_query_has_its_like_there_is_no_figure():
    assert measure_retrieval(unit(0), np.array(["c"]), unit(1), np.array(["a"])) is None
