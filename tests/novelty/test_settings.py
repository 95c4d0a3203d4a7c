"""The settings that the code uses are those that the benchmark chose."""

import inspect
import json

from benchmarks.unknown import SETTINGS
from core.novelty import NOVELTY_METHODS
from tests.test_house import ROOT

FIGURES = json.loads((ROOT / "benchmarks/results/unknown.json").read_text())["figures"]


def test_the_defaults_are_the_best_on_the_draws_that_choose() -> None:
    for method, (setting, values) in SETTINGS.items():
        tuned = {value: FIGURES[f"tuning.{method}.{setting}_{value:g}"] for value in values}
        default = inspect.signature(NOVELTY_METHODS[method].fit).parameters[setting].default

        assert default == max(tuned, key=tuned.__getitem__), method


def test_every_method_is_measured() -> None:
    assert {f"auroc.{key}" for key in NOVELTY_METHODS} < FIGURES.keys()
