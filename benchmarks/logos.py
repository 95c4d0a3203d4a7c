"""How surely a logo is found on a photo, what is told of altered ones, and how often in vain.

Logos drawn by the program (``benchmarks.drawn_logos``) are printed on labelled photos, as they are
and altered. ``found.KIND`` is the share that is found, at its place; ``false_alarm.KIND`` the share
of the same pictures on which another logo, in the same letters, is said to be; ``false_alarm.none``
that of photos without any. ``changed.KIND`` is the share of what was found that is said to be
altered: wanted for the altered kinds, a false alarm for the others. ``letter_box`` is the share of
boxes that meet the word, where a letter was changed.

``.orb`` and ``.patches`` are what was not kept: other keypoints under the same rule, and patch
embeddings of the packaged network, which tell no place, at the score that exceeds all but 1 % of
the other logos on half of the photos; they are measured on the other half.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from benchmarks import harness
from benchmarks.drawn_logos import LOGOS, TREATMENTS, Pasted, Pixels, Treatment, paste, resize
from benchmarks.harness import Figures, Options
from benchmarks.patches import PatchSearch
from core.imaging import ImageLimits, decode
from core.similarity.details import (
    Describer,
    Detail,
    Sighting,
    find_detail,
    find_keypoints,
    take_detail,
)
from core.similarity.regions import Box, Change, find_change
from core.training.datasets import read_dataset

LIMITS = ImageLimits(max_bytes=50_000_000, max_pixels=100_000_000)
SEED = 0
PHOTOS, QUICK_PHOTOS = 200, 8
FALSE_ALARMS = 0.01  # at which patches are judged
WORD = Box(0.0, 0.65, 1.0, 1.0)
"""Where the letters of a drawn logo are."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One answer on one picture.

    Attributes:
        is_own: The logo that was asked for is the one printed.
        is_found: For the own logo: at its place.
        score: Of patches.
    """

    kind: str
    photo: int
    is_own: bool
    is_found: bool = False
    score: float = 0.0
    change: Change | None = None


@dataclass
class Clock:
    """CPU time, and how often it ran."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    times: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def run(self, key: str, work: Any) -> Any:
        start = time.process_time()
        found = work()
        self.seconds[key] += time.process_time() - start
        self.times[key] += 1
        return found

    def ms(self, key: str) -> float:
        return 1000 * self.seconds[key] / max(self.times[key], 1)


def measure(options: Options) -> Figures:
    """Return what is found of each kind, and what in vain, by each way."""
    cv2.setNumThreads(1)
    photos = list(_read_photos(options))
    clock = Clock()
    kept = list(_ask_keypoints(photos, None, clock))
    opencv: Any = cv2
    by_orb = list(_ask_keypoints(photos, opencv.ORB_create(3000, fastThreshold=7), Clock()))
    by_patches = _judge_patches(list(_ask_patches(photos)))
    return {
        "photos": float(len(photos)),
        **_figures(kept, ""),
        **_tell(kept),
        "ms_per_photo": clock.ms("photo"),
        "ms_per_logo": clock.ms("logo"),
        **_figures(by_orb, ".orb"),
        **_figures(by_patches, ".patches"),
    }


def _read_photos(options: Options) -> Iterator[Pixels]:
    samples = read_dataset(options.labelled_photos()).samples
    count = min(QUICK_PHOTOS if options.quick else PHOTOS, len(samples))
    chosen = np.random.default_rng(SEED).choice(len(samples), count, replace=False)
    for at in chosen.tolist():
        yield resize(decode(samples[at].path.read_bytes(), LIMITS).pixels)


def _print_all(
    photos: Sequence[Pixels],
) -> Iterator[tuple[int, Treatment, int, int, Pasted]]:
    """Yield (photo, treatment, logo printed, another logo, the picture)."""
    for at, photo in enumerate(photos):
        for number, treatment in enumerate(TREATMENTS.values()):
            own = (at + number) % len(LOGOS)
            other = (own + 1 + at % (len(LOGOS) - 1)) % len(LOGOS)
            rng = np.random.default_rng([SEED, at, number])
            yield at, treatment, own, other, paste(photo, LOGOS[own], treatment, rng)


