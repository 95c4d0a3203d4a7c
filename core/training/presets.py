"""The tables of recipes: a default for each architecture, presets, and changes to both."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, get_args, get_type_hints

from core.errors import InvalidInputError
from core.training.recipe import Recipe, check_key, check_recipe

PUBLISHED = "published"

_DEFAULTS = (
    Recipe(
        arch="custom_cnn",
        weights="none",
        blocks=2,
        image_size_px=128,
        start_size_px=96,
        epochs=150,
        batch_size=64,
        learning_rate=2e-3,
        ema_decay=0.999,
        keep="last",
        drop_rate=0.2,
        crop_scale=0.35,
        jitter=0.3,
        trivial_augment=True,
        mixup=0.2,
        cutmix=1.0,
        mirrored=True,
    ),
    Recipe(
        arch="resnet50",
        weights="hub",
        image_size_px=224,
        epochs=12,
        batch_size=64,
        learning_rate=5e-4,
        layer_decay=0.85,
        batch_statistics=False,
        ema_decay=0.998,
    ),
    Recipe(
        arch="vit",
        weights="hub",
        image_size_px=224,
        epochs=12,
        batch_size=64,
        learning_rate=3e-4,
        layer_decay=0.75,
        ema_decay=0.998,
        drop_path_rate=0.1,
    ),
    Recipe(
        arch="efficientnet_lite0",
        weights="package",
        image_size_px=224,
        start_size_px=160,
        epochs=16,
        batch_size=32,
        learning_rate=1e-3,
        ema_decay=0.995,
        keep="last",
        drop_rate=0.2,
        drop_path_rate=0.05,
        crop_scale=0.35,
        erasing=0.25,
        mirrored=True,
    ),
)

DEFAULTS: Mapping[str, Recipe] = {recipe.arch: recipe for recipe in _DEFAULTS}


@dataclass(frozen=True, slots=True)
class Preset:
    """A named way to train: what it changes in an architecture's default.

    Attributes:
        everywhere: For every architecture.
        by_arch: More, for some; an architecture that is not named is trained as well.
    """

    key: str
    label: str
    everywhere: Mapping[str, Any]
    by_arch: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


_SMALL: Mapping[str, Any] = {
    "weights": "none",
    "start_size_px": 0,
    "batch_size": 16,
    "layer_decay": 1.0,
    "ema_decay": 0.0,
    "keep": "best",
    "frozen": 0.0,
    "batch_statistics": True,
    "drop_path_rate": 0.0,
    "crop_scale": 0.5,
    "jitter": 0.2,
    "trivial_augment": False,
    "erasing": 0.0,
    "mixup": 0.0,
    "cutmix": 0.0,
    "mirrored": False,
}

PRESETS: Mapping[str, Preset] = {
    preset.key: preset
    for preset in (
        Preset("default", "As well as it can be", {}),
        Preset(
            "quick",
            "A minute or two for a small catalog",
            _SMALL,
            {
                "custom_cnn": {"image_size_px": 64, "epochs": 10, "drop_rate": 0.1, "blocks": 1},
                "resnet50": {"image_size_px": 48, "epochs": 7, "learning_rate": 1e-3},
                "vit": {
                    "stem": "convolutions",
                    "image_size_px": 64,
                    "epochs": 8,
                    "learning_rate": 3e-4,
                },
                "efficientnet_lite0": {
                    "weights": "package",
                    "batch_statistics": False,
                    "image_size_px": 96,
                    "epochs": 3,
                    "drop_rate": 0.0,
                },
            },
        ),
        Preset(
            "distilled",
            "Learn from the active EfficientNet-Lite0",
            {
                "teacher": "efficientnet_lite0",
                "teacher_temperature": 2.0,
                "teacher_features": 1.0,
                "teacher_share": 0.5,
                "teacher_size_px": 160,
                "weights": "none",
                "image_size_px": 128,
                "start_size_px": 64,
                "end_size_px": 96,
                "epochs": 150,
                "batch_size": 32,
                "learning_rate": 1.5e-3,
                "layer_decay": 1.0,
                "ema_decay": 0.998,
                "keep": "last",
                "frozen": 0.0,
                "batch_statistics": True,
                "crop_scale": 0.35,
                "jitter": 0.3,
                "trivial_augment": True,
                "erasing": 0.0,
                "mixup": 0.2,
                "cutmix": 1.0,
                "drop_rate": 0.0,
                "drop_path_rate": 0.0,
                "mirrored": True,
            },
            {
                "custom_cnn": {"start_size_px": 96},
                "resnet50": {"learning_rate": 1e-3},
                "vit": {"learning_rate": 7e-4, "stem": "convolutions"},
            },
        ),
        Preset(
            PUBLISHED,
            "The published workflow, as it was written",
            {
                "image_size_px": 224,
                "start_size_px": 0,
                "scaling": "unit",
                "epochs": 10,
                "batch_size": 32,
                "learning_rate": 1e-3,
                "layer_decay": 1.0,
                "weight_decay": 0.0,
                "warm_up": 0.0,
                "ema_decay": 0.0,
                "keep": "best",
                "label_smoothing": 0.0,
                "crop_scale": 1.0,
                "rotation_degrees": 15.0,
                "jitter": 0.2,
                "trivial_augment": False,
                "erasing": 0.0,
                "mixup": 0.0,
                "cutmix": 0.0,
                "drop_rate": 0.5,
                "drop_path_rate": 0.0,
                "frozen": 1.0,
                "batch_statistics": True,
                "head_first": False,
                "full": True,
                "mirrored": False,
                "imbalance": "oversample+class_weights",
            },
            {"custom_cnn": {"frozen": 0.0, "blocks": 1}},
        ),
    )
}


def make_recipe(arch: str, preset: str, changes: Mapping[str, Any]) -> Recipe:
    """Return the architecture's default, changed by the preset and then by the changes.

    Some changes take along what hangs on them, unless that is changed too: the batch size
    takes the learning rate (by its root, as suits Adam), the image size that of the last
    epochs, a small one that of the first, a large one that of the teacher's views, and the weights
    what suits random and pretrained ones: frozen layers, slower ones, and what a transformer
    looks at.

    Raises:
        InvalidInputError: No such architecture, preset or field, or a value out of range.
    """
    check_key("architecture", arch, DEFAULTS)
    check_key("preset", preset, PRESETS)
    names = [each.name for each in fields(Recipe) if each.name != "arch"]
    unknown = sorted(changes.keys() - set(names))
    if unknown:
        raise InvalidInputError(
            f"a recipe has no field {unknown[0]!r} to set; it has {', '.join(names)}"
        )
    row = PRESETS[preset]
    base = replace(DEFAULTS[arch], **{**row.everywhere, **row.by_arch.get(arch, {})})
    recipe = replace(base, **{**_followers(base, preset, changes), **changes})
    check_recipe(recipe, is_published=preset == PUBLISHED)
    return recipe


def _followers(base: Recipe, preset: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    follow: dict[str, Any] = {}
    if "batch_size" in changes:
        factor = (max(0, changes["batch_size"]) / base.batch_size) ** 0.5
        follow["learning_rate"] = base.learning_rate * factor
    used = changes.get("image_size_px", math.inf)
    if min(used, changes.get("end_size_px") or math.inf) < base.start_size_px:
        follow["start_size_px"] = 0
    if "image_size_px" in changes:
        follow["end_size_px"] = 0
    if changes.get("image_size_px", 0) > base.teacher_size_px:
        follow["teacher_size_px"] = 0
    if "weights" in changes:
        is_random = changes["weights"] == "none"
        is_convolutional = is_random and base.arch == "vit" and preset != PUBLISHED
        follow["stem"] = "convolutions" if is_convolutional else "patches"
        follow |= _OF_RANDOM_WEIGHTS if is_random else {}
    return follow


_OF_RANDOM_WEIGHTS = {"frozen": 0.0, "batch_statistics": True, "layer_decay": 1.0}


def parse_changes(assignments: Iterable[str]) -> dict[str, Any]:
    """Return the values of ``field=value`` texts, each of its field's type.

    Raises:
        InvalidInputError: One is none, or its value is of another type.
    """
    hints = get_type_hints(Recipe)
    changes = {}
    for assignment in assignments:
        name, separator, text = (part.strip() for part in assignment.partition("="))
        if not separator or name not in hints:
            raise InvalidInputError(
                f"{assignment!r} is no field=value; the fields are {', '.join(hints)}"
            )
        changes[name] = _parse(name, text, hints[name])
    return changes


def _parse(name: str, text: str, kind: Any) -> Any:
    try:
        if kind in (int, float):
            return kind(text)
        if bool in (kind, *get_args(kind)):
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[
                text.lower()
            ]
    except (ValueError, KeyError) as error:
        expected = {int: "a whole number", float: "a number"}.get(kind, "true or false")
        raise InvalidInputError(f"{name} is {text!r}; it must be {expected}") from error
    return text
