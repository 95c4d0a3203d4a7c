"""Which step of the published workflow did the damage: each one put right, alone.

The preset ``published`` is trained as it was written, then with one step put right at a time,
then with all of them. The network is the one whose pretrained weights come with a package, so
that nothing is downloaded; beside it the custom CNN, to see what the scaling does to a network
that was never trained with another. Data without a test split gives a fifth of each category
to one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks import harness
from benchmarks.harness import Figures, Options
from benchmarks.training import Laboratory
from core.training.request import TrainingRequest

SIZE: Mapping[str, Any] = {"image_size_px": 128}  # the shares of the damage, not the best figures
QUICK: Mapping[str, Any] = {"image_size_px": 64, "epochs": 1}


@dataclass(frozen=True, slots=True)
class Repair:
    """A step of the published workflow, put right.

    Attributes:
        changes: Fields of the recipe.
    """

    key: str
    label: str
    changes: Mapping[str, Any]
    arch: str = "efficientnet_lite0"


SCALING: Mapping[str, Any] = {"scaling": "architecture"}
SINGLE = (
    Repair("scaling", "pixels as the network was made for them", SCALING),
    Repair("imbalance", "no correction of the imbalance", {"imbalance": "none"}),
    Repair("oversampling_only", "one correction, not two", {"imbalance": "oversample"}),
    Repair("class_weights_only", "the other correction alone", {"imbalance": "class_weights"}),
    Repair(
        "augmentation",
        "crops too, and rectangles painted over",
        {"crop_scale": 0.35, "erasing": 0.25},
    ),
    Repair("dropout", "no dropout before the classifier", {"drop_rate": 0.0}),
    Repair("head", "the classifier fitted on features, to its end", {"head_first": True}),
    Repair("frozen", "the last third of the network learns too", {"frozen": 0.67}),
)
ALL = Repair(
    "all",
    "all of them",
    {key: value for row in SINGLE for key, value in row.changes.items()} | {"imbalance": "none"},
)
CUSTOM_CNN = (
    Repair("custom_cnn", "the custom CNN, as it was written", {}, "custom_cnn"),
    Repair(
        "custom_cnn_scaling", "the custom CNN, pixels by mean and deviation", SCALING, "custom_cnn"
    ),
)


def measure(options: Options) -> Figures:
    """Return train_top1, test_top1 and test_macro as published and after each repair."""
    laboratory = Laboratory.open(options, name="published")
    figures: Figures = {}
    for row in (Repair("published", "as it was written", {}), *SINGLE, ALL, *CUSTOM_CNN):
        changes = {**(QUICK if options.quick else SIZE), **row.changes}
        request = TrainingRequest(row.arch, str(laboratory.data), "published", changes)
        version = laboratory.train(request, row.key)
        test = laboratory.find_test(version)
        figures |= {
            f"{row.key}.train_top1": version.metrics["splits"]["train"]["top1"],
            f"{row.key}.test_top1": test.figures["top1"].value,
            f"{row.key}.test_macro": test.figures["macro"].value,
        }
    return figures


if __name__ == "__main__":
    harness.main("published", measure)
