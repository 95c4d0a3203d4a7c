"""A teacher that looks at the very views its student learns from.

A student learns most from a teacher that sees the same view, however it was cropped, coloured
or mixed, and never the same view twice (Beyer et al., "Knowledge distillation: a good teacher
is patient and consistent", arXiv:2106.05237). So views are made at the teacher's size, and
the student sees the same reduced to its own. What a teacher said of a fixed set of views and
was kept costs less time, but the student learns those by heart: docs/benchmarks.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.errors import InvalidInputError
from core.models.architectures import make_map
from core.models.checkpoint import LoadedModel
from core.models.preprocessing import Preprocessing
from core.training.arrangement import Arrangement
from core.training.bench import Bench, Indices, Key
from core.training.pictures import Pictures


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What a teacher says of a batch.

    Attributes:
        logits: (N, C) of the student's categories.
        features: (N, D, P, P), the map from which it decides.
    """

    logits: Tensor
    features: Tensor


class Teacher:
    """A trained network, beside a student's bench.

    Attributes:
        shape: D and P of its features.
    """

    def __init__(
        self, model: LoadedModel, student: Bench, data: Arrangement, pictures: Pictures
    ) -> None:
        """Take a place.

        Args:
            pictures: The training pictures in their order, at the scale of the teacher.

        Raises:
            InvalidInputError: The teacher does not know all categories.
        """
        self._columns = torch.from_numpy(_match_labels(model, data.categories))
        network = model.network.to(student.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._bench = replace(
            student,
            network=network.eval(),
            preprocessing=model.preprocessing,
            pictures=pictures,
        )
        self._arch = model.arch
        self._student = student.preprocessing
        self._rows = np.full(len(data.targets), -1)
        self._rows[data.parts["train"]] = np.arange(len(data.parts["train"]))
        size_px = self._size_px
        shown = self.say(torch.zeros(1, 3, size_px, size_px, device=student.device)).features
        self.shape = (shown.shape[1], shown.shape[2])

    @property
    def _size_px(self) -> int:
        return self._bench.recipe.teacher_size_px or self._bench.preprocessing.geometry.size_px

    def batches(self, batches: list[Indices], keys: list[list[Key]]) -> Iterator[Tensor]:
        """Yield the views as the teacher sees them, (N, 3, S, S); see ``Bench``."""
        rows = [self._rows[batch] for batch in batches]
        return self._bench.training_batches(rows, keys, self._size_px)

    @torch.no_grad()
    def say(self, views: Tensor) -> Lesson:
        """Look at the views of a batch."""
        network = self._bench.network
        with self._bench.autocast():
            features = network.forward_features(views)
            logits = network.forward_head(features)
        shown = make_map(self._arch, network, features)
        return Lesson(logits.float()[:, self._columns], shown.float())

    def show(self, views: Tensor, size_px: int) -> Tensor:
        """Return the same views as the student sees them, (N, 3, size_px, size_px)."""
        small = functional.interpolate(
            views, size=(size_px, size_px), mode="bilinear", antialias=True, align_corners=False
        )
        own, other = self._bench.preprocessing, self._student
        scale, shift = _convert(own, other)
        turned = small * scale.to(views.device) + shift.to(views.device)
        return turned.contiguous(memory_format=torch.channels_last)


def _convert(own: Preprocessing, other: Preprocessing) -> tuple[Tensor, Tensor]:
    """Return scale and shift, (3, 1, 1), from one normalisation to another."""
    mean, std, other_mean, other_std = (
        torch.tensor(values).reshape(3, 1, 1)
        for values in (own.mean, own.std, other.mean, other.std)
    )
    return std / other_std, (mean - other_mean) / other_std


def _match_labels(teacher: LoadedModel, categories: tuple[str, ...]) -> Indices:
    position = {label: index for index, label in enumerate(teacher.labels)}
    unknown = [category for category in categories if category not in position]
    if unknown:
        raise InvalidInputError(
            f"the teacher ({teacher.arch}, {len(teacher.labels)} categories) does not know "
            f"{len(unknown)} of {len(categories)} categories, such as {unknown[0]!r}; train a "
            "teacher on the same data first"
        )
    return np.array([position[category] for category in categories])
