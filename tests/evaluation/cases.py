"""Predictions made by hand."""

from collections.abc import Sequence

import numpy as np

from core.evaluation import Predictions, predict


def make_predictions(
    probabilities: Sequence[Sequence[float]], targets: Sequence[int], *, temperature: float = 1.0
) -> Predictions:
    """Return predictions whose raw probabilities are these rows."""
    logits = np.log(np.array(probabilities, np.float32))
    return predict(logits, np.array(targets, np.int64), temperature=temperature)


def draw_predictions(count: int, labels: int, *, seed: int = 0, skill: float = 2.0) -> Predictions:
    """Return predictions of a model that is right more often the higher its skill."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, labels, count)
    logits = rng.normal(0, 1, (count, labels)).astype(np.float32)
    logits[np.arange(count), targets] += skill
    return predict(logits, targets, temperature=1.3)
