"""What the checks look at."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from core.training.data.likeness import Pair, find_pairs
from core.training.data.samples import Dataset, Part, Sample
from core.training.data.scanning import MISSING, Fingerprint, Scanned, Unusable


@dataclass(frozen=True)
class Evidence:
    """A data set and one look at each of its files.

    Attributes:
        scanned: One for each sample, in their order.
    """

    dataset: Dataset
    scanned: Sequence[Scanned]

    @property
    def samples(self) -> Sequence[Sample]:
        return self.dataset.samples

    @cached_property
    def fingerprints(self) -> list[Fingerprint | None]:
        """By sample; None where the file cannot be used."""
        return [each if isinstance(each, Fingerprint) else None for each in self.scanned]

    @cached_property
    def digests(self) -> list[str]:
        """SHA-256 of each file; empty where it cannot be used."""
        return [each.sha256 if each else "" for each in self.fingerprints]

    @cached_property
    def pairs(self) -> list[Pair]:
        """Near-identical pictures of one category, the likest first."""
        return find_pairs(self.fingerprints, [sample.label for sample in self.samples])

    @cached_property
    def by_content(self) -> dict[str, list[int]]:
        """Samples that can be used, by their bytes."""
        found: dict[str, list[int]] = defaultdict(list)
        for index, digest in enumerate(self.digests):
            if digest:
                found[digest].append(index)
        return found

    @cached_property
    def training_contents(self) -> dict[str, set[str]]:
        """For each category the different contents that it can be trained on."""
        leaks = set(self.leaks)
        found: dict[str, set[str]] = {sample.label: set() for sample in self.samples}
        for index, sample in enumerate(self.samples):
            if self.digests[index] and index not in leaks and part_of(sample) == "train":
                found[sample.label].add(self.digests[index])
        return found

    @cached_property
    def leaks(self) -> list[int]:
        """Samples whose bytes stand in a part that measures more honestly than their own."""
        return [
            index
            for indices in self.by_content.values()
            for index in indices
            if _rank(self.samples[index]) < max(_rank(self.samples[each]) for each in indices)
        ]

    def unusable(self, *, missing: bool) -> Iterator[tuple[Sample, Unusable]]:
        """Yield the files that are missing, or those that are there and cannot be used."""
        for sample, each in zip(self.samples, self.scanned, strict=True):
            if isinstance(each, Unusable) and (each.reason == MISSING) == missing:
                yield sample, each


def part_of(sample: Sample) -> Part:
    """Return the part a sample is read into; what the data does not split is for training."""
    return sample.part or "train"


def _rank(sample: Sample) -> int:
    return ("train", "validation", "test").index(part_of(sample))
