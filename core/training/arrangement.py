"""Which picture is trained on, validated on, tested on."""

import base64
import hashlib
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.training.data.checks import DataReport, check_data
from core.training.data.evidence import Evidence, part_of
from core.training.data.samples import Dataset, Part, Sample
from core.training.data.scanning import Scanned, Unusable
from core.training.data.seen import SeenPictures
from core.training.data.splitting import choose_validation, group_samples

__all__ = ["Arrangement", "Scanned", "Split", "arrange"]

PARTS: tuple[Part, ...] = ("train", "validation", "test")
LEAKED = "in a measuring split too"


@dataclass(frozen=True, slots=True)
class Split:
    """Who was in which part, small enough to be stored with every model version.

    Attributes:
        seed: Of the choice, where the choice was ours.
        digest: SHA-256 over the content, label and part of every sample. Two trainings with
            the same digest saw, validated and tested the same.
        parts: One byte a sample, in the order of their paths: 0 left out, 1 train,
            2 validation, 3 test; packed with zlib, in base64.
    """

    seed: int
    digest: str
    parts: str

    def unpack(self) -> list[Part | None]:
        """Return the part of each sample, in the order of their paths."""
        named: tuple[Part | None, ...] = (None, *PARTS)
        return [named[code] for code in zlib.decompress(base64.b64decode(self.parts))]


@dataclass(frozen=True, slots=True, eq=False)
class Arrangement:
    """A data set ready to be trained on.

    Attributes:
        categories: Category paths, in the order of the network's outputs.
        targets: (N,) int64, index of each sample's category; -1 where it has none.
        parts: Indices into the samples, int64; ``test`` only where the data has one.
        left_out: How many samples are in no part, by reason.
        digests: SHA-256 of each sample's file; empty where it cannot be used.
        report: What the checks found.
    """

    categories: tuple[str, ...]
    targets: NDArray[np.int64]
    parts: Mapping[Part, NDArray[np.int64]]
    left_out: Mapping[str, int]
    digests: tuple[str, ...]
    split: Split
    report: DataReport

    def to_record(self) -> dict[str, Any]:
        """Return what a model version keeps of it, as JSON can hold it."""
        return {
            "name": self.report.name,
            "format": self.report.format,
            "counts": {part: len(indices) for part, indices in self.parts.items()},
            "left_out": dict(self.left_out),
            "seen": self._find_seen().pack(),
            "split": {
                "seed": self.split.seed,
                "digest": self.split.digest,
                "parts": self.split.parts,
            },
            "report": self.report.to_dict(),
        }

    def _find_seen(self) -> SeenPictures:
        """Return what the network learns from, and what its epoch and temperature are chosen on."""
        chosen = np.concatenate([self.parts["train"], self.parts["validation"]])
        return SeenPictures.of(self.digests[index] for index in chosen.tolist())


def arrange(dataset: Dataset, scanned: Sequence[Scanned], *, seed: int) -> Arrangement:
    """Split the samples: as the data says, and 80:20 where it does not.

    Unreadable pictures are left out. So is a training picture whose content validates or
    tests, and a validation picture whose content tests: what measures is never trained on.

    Args:
        scanned: For each sample what ``scan`` found.

    Raises:
        InvalidInputError: A check of ``DATA_CHECKS`` found an error.
    """
    evidence = Evidence(dataset, scanned)
    report = check_data(evidence)
    report.require_trainable()
    parts = _assign(evidence, seed)
    labels = [sample.label for sample in dataset.samples]
    categories = sorted({label for label, part in zip(labels, parts, strict=True) if part})
    index_of = {category: index for index, category in enumerate(categories)}
    return Arrangement(
        categories=tuple(categories),
        targets=np.array([index_of.get(label, -1) for label in labels], np.int64),
        parts={
            name: np.flatnonzero([part == name for part in parts])
            for name in PARTS
            if name in parts
        },
        left_out=_count_left_out(evidence),
        digests=tuple(evidence.digests),
        split=_record_split(dataset.samples, evidence.digests, parts, seed),
        report=report,
    )


def _assign(evidence: Evidence, seed: int) -> list[Part | None]:
    leaks = set(evidence.leaks)
    parts: list[Part | None] = [
        part_of(sample) if digest and index not in leaks else None
        for index, (sample, digest) in enumerate(
            zip(evidence.samples, evidence.digests, strict=True)
        )
    ]
    if "validation" not in parts:
        for index in _choose_validation(evidence, parts, seed):
            parts[index] = "validation"
    return parts


def _choose_validation(
    evidence: Evidence, parts: Sequence[Part | None], seed: int
) -> NDArray[np.int64]:
    """Return the indices of a fifth of the training samples."""
    train = [index for index, part in enumerate(parts) if part == "train"]
    place_of = {index: place for place, index in enumerate(train)}
    labels = [evidence.samples[index].label for index in train]
    groups = group_samples(
        labels,
        [evidence.digests[index] for index in train],
        [evidence.samples[index].item for index in train],
        [pair.among(place_of) for pair in evidence.pairs if pair.is_among(place_of)],
    )
    return np.array(train, np.int64)[choose_validation(labels, groups, seed=seed)]


def _count_left_out(evidence: Evidence) -> dict[str, int]:
    reasons = Counter(each.reason for each in evidence.scanned if isinstance(each, Unusable))
    return {**reasons, **({LEAKED: len(evidence.leaks)} if evidence.leaks else {})}


def _record_split(
    samples: Sequence[Sample], digests: Sequence[str], parts: Sequence[Part | None], seed: int
) -> Split:
    lines = (
        f"{digest} {part} {sample.label}\n"
        for sample, digest, part in zip(samples, digests, parts, strict=True)
    )
    codes = bytes(PARTS.index(part) + 1 if part else 0 for part in parts)
    return Split(
        seed=seed,
        digest=hashlib.sha256("".join(sorted(lines)).encode()).hexdigest(),
        parts=base64.b64encode(zlib.compress(codes, 9)).decode(),
    )
