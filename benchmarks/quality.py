"""How well the quality checks tell damaged pictures from sound ones, and what they cost.

Sound pictures are damaged in each way of ``benchmarks.damages``, weak, medium and strong,
those on a white backdrop and natural ones apart. ``auroc.DAMAGE.BACKGROUND`` compares the
check's value on the medium ones and the sound ones, ``.cleanvision`` is the best that any
score of cleanvision reaches on the same files, chosen afterwards, in its favour.

With ``--data`` of Grocery the white ones are its iconic pictures and the natural ones its
test split; of other data our own finder of backdrops sorts them. Limits were chosen on the
train split and on every other picture on white: those are left out here.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import harness
from benchmarks.damages import DAMAGES, STRENGTHS, Damage
from benchmarks.harness import Figures, Options
from core.imaging import DecodedImage, ImageLimits, decode
from core.quality import QUALITY_CHECKS, ImageMeasures
from core.quality import measure as measure_quality
from core.quality.foreground import find_foreground
from core.training.datasets import read_dataset

LIMITS = ImageLimits(max_bytes=50_000_000, max_pixels=100_000_000)
PICTURES, QUICK_PICTURES = 150, 12
ROUNDS = 3
ENLARGED, ENLARGED_SIDE_PX = 24, 1200
PEER_ISSUES = (
    "dark",
    "light",
    "odd_aspect_ratio",
    "low_information",
    "blurry",
    "grayscale",
    "odd_size",
)

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spoilt:
    """The files of one background under one damage at one strength; without, sound ones."""

    damage: str
    strength: str
    files: tuple[Path, ...]


def measure(options: Options) -> Figures:
    """Return the figures by damage and background, false alarms, and the cost."""
    cv2.setNumThreads(1)
    backgrounds = _choose(options)
    figures: Figures = {}
    for name, files in backgrounds.items():
        figures[f"pictures.{name}"] = float(len(files))
        with harness.work_folder() as folder:
            sets = [Spoilt("", "", tuple(files)), *_spoil(files, folder)]
            figures |= _judge(name, sets)
    return figures | _costs(backgrounds)


def _choose(options: Options) -> dict[str, list[Path]]:
    """Return pictures by background that took no part in choosing limits."""
    data = options.labelled_photos()
    iconic = data / "iconic-images-and-descriptions"
    samples = read_dataset(data).samples
    if iconic.is_dir():
        natural = [sample.path for sample in samples if sample.part == "test"]
        chosen = {"white": sorted(iconic.rglob("*.jpg"))[1::2], "natural": natural}
    else:
        chosen = _sort_by_backdrop([sample.path for sample in samples][1::2])
    most = QUICK_PICTURES if options.quick else PICTURES
    return {name: _thin(files, most) for name, files in chosen.items() if files}


def _sort_by_backdrop(files: Sequence[Path]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {"white": [], "natural": []}
    for file in _thin(files, 4 * PICTURES):
        pixels = _decode(file).pixels
        edge_is_white = np.median(pixels[[0, -1]].min(axis=2)) >= 235
        is_whole = bool(find_foreground(pixels).all())
        if is_whole or edge_is_white:
            found["natural" if is_whole else "white"].append(file)
    return found


def _thin(files: Sequence[Path], most: int) -> list[Path]:
    return list(files[:: max(1, len(files) // most)][:most])


def _decode(file: Path) -> DecodedImage:
    return decode(file.read_bytes(), LIMITS)


def _spoil(files: Sequence[Path], folder: Path) -> list[Spoilt]:
    pictures = [_decode(file).pixels for file in files]
    return [
        _spoil_once(pictures, damage, rank, folder)
        for damage in DAMAGES.values()
        for rank in range(len(STRENGTHS))
    ]


def _spoil_once(
    pictures: Sequence[NDArray[np.uint8]], damage: Damage, rank: int, folder: Path
) -> Spoilt:
    target = folder / damage.key / STRENGTHS[rank]
    target.mkdir(parents=True)
    paths = []
    for seed, pixels in enumerate(pictures):
        path = target / f"{seed:04}.jpg"
        path.write_bytes(damage.make_file(pixels, damage.strengths[rank], seed))
        paths.append(path)
    return Spoilt(damage.key, STRENGTHS[rank], tuple(paths))


def _judge(background: str, sets: Sequence[Spoilt]) -> Figures:
    """Return what is told apart and what is flagged on one background."""
    measures = {
        (each.damage, each.strength): [measure_quality(_decode(file)) for file in each.files]
        for each in sets
    }
    sound = measures["", ""]
    figures = {f"false_alarm.{background}": _share_flagged(sound, tuple(QUALITY_CHECKS))}
    for damage in DAMAGES.values():
        by_strength = [measures[damage.key, strength] for strength in STRENGTHS]
        figures |= _tell_apart(f"{damage.key}.{background}", damage, sound, by_strength)
    return figures | _judge_by_peer(background, sets)


def _tell_apart(
    name: str,
    damage: Damage,
    sound: Sequence[ImageMeasures],
    by_strength: Sequence[Sequence[ImageMeasures]],
) -> Figures:
    """``rising`` is the share of steps in strength at which a picture's value gets no better."""
    best = _badness(damage.checks[0], sound)
    worse = [_badness(damage.checks[0], measures) for measures in by_strength]
    aurocs = [auroc(values, best) for values in worse]
    rising = np.diff(np.stack([best, *worse]), axis=0) >= 0
    means = [float(values.mean()) for values in (best, *worse)]
    return {
        f"auroc.{name}": aurocs[1],
        f"auroc.{name}.weak": aurocs[0],
        f"auroc.{name}.strong": aurocs[2],
        f"caught.{name}": _share_flagged(by_strength[1], damage.checks),
        f"caught.{name}.strong": _share_flagged(by_strength[2], damage.checks),
        f"rising.{name}": float(rising.mean()),
        f"monotone.{name}": float(means == sorted(means)),
    }


