"""What single options of the custom CNN's recipe do: each alone, in short trainings.

The trainings are shorter and their pictures smaller than the recipe's, so that all take half
an hour of one core: the differences count, not the figures. Data without a test split gives a
fifth of each category to one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from benchmarks import harness
from benchmarks.harness import Figures, Options
from benchmarks.training import Laboratory
from core.evaluation import SHOTS
from core.training.recipe import IMBALANCE, Attention
from core.training.request import TrainingRequest

ARCH = "custom_cnn"
SHORT: Mapping[str, Any] = {"image_size_px": 64, "epochs": 20}
QUICK: Mapping[str, Any] = {"image_size_px": 32, "epochs": 1}
MEASURED = ("top1", "macro", *(f"{shot.key}_shot" for shot in SHOTS))


@dataclass(frozen=True, slots=True)
class Option:
    """A change of the recipe."""

    key: str
    changes: Mapping[str, Any]


ROWS = (
    Option("plain", {}),
    *(Option(block, {"attention": block}) for block in get_args(Attention) if block != "none"),
    *(Option(way, {"imbalance": way}) for way in IMBALANCE if way != "none"),
)


def measure(options: Options) -> Figures:
    """Return validation_top1 and, of test, what ``MEASURED`` names, for each option."""
    laboratory = Laboratory.open(options, name="options")
    figures: Figures = {}
    for row in ROWS:
        changes = {**(QUICK if options.quick else SHORT), **row.changes}
        request = TrainingRequest(ARCH, str(laboratory.data), changes=changes)
        version = laboratory.train(request, row.key)
        figures[f"{row.key}.validation_top1"] = version.metrics["splits"]["validation"]["top1"]
        found = laboratory.find_test(version).figures
        figures |= {
            f"{row.key}.test_{name}": found[name].value for name in MEASURED if name in found
        }
    return figures


if __name__ == "__main__":
    harness.main("options", measure)
