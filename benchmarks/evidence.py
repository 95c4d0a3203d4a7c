"""Whether models that agree on a label but look at different places are wrong more often.

Two unlike networks are trained on labelled photos in a few minutes: the packaged
EfficientNet-Lite0 with a new classifier, and a custom CNN from nothing. Of the photos that both
name the same category of, the agreement of their Grad-CAM maps is measured, as the flag
``evidence_differs`` does.

``limit.chosen`` is the highest limit, in steps of 0.01, that catches at most 2 % of the right
labels of the validation photos and some of the training. The rest is told of the test photos:
``agreeing`` labels, ``wrong`` of them, the share of wrong labels below and above the flag's own
limit, the right ones it catches (``sound_flagged``) and the wrong ones (``wrong_flagged``).
``auroc`` is how often a wrong label has the lower agreement; ``auroc_confidence`` is the same of
the models' mean probability, for comparison. ``….low`` and ``….high`` are 95 % intervals: Wilson's
of shares, by bootstrap of the AUROC. ``ms_a_photo`` is what both maps of a photo take, decoding
included.

What was trained is found again by the next run on the same data.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import harness
from benchmarks.harness import Figures, Options
from benchmarks.training import Laboratory
from core.evaluation import Interval, Picture
from core.evaluation.bootstrap import bootstrap, wilson
from core.explain.agreement import mean_overlap, to_grid
from core.explain.gradcam import heatmap
from core.flags import FLAG_LIMITS
from core.imaging import ImageLimits, decode
from core.models import LoadedModel
from core.services import evaluations, models
from core.services.evaluations import EvaluationFilter, Measured
from core.services.models import ModelVersion
from core.training.request import TrainingRequest
from db.states import Split

MODELS: Mapping[str, Mapping[str, Any]] = {
    "efficientnet_lite0": {"image_size_px": 224, "full": False},
    "custom_cnn": {"epochs": 8},
}
"""By architecture what is changed in the preset ``quick``."""

QUICK: Mapping[str, Any] = {"image_size_px": 64, "epochs": 1}
QUICK_PHOTOS, TRAINED_PHOTOS, MOST_PHOTOS = 24, 400, 5_000
MOST_SOUND = 0.02
LIMITS = ImageLimits(max_bytes=50_000_000, max_pixels=100_000_000)
LIMIT = FLAG_LIMITS["evidence_differs"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Agreed:
    """N photos that all models name the same category of.

    Attributes:
        overlaps: (N,) agreement of the maps, 0 to 1; those without any are left out.
        confidences: (N,) mean calibrated probability of the category.
        is_wrong: (N,) whether it is another than the photo's label.
        ms_a_photo: Time that the maps of one photo took.
    """

    overlaps: Floats
    confidences: Floats
    is_wrong: Bools
    ms_a_photo: float


def measure(options: Options) -> Figures:
    """Return what the agreement says of the test photos, and the limit by the validation ones."""
    laboratory = Laboratory.open(options, name="evidence")
    versions = [_train(laboratory, arch, quick=options.quick) for arch in MODELS]
    some, many = (QUICK_PHOTOS, QUICK_PHOTOS) if options.quick else (TRAINED_PHOTOS, MOST_PHOTOS)
    seen = [
        _compare(laboratory, versions, split, some) for split in (Split.VALIDATION, Split.TRAIN)
    ]
    sound = np.concatenate([each.overlaps[~each.is_wrong] for each in seen])
    tested = _compare(laboratory, versions, Split.TEST, many)
    return {"limit.chosen": choose_limit(sound)} | tell(tested, LIMIT.limit)


def choose_limit(sound: Floats) -> float:
    """Return the highest limit in hundredths that catches few enough of the right labels'."""
    few = (step / 100 for step in range(101) if _share(sound < step / 100) <= MOST_SOUND)
    return max(few, default=0.0)


