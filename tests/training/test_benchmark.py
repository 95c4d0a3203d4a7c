"""The comparison's table of trainings; they themselves take hours."""

from pathlib import Path

import pytest

from benchmarks.training import MEMBERS, RUNS, Run


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.key)
def test_every_training_can_be_asked_for(run: Run, quick: bool) -> None:
    recipe = run.request(Path("data"), quick=quick).resolve()
    assert recipe.arch == run.arch
    assert bool(recipe.teacher) == (run.preset == "distilled")


def test_whom_others_learn_from_is_trained_before_them() -> None:
    trained: set[str] = set()
    for run in RUNS:
        recipe = run.request(Path("data"), quick=False).resolve()
        assert {recipe.teacher, recipe.stem_from} - {""} <= trained
        trained.add(run.arch)
    assert set(MEMBERS) <= {run.key for run in RUNS}