def _badness(key: str, measures: Sequence[ImageMeasures]) -> Values:
    check = QUALITY_CHECKS[key]
    sign = 1.0 if check.side == "above" else -1.0
    return np.array([sign * check.value(each) for each in measures])


def _share_flagged(measures: Sequence[ImageMeasures], keys: Sequence[str]) -> float:
    flagged = [any(QUALITY_CHECKS[key].is_raised(each) for key in keys) for each in measures]
    return float(np.mean(flagged))


def auroc(bad: Values, good: Values) -> float:
    """Return how often a bad one has the higher value than a good one; ties count half."""
    difference = bad[:, None] - good[None]
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


def _judge_by_peer(background: str, sets: Sequence[Spoilt]) -> Figures:
    """Run cleanvision over the same files at once, as its odd sizes need."""
    table = _run_peer([file for each in sets for file in each.files])
    scores = table[[name for name in table.columns if name.endswith("_score")]].to_numpy(float)
    issues = table[[name for name in table.columns if name.startswith("is_")]].to_numpy(bool)
    count = len(sets[0].files)
    sound = -scores[:count]
    figures = {f"false_alarm.{background}.cleanvision": float(issues[:count].any(axis=1).mean())}
    for rank, each in enumerate(sets):
        if each.strength == "medium":
            spoilt = -scores[rank * count : (rank + 1) * count]
            best = max(auroc(spoilt[:, k], sound[:, k]) for k in range(sound.shape[1]))
            figures[f"auroc.{each.damage}.{background}.cleanvision"] = best
    return figures


def _run_peer(files: Sequence[Path]):  # type: ignore[no-untyped-def]  # a table of pandas
    """Return cleanvision's scores and issues in the order of the files, on one core."""
    from cleanvision import Imagelab

    names = [str(file) for file in files]
    lab = Imagelab(filepaths=names, verbose=False)
    lab.find_issues({issue: {} for issue in PEER_ISSUES}, n_jobs=1, verbose=False)
    return lab.issues.loc[names]


def _costs(backgrounds: Mapping[str, Sequence[Path]]) -> Figures:
    """Time decoding, measuring and cleanvision in turns on the sound files, by CPU time."""
    files = [file for chosen in backgrounds.values() for file in chosen]
    figures: Figures = {}
    with harness.work_folder() as folder:
        groups = {**backgrounds, "megapixel": _enlarge(files, folder), "all": files}
        for name, chosen in groups.items():
            figures |= _cost(chosen, "" if name == "all" else f".{name}")
    return figures


def _enlarge(files: Sequence[Path], folder: Path) -> list[Path]:
    """Return some of the pictures as files of a size that shops show."""
    enlarged = []
    for rank, file in enumerate(_thin(files, ENLARGED)):
        pixels = _decode(file).pixels
        scale = ENLARGED_SIDE_PX / max(pixels.shape)
        large = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        enlarged.append(folder / f"{rank:04}.jpg")
        Image.fromarray(np.asarray(large, np.uint8)).save(enlarged[-1], quality=90)
    return enlarged


def _cost(files: Sequence[Path], suffix: str) -> Figures:
    pictures = [_decode(file) for file in files]
    spent = _time(
        {
            "decode": lambda: [_decode(file) for file in files],
            "measure": lambda: [measure_quality(picture) for picture in pictures],
            "peer": lambda: _run_peer(files),
        }
    )
    decode_ms, measure_ms, peer_ms = (1000 * seconds / len(files) for seconds in spent.values())
    return {
        f"decode_ms{suffix}": decode_ms,
        f"measure_ms{suffix}": measure_ms,
        f"images_per_s{suffix}": 1000 / (decode_ms + measure_ms),
        f"images_per_s.cleanvision{suffix}": 1000 / peer_ms,
        f"speed_ratio_cleanvision{suffix}": peer_ms / (decode_ms + measure_ms),
        f"measure_to_decode_time{suffix}": measure_ms / decode_ms,
    }


def _time(jobs: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Return the least CPU seconds of each job over some rounds, taken in turns."""
    least = dict.fromkeys(jobs, float("inf"))
    for _ in range(ROUNDS):
        for key, job in jobs.items():
            start = time.process_time()
            job()
            least[key] = min(least[key], time.process_time() - start)
    return least


if __name__ == "__main__":
    harness.main("quality", measure)
