"""Every label's score for every picture, for whoever measures a model."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.errors import UnreadableImageError
from core.inference.classifier import Classifier, InferenceOptions
from core.models.checkpoint import LoadedModel

K = TypeVar("K")

_LEAST = np.finfo(np.float32).tiny


@dataclass(frozen=True, slots=True, eq=False)
class Scored(Generic[K]):
    """One picture.

    Attributes:
        logits: (C,) float32, up to a constant; None with an error.
    """

    key: K
    logits: NDArray[np.float32] | None
    error: UnreadableImageError | None = None


def score(
    model: LoadedModel,
    options: InferenceOptions,
    items: Iterable[tuple[K, Callable[[], bytes]]],
) -> Iterator[Scored[K]]:
    """Yield the scores of each picture, as they are in use; not always in their order.

    Args:
        items: As ``Classifier.classify`` takes them.
    """
    wanted = replace(options, top_k=len(model.labels))
    for outcome in Classifier([model], wanted).classify(items, lambda _: None):
        if outcome.top is None:
            yield Scored(outcome.key, None, outcome.error)
            continue
        top = outcome.top[model.digest]
        probabilities = np.empty(len(model.labels), np.float32)
        probabilities[top.label_indices] = top.probabilities
        logs = np.log(np.maximum(probabilities, _LEAST))
        yield Scored(outcome.key, (logs * model.temperature).astype(np.float32))
