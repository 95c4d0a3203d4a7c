"""What a training works with: the network in its place, and the pictures it looks at."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.models.architectures import embed, predict
from core.models.devices import autocast
from core.models.preprocessing import Preprocessing, normalise
from core.training.augmentation import augment
from core.training.pictures import Pictures
from core.training.recipe import Recipe

Indices = NDArray[np.int64]
Key = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """The network on its device, with the recipe.

    Attributes:
        check: Called at each batch; raises JobCancelledError when the training shall stop.
    """

    network: Any
    device: torch.device
    dtype: torch.dtype
    recipe: Recipe
    preprocessing: Preprocessing
    pictures: Pictures
    check: Callable[[], None]

    def autocast(self) -> torch.autocast:
        return autocast(self.device, self.dtype)

    def training_batches(
        self, batches: list[Indices], keys: list[list[Key]], size_px: int
    ) -> Iterator[Tensor]:
        """Yield augmented, normalised (N, 3, S, S) for each batch of indices.

        Args:
            keys: Of the views, one for each picture.
        """
        for squares, luck in zip(self._squares(batches), keys, strict=True):
            yield normalise(augment(squares, luck, self.recipe, size_px), self.preprocessing)

    def compute_logits(self, indices: Indices) -> NDArray[np.float32]:
        """Return (N, C) of the pictures as they are seen in use."""
        return np.concatenate(list(self._evaluate(self._predict, self._in_use(indices))))

    def compute_labels(self, indices: Indices) -> NDArray[np.int64]:
        """Return (N,) the likeliest categories; holds the logits of one batch at a time."""
        batches = self._evaluate(self._predict, self._in_use(indices))
        return np.concatenate([logits.argmax(axis=1) for logits in batches])

    def compute_view_logits(self, indices: Indices, view: int) -> NDArray[np.float32]:
        """Return (N, C) of the pictures as the last epoch saw them, by the luck of a view."""
        batches = self._cut(indices)
        keys = [[(int(index), view) for index in batch] for batch in batches]
        size_px = self.recipe.size_at(self.recipe.epochs)
        seen = self.training_batches(batches, keys, size_px)
        return np.concatenate(list(self._evaluate(self._predict, seen)))

    def feature_batches(self, indices: Indices) -> Iterator[NDArray[np.float32]]:
        """Yield the pooled features before the classifier, (N, D)."""
        return self._evaluate(lambda batch: embed(self.network, batch), self._in_use(indices))

    def _predict(self, batch: Tensor) -> Tensor:
        return predict(self.network, batch, mirrored=self.recipe.mirrored)

    @torch.inference_mode()
    def _evaluate(
        self, function: Callable[[Tensor], Tensor], batches: Iterator[Tensor]
    ) -> Iterator[NDArray[np.float32]]:
        self.network.eval()
        for batch in batches:
            with self.autocast():
                result = function(batch).float().cpu()
            yield np.asarray(result.numpy())

    def _in_use(self, indices: Indices) -> Iterator[Tensor]:
        for squares in self._squares(self._cut(indices)):
            yield normalise(self._middle(squares), self.preprocessing)

    def count_batches(self, indices: Indices) -> int:
        """Return in how many batches the pictures are looked at where nothing is learnt."""
        return len(self._cut(indices))

    def _cut(self, indices: Indices) -> list[Indices]:
        return cut(indices, 2 * self.recipe.batch_size)

    def _squares(self, batches: list[Indices]) -> Iterator[Tensor]:
        for squares in self.pictures.batches(batches):
            self.check()
            yield torch.from_numpy(squares).to(self.device, non_blocking=True)

    def _middle(self, squares: Tensor) -> Tensor:
        """(N, P, P, 3) to the central (N, S, S, 3), as in evaluation."""
        size = self.preprocessing.geometry.size_px
        start = round((squares.shape[1] - size) / 2)
        return squares[:, start : start + size, start : start + size]


def cut(indices: Indices, size: int) -> list[Indices]:
    """Return the indices in their order, at most ``size`` at a time."""
    return [indices[start : start + size] for start in range(0, len(indices), size)]