def _ask_keypoints(
    photos: Sequence[Pixels], describer: Describer | None, clock: Clock
) -> Iterator[Asked]:
    references = [logo.on_white() for logo in LOGOS]
    details = [take_detail(pixels, describer) for pixels in references]
    for at, photo in enumerate(photos):
        keypoints = find_keypoints(photo, describer=describer)
        found = find_detail(details[at % len(LOGOS)], keypoints)
        yield Asked("none", at, is_own=False, is_found=found is not None)
    for at, treatment, own, other, pasted in _print_all(photos):
        pixels = pasted.pixels
        keypoints = clock.run("photo", lambda: find_keypoints(pixels, describer=describer))  # noqa: B023
        in_vain = clock.run("logo", lambda: find_detail(details[other], keypoints))  # noqa: B023
        yield Asked(treatment.key, at, is_own=False, is_found=in_vain is not None)
        found = find_detail(details[own], keypoints)
        yield _answer(treatment.key, at, details[own], references[own], pasted, found)


def _answer(
    kind: str, at: int, detail: Detail, reference: Pixels, pasted: Pasted, found: Sighting | None
) -> Asked:
    if found is None or not _is_there(found, reference, pasted):
        return Asked(kind, at, is_own=True)
    change = find_change(detail, reference, pasted.pixels, found)
    return Asked(kind, at, is_own=True, is_found=True, change=change)


def _is_there(found: Sighting, reference: Pixels, pasted: Pasted) -> bool:
    """Whether the middle of what was found lies on what was printed."""
    height, width = reference.shape[:2]
    middle = found.corners((width, height)).mean(axis=0)
    low, high = pasted.corners.min(axis=0), pasted.corners.max(axis=0)
    return bool(((middle >= low) & (middle <= high)).all())


def _ask_patches(photos: Sequence[Pixels]) -> Iterator[Asked]:
    search = PatchSearch([logo.on_white() for logo in LOGOS])
    for at, photo in enumerate(photos):
        score = search.score(search.describe(photo), at % len(LOGOS))
        yield Asked("none", at, is_own=False, score=score)
    for at, treatment, own, other, pasted in _print_all(photos):
        described = search.describe(pasted.pixels)
        yield Asked(treatment.key, at, is_own=True, score=search.score(described, own))
        yield Asked(treatment.key, at, is_own=False, score=search.score(described, other))


def _judge_patches(asked: Sequence[Asked]) -> list[Asked]:
    """Choose the limit on the photos with even numbers; return what it finds on the others."""
    others = [each.score for each in asked if not each.is_own and each.photo % 2 == 0]
    limit = float(np.quantile(others, 1 - FALSE_ALARMS))
    return [
        Asked(each.kind, each.photo, each.is_own, is_found=each.score > limit)
        for each in asked
        if each.photo % 2
    ]


def _figures(asked: Sequence[Asked], suffix: str) -> Figures:
    found: dict[str, list[bool]] = defaultdict(list)
    for each in asked:
        name = "found" if each.is_own else "false_alarm"
        found[f"{name}.{each.kind}{suffix}"].append(each.is_found)
    return {key: float(np.mean(found[key])) for key in sorted(found, key=_order)}


def _order(key: str) -> tuple[bool, int]:
    kinds = [*TREATMENTS, "none"]
    return key.startswith("false"), kinds.index(key.split(".")[1])


def _tell(asked: Sequence[Asked]) -> Figures:
    """What is said to be altered, of what was found."""
    changes: Mapping[str, list[Change]] = {key: [] for key in TREATMENTS}
    for each in asked:
        if each.change is not None:
            changes[each.kind].append(each.change)
    figures = {
        f"changed.{key}": float(np.mean([change.is_any for change in of_kind]))
        for key, of_kind in changes.items()
        if of_kind
    }
    boxes = [change.box for change in changes["letter"] if change.box is not None]
    if boxes:
        figures["letter_box"] = float(np.mean([box.meets(WORD) for box in boxes]))
    return figures


if __name__ == "__main__":
    harness.main("logos", measure)