def tell(found: Agreed, limit: float) -> Figures:
    """Return the figures of labels that were agreed on, at a limit."""
    is_below = found.overlaps < limit
    shares = {
        "wrong_below": found.is_wrong[is_below],
        "wrong_above": found.is_wrong[~is_below],
        "sound_flagged": is_below[~found.is_wrong],
        "wrong_flagged": is_below[found.is_wrong],
    }
    intervals = {
        key: wilson(int(those.sum()), len(those)) for key, those in shares.items() if len(those)
    }
    intervals |= bootstrap(
        {
            "auroc": lambda weights: _auroc(weights, -found.overlaps, found.is_wrong),
            "auroc_confidence": lambda weights: _auroc(weights, -found.confidences, found.is_wrong),
        },
        len(found.overlaps),
    )
    figures = {
        "limit": limit,
        "agreeing": float(len(found.overlaps)),
        "wrong": float(found.is_wrong.sum()),
        "below": float(is_below.sum()),
        "ms_a_photo": found.ms_a_photo,
    }
    for key, interval in intervals.items():
        figures |= _spread(key, interval)
    return figures


def _spread(key: str, interval: Interval) -> Figures:
    return {key: interval.value, f"{key}.low": interval.low, f"{key}.high": interval.high}


def _share(those: Bools) -> float:
    return float(those.mean()) if len(those) else 0.0


def _auroc(weights: Floats, scores: Floats, is_wrong: Bools) -> Floats:
    """Return for (R, N) weights how often a wrong label scores higher, (R,); ties count half."""
    above = np.sign(scores[is_wrong][:, None] - scores[~is_wrong][None])
    wrong, right = weights[:, is_wrong], weights[:, ~is_wrong]
    pairs = wrong.sum(axis=1) * right.sum(axis=1)
    won = np.einsum("rw,wg,rg->r", wrong, (above + 1) / 2, right, optimize=True)
    share: Floats = np.divide(won, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)
    return share


# --- models and maps -----------------------------------------------------------------------------


def _train(laboratory: Laboratory, arch: str, *, quick: bool) -> ModelVersion:
    changes = {**MODELS[arch], **(QUICK if quick else {})}
    request = TrainingRequest(arch, str(laboratory.data), "quick", changes)
    return laboratory.train(request, arch)


def _compare(
    laboratory: Laboratory, versions: Sequence[ModelVersion], split: Split, most: int
) -> Agreed:
    """Compare the maps on at most so many of the split's photos that all name alike."""
    said = [_read(laboratory, version, split) for version in versions]
    pictures = said[0].pictures
    names = np.array(
        [[each.labels[at] for at in each.predictions.predicted.tolist()] for each in said]
    )
    alike = np.flatnonzero((names == names[0]).all(axis=0))
    chosen = alike[:: max(1, -(-len(alike) // most))]
    loaded = [
        models.load_version(laboratory.engine, laboratory.settings, version_id=version.id).model
        for version in versions
    ]
    started_at = time.perf_counter()
    found = [_overlap(loaded, pictures[int(at)], str(names[0, at])) for at in chosen]
    seconds = time.perf_counter() - started_at
    overlaps = np.array([np.nan if each is None else each for each in found], dtype=np.float64)
    kept, there = chosen[~np.isnan(overlaps)], ~np.isnan(overlaps)
    confidences = np.mean([each.predictions.confidences for each in said], axis=0)
    is_wrong = np.array([pictures[int(at)].label != names[0, at] for at in kept], dtype=bool)
    return Agreed(
        overlaps[there],
        confidences[kept].astype(np.float64),
        is_wrong,
        1000 * seconds / max(1, len(chosen)),
    )


def _read(laboratory: Laboratory, version: ModelVersion, split: Split) -> Measured:
    """Return what the version said at the end of its training, in the order of the paths."""
    (found,) = evaluations.list_evaluations(
        laboratory.engine,
        laboratory.settings,
        actor=laboratory.actor,
        only=EvaluationFilter(version_ids=(version.id,), split=split),
    )
    return evaluations.load_measured(laboratory.engine, laboratory.settings, evaluation_id=found.id)


def _overlap(loaded: Sequence[LoadedModel], picture: Picture, label: str) -> float | None:
    pixels = decode(Path(picture.path).read_bytes(), LIMITS).pixels
    return mean_overlap(
        [to_grid(heatmap(model, pixels, model.labels.index(label))) for model in loaded]
    )


if __name__ == "__main__":
    harness.main("evidence", measure)
