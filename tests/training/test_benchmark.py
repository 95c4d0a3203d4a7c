"""The comparison's table of trainings; they themselves take hours."""

from pathlib import Path

import pytest

from benchmarks import training
from benchmarks.harness import Options
from benchmarks.training import ENSEMBLE, MEMBERS, RUNS, Run
from core.training.recipe import Recipe
from tests.training.trees import make_tree

VERSION_IDS = {run.key: at for at, run in enumerate(RUNS, start=1)}


def resolve(run: Run, *, quick: bool) -> Recipe:
    return run.request(Path("data"), VERSION_IDS, quick=quick).resolve()


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.key)
def test_every_training_can_be_asked_for(run: Run, quick: bool) -> None:
    recipe = resolve(run, quick=quick)
    assert recipe.arch == run.arch
    assert bool(recipe.teacher) == (run.preset == "distilled")
    for name, key in run.learns_from.items():
        assert getattr(recipe, name) == str(VERSION_IDS[key])


def test_whom_others_learn_from_is_trained_before_them() -> None:
    trained: set[str] = set()
    for run in RUNS:
        assert set(run.learns_from.values()) <= trained
        trained.add(run.key)
    assert set(MEMBERS) <= trained


def test_figures_of_each_and_of_all_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = make_tree(tmp_path / "tree")
    small = {"epochs": 1, "image_size_px": 32, "end_size_px": 0, "teacher_size_px": 0}
    first = Run("first", "custom_cnn", "quick", small)
    student = Run("student", "custom_cnn", "distilled", small, {"teacher": "first"})
    monkeypatch.setattr(training, "BENCHMARKS_DIR", tmp_path)
    monkeypatch.setattr(training, "RUNS", (first, student))
    monkeypatch.setattr(training, "MEMBERS", ("first", "student"))
    figures = training.measure(Options(quick=False, data=tree))
    names = ("test_top1", "test_coarse_top1", "test_macro", "ece", "params_m", "images_per_s")
    keys = ("first", "student", ENSEMBLE)
    assert figures.keys() == {f"{key}.{name}" for key in keys for name in names}
    assert training.measure(Options(quick=False, data=tree)) == figures  # found, not trained
