"""Which picture is trained on, validated on, tested on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidInputError, UnreadableImageError
from core.training.datasets import Dataset, Part, Sample, choose_validation

Scanned = str | UnreadableImageError


@dataclass(frozen=True, slots=True, eq=False)
class Arrangement:
    """A data set ready to be trained on.

    Attributes:
        categories: Category paths, in the order of the network's outputs.
        targets: (N,) int64, index of each sample's category; -1 where it has none.
        parts: Indices into the samples, int64; ``test`` only where the data has one.
        left_out: How many samples are in no part, by reason.
    """

    categories: tuple[str, ...]
    targets: NDArray[np.int64]
    parts: Mapping[Part, NDArray[np.int64]]
    left_out: Mapping[str, int]


def arrange(dataset: Dataset, scanned: Sequence[Scanned], *, seed: int) -> Arrangement:
    """Split the samples: as the data says, and 80:20 where it does not.

    Unreadable pictures are left out. So is a training picture whose content validates or
    tests, and a validation picture whose content tests: what measures is never trained on.

    Args:
        scanned: For each sample the digest of its content, or why it is unreadable.

    Raises:
        InvalidInputError: Nothing is left to validate on, or a category has no readable
            training picture.
    """
    samples = dataset.samples
    parts: list[Part | None] = [
        None if isinstance(result, UnreadableImageError) else sample.part or "train"
        for sample, result in zip(samples, scanned, strict=True)
    ]
    reasons = Counter(
        result.reason for result in scanned if isinstance(result, UnreadableImageError)
    )
    digests = [str(result) for result in scanned]
    reasons["in a measuring split too"] = _drop_leaks(parts, digests)
    if "validation" not in parts:
        _split(parts, samples, digests, seed)
    return _arrange(samples, parts, {reason: count for reason, count in reasons.items() if count})


def _drop_leaks(parts: list[Part | None], digests: Sequence[str]) -> int:
    """Take samples out whose content stands in a part that measures; return how many."""
    rank = {"test": 2, "validation": 1, "train": 0}
    highest: dict[str, int] = {}
    for part, digest in zip(parts, digests, strict=True):
        if part is not None:
            highest[digest] = max(rank[part], highest.get(digest, 0))
    leaks = [
        index
        for index, (part, digest) in enumerate(zip(parts, digests, strict=True))
        if part is not None and rank[part] < highest[digest]
    ]
    for index in leaks:
        parts[index] = None
    return len(leaks)


def _split(
    parts: list[Part | None], samples: Sequence[Sample], digests: Sequence[str], seed: int
) -> None:
    """Move a fifth of the training samples to validation."""
    train = [index for index, part in enumerate(parts) if part == "train"]
    chosen = choose_validation(
        [samples[index].label for index in train], [digests[index] for index in train], seed=seed
    )
    for index, validates in zip(train, chosen, strict=True):
        if validates:
            parts[index] = "validation"


def _arrange(
    samples: Sequence[Sample], parts: Sequence[Part | None], left_out: Mapping[str, int]
) -> Arrangement:
    wanted = {sample.label for sample, part in zip(samples, parts, strict=True) if part}
    categories = tuple(
        sorted({s.label for s, part in zip(samples, parts, strict=True) if part == "train"})
    )
    if len(categories) < 2 or wanted - set(categories):
        raise InvalidInputError(
            f"{len(categories)} categories have readable training pictures, "
            f"{len(wanted - set(categories))} more have none; see {dict(left_out)}"
        )
    if "validation" not in parts:
        raise InvalidInputError("no category has two different pictures, so none can validate")
    index_of = {category: index for index, category in enumerate(categories)}
    named: tuple[Part, ...] = ("train", "validation", "test")
    return Arrangement(
        categories=categories,
        targets=np.array([index_of.get(sample.label, -1) for sample in samples], np.int64),
        parts={
            name: np.flatnonzero([part == name for part in parts])
            for name in named
            if name in parts
        },
        left_out=left_out,
    )
