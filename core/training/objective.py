"""What a network is trained on: the order of the pictures, their targets, and the loss."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torchvision.transforms import v2

from core.training.recipe import Recipe, imbalance_keys
from core.training.teaching import Lesson

Indices = NDArray[np.int64]
FOCUS = 2.0  # the exponent of the focal loss

# How often a picture is seen, by the size of its category.
_SAMPLING: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "oversample": lambda sizes: 1 / sizes,
    "oversample_sqrt": lambda sizes: sizes**-0.5,
}


def draw_batches(
    indices: Indices, targets: Indices, recipe: Recipe, rng: np.random.Generator
) -> list[Indices]:
    """Return the batches of an epoch, of nearly equal size, so that none has a single picture.

    Args:
        indices: Of the training pictures.
        targets: (N,) the category of every picture, by its index.
    """
    order = _draw_order(indices, targets[indices], recipe, rng)
    return np.array_split(order, count_batches(indices, recipe))


def count_batches(indices: Indices, recipe: Recipe) -> int:
    """Return how many batches an epoch has; batch norm needs two pictures in each."""
    return max(1, min(round(len(indices) / recipe.batch_size), len(indices) // 2))


def _draw_order(
    indices: Indices, targets: Indices, recipe: Recipe, rng: np.random.Generator
) -> Indices:
    for key in imbalance_keys(recipe):
        if key in _SAMPLING:
            weights = _SAMPLING[key](np.bincount(targets).astype(np.float64)[targets])
            return rng.choice(indices, len(indices), p=weights / weights.sum())
    return rng.permutation(indices)


class Objective:
    """The loss of logits against soft targets and, where there is one, the teacher.

    Args:
        sizes: (C,) training pictures of each category, all above 0.
    """

    def __init__(self, sizes: Indices, recipe: Recipe, device: torch.device) -> None:
        self._keys = imbalance_keys(recipe)
        self._smoothing = recipe.label_smoothing
        self._temperature = recipe.teacher_temperature
        self._share = recipe.teacher_share if recipe.teacher else 0.0
        self._features = recipe.teacher_features
        counts = torch.from_numpy(sizes).to(device, torch.float32)
        self._weights = counts.mean() / counts
        self._prior = (counts / counts.sum()).log()

    def __call__(
        self,
        logits: Tensor,
        targets: Tensor,
        lesson: Lesson | None = None,
        features: Tensor | None = None,
    ) -> Tensor:
        """Return the mean loss of (N, C) logits.

        Args:
            targets: (N, C) float32, rows sum to 1.
            lesson: What the teacher says of the same pictures.
            features: (N, D, P, P) that shall point where the teacher's do.
        """
        loss = logits.new_zeros(())
        if self._share < 1:
            loss = loss + self._of_labels(logits, targets) * (1 - self._share)
        if lesson is not None:
            loss = loss + self._of_teacher(logits, lesson.logits) * self._share
            if features is not None:
                loss = loss + _compare(features.float(), lesson.features) * self._features
        return loss

    def _of_teacher(self, logits: Tensor, taught: Tensor) -> Tensor:
        """Kullback-Leibler divergence, scaled as in Hinton et al., arXiv:1503.02531."""
        scores = functional.log_softmax(logits / self._temperature, dim=1)
        wanted = functional.softmax(taught / self._temperature, dim=1)
        divergence = functional.kl_div(scores, wanted, reduction="batchmean")
        return divergence * self._temperature**2

    def _of_labels(self, logits: Tensor, targets: Tensor) -> Tensor:
        if "balanced_softmax" in self._keys:
            logits = logits + self._prior
        losses = self._losses(logits, targets)
        if "class_weights" not in self._keys:
            return losses.mean()
        weights = targets @ self._weights
        return (losses * weights).sum() / weights.sum()

    def _losses(self, logits: Tensor, targets: Tensor) -> Tensor:
        if "focal" not in self._keys:
            return functional.cross_entropy(
                logits, targets, label_smoothing=self._smoothing, reduction="none"
            )
        smooth = targets * (1 - self._smoothing) + self._smoothing / targets.shape[1]
        scores = functional.log_softmax(logits, dim=1)
        return -(smooth * (1 - scores.exp()) ** FOCUS * scores).sum(dim=1)


def _compare(features: Tensor, shown: Tensor) -> Tensor:
    """Return 0 where (N, D, P, P) features point as those shown do, up to 2 where against them.

    What all places have in common says nothing of any, so it is taken off what is shown.
    """
    centred = shown - shown.mean(dim=(0, 2, 3), keepdim=True)
    return (1 - functional.cosine_similarity(features, centred, dim=1)).mean()


def make_mixing(recipe: Recipe) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return what mixes (N, 3, S, S) pictures and their (N, C) targets among each other."""
    ways: list[Any] = []
    if recipe.mixup:
        ways.append(v2.MixUp(alpha=float(recipe.mixup)))
    if recipe.cutmix:
        ways.append(v2.CutMix(alpha=float(recipe.cutmix)))
    return v2.RandomChoice(ways) if ways else lambda images, targets: (images, targets)


def category_sizes(indices: Sequence[int] | Indices, targets: Indices, count: int) -> Indices:
    """Return how many of the pictures belong to each of ``count`` categories, (C,) int64."""
    return np.bincount(targets[indices], minlength=count)
