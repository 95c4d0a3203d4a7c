"""What a teacher says of every view that a student will see, asked once and kept on the disk.

A student learns most from a teacher that looks at the very same views (Beyer et al.,
"Knowledge distillation: a good teacher is patient and consistent", arXiv:2106.05237). Asking
an expensive teacher again in every epoch would take most of the time, so its logits are kept
(Wu et al., "TinyViT: fast pretraining distillation", arXiv:2207.10666): each picture has a
fixed number of views, drawn from the seed, and all students with the same augmentation learn
from one store, at whatever size they look.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import InvalidInputError
from core.models.architectures import make_map
from core.models.checkpoint import LoadedModel
from core.models.preprocessing import Geometry
from core.training import distributed
from core.training.arrangement import Arrangement
from core.training.bench import Bench, Indices, cut
from core.training.pictures import Pictures
from core.training.recipe import Recipe

_FORMAT = 3
# Features are kept as so many random projections at each place, which hardly changes their
# angles (Johnson and Lindenstrauss) and makes the store ten times smaller.
_PROJECTIONS = 128
# All that decides what a view shows; of the size it shows nothing else.
_AUGMENTATION = ("seed", "crop_scale", "flip", "rotation_degrees", "jitter", "erasing")

OnBatch = Callable[[int, int], None]
OpenPictures = Callable[[Geometry], Pictures]


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """The teacher's logits and features for each view of each training picture.

    Attributes:
        views: One (T, L + D P P) float16 array a view, in the order of the training pictures:
            logits, then the features before the classifier at P x P places.
        rows: By the index of a picture, its row.
        columns: (C,) of the student's categories, those of the teacher's labels.
        labels: L, how many labels the teacher has.
        shape: D and P.
    """

    views: tuple[NDArray[np.float16], ...]
    rows: Indices
    columns: Indices
    labels: int
    shape: tuple[int, int]

    def look_up(self, indices: Indices, view: int) -> tuple[Tensor, Tensor]:
        """Return (N, C) logits and (N, D, P, P) features, float32, of a view, counted from 1."""
        rows = self.views[view - 1][self.rows[indices]].astype(np.float32)
        logits, features = rows[:, self.columns], rows[:, self.labels :]
        depth, places = self.shape
        shaped = features.reshape(len(indices), depth, places, places)
        return torch.from_numpy(logits), torch.from_numpy(shaped)


def ask(
    teacher: LoadedModel,
    student: Bench,
    data: Arrangement,
    *,
    open_pictures: OpenPictures,
    folder: Path,
    on_batch: OnBatch,
) -> Lessons:
    """Return what the teacher says; what was asked before is only read.

    Args:
        open_pictures: Opens the training pictures, read already, at the scale of a network.
        folder: Where a folder for this teacher, data and augmentation is made, which stays
            for other students.
        on_batch: Called with batches seen and batches in all.

    Raises:
        InvalidInputError: The teacher does not know all categories.
    """
    recipe, train = student.recipe, data.parts["train"]
    columns = _match_labels(teacher, data.categories)
    store = folder / f"teacher-{_digest(teacher, recipe, data)}"
    store.mkdir(parents=True, exist_ok=True)
    paths = [store / f"view-{number:04}.npy" for number in range(1, recipe.teacher_views + 1)]
    missing = [path for path in paths if not path.exists()]
    if missing:
        pictures = open_pictures(teacher.preprocessing.geometry)
        bench = _seat(teacher, student, pictures)
        try:
            _write_views(bench, teacher.arch, train, [p for p in paths if p in missing], on_batch)
        finally:
            pictures.close()
    distributed.wait()
    rows = np.full(len(data.targets), -1)
    rows[train] = np.arange(len(train))
    views = tuple(np.load(path, mmap_mode="r") for path in paths)
    labels = len(teacher.labels)
    places = math.isqrt((views[0].shape[1] - labels) // _PROJECTIONS)
    return Lessons(views, rows, columns, labels, (_PROJECTIONS, places))


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


def _digest(teacher: LoadedModel, recipe: Recipe, data: Arrangement) -> str:
    train = data.parts["train"].tolist()
    what = {
        "format": _FORMAT,
        "teacher": teacher.digest,
        "augmentation": {name: getattr(recipe, name) for name in _AUGMENTATION},
        "pictures": [(index, data.digests[index]) for index in train],
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]


def _seat(teacher: LoadedModel, student: Bench, pictures: Pictures) -> Bench:
    """Return a bench where the teacher looks at the student's views."""
    network = teacher.network.to(student.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return replace(student, network=network, preprocessing=teacher.preprocessing, pictures=pictures)


def _write_views(
    bench: Bench, arch: str, train: Indices, paths: list[Path], on_batch: OnBatch
) -> None:
    """Write the views; several processes share them."""
    mine = paths[distributed.rank() :: distributed.world_size()]
    rows = cut(np.arange(len(train)), 2 * bench.recipe.batch_size)
    for number, path in enumerate(mine):
        view = int(path.stem.removeprefix("view-"))
        keys = [[(index, view) for index in train[batch].tolist()] for batch in rows]
        said = []
        for batch in _look(bench, arch, rows, keys):
            said.append(batch)
            on_batch(number * len(rows) + len(said), len(mine) * len(rows))
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.save(file, np.concatenate(said))
        part.replace(path)


def _look(
    bench: Bench, arch: str, rows: list[Indices], keys: list[list[tuple[int, int]]]
) -> Iterator[NDArray[np.float16]]:
    size_px = bench.preprocessing.geometry.size_px
    for views in bench.training_batches(rows, keys, size_px):
        with torch.inference_mode(), bench.autocast():
            features = bench.network.forward_features(views)
            logits = bench.network.forward_head(features)
        shown = _project(make_map(arch, bench.network, features).float())
        said = torch.cat([logits.float(), shown.flatten(1)], dim=1)
        yield np.asarray(said.half().cpu().numpy())


def _project(features: Tensor) -> Tensor:
    """(N, C, P, P) to (N, D, P, P), by the same random directions every time."""
    generator = torch.Generator().manual_seed(0)
    depth = features.shape[1]
    directions = torch.randn(depth, _PROJECTIONS, generator=generator) / depth**0.5
    return torch.einsum("nchw,cd->ndhw", features, directions.to(features.device))
