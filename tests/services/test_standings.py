import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import ForbiddenError
from core.evaluation.coverage import CoveragePoint, widest
from core.services.evaluations import EvaluationFilter, Narrowing
from core.services.standings import (
    judge,
    list_standings,
    list_unmeasured,
    measure_trust,
)
from core.settings import Settings
from db.engine import transaction
from db.rows import ModelVersionRow
from tests.services.evaluated import APPLE, LABELS, MILK, PEAR, TRUTH, add_evaluation, add_version

PEARS_MISSED = (APPLE, APPLE, APPLE, APPLE, APPLE, MILK)


@pytest.fixture
def measured(engine: sa.Engine, settings: Settings) -> None:
    add_evaluation(engine, settings, "resnet50", PEARS_MISSED)
    add_evaluation(engine, settings, "vit", TRUTH)


def rank(engine: sa.Engine, settings: Settings, actor: Actor, **values: object):
    only = EvaluationFilter(data_name="shelf")
    return list_standings(
        engine, settings, actor=actor, **({"split": "test", "only": only} | values)
    )


def test_the_most_accurate_comes_first(measured: None, engine, settings, actor):
    standings = rank(engine, settings, actor)
    assert [each.kind for each in standings] == ["Vision Transformer", "ResNet-50"]
    assert [each.top1 for each in standings] == [1.0, pytest.approx(4 / 6)]


def test_only_those_of_the_split_are_ranked_with_all_their_splits(engine, settings, actor):
    version_id = add_version(engine, "vit")
    for split in ("validation", "test"):
        add_evaluation(engine, settings, "vit", TRUTH, split=split, version_id=version_id)
    add_evaluation(engine, settings, "resnet50", TRUTH, split="validation")
    [standing] = rank(engine, settings, actor)
    assert set(standing.by_split) == {"validation", "test"}
    assert len(rank(engine, settings, actor, split="validation")) == 2
    missing = list_unmeasured(engine, actor=actor, standings=[standing])
    assert [version.arch for version in missing] == ["resnet50"]


def test_narrowed_standings_are_ranked_by_what_counts(measured: None, engine, settings, actor):
    standings = rank(engine, settings, actor, narrowing=Narrowing("pear"))
    assert [(each.top1, each.main.pictures) for each in standings] == [(1.0, 2), (0.0, 2)]
    assert rank(engine, settings, actor, narrowing=Narrowing("zebra")) == ()


def test_the_verdict_compares_the_best_two(measured: None, engine, settings, actor):
    verdict = judge(engine, settings, actor=actor, standings=rank(engine, settings, actor))
    assert verdict is not None
    assert verdict.comparison is not None
    assert (verdict.comparison.test.only_first, verdict.comparison.test.only_second) == (2, 0)
    alone = verdict.accept_alone(0.99)
    assert alone is not None
    assert alone.coverage == 1.0


def test_a_version_with_a_problem_is_not_judged_best(measured: None, engine, settings, actor):
    with transaction(engine) as session:
        for version in session.query(ModelVersionRow):
            version.problem = "the file is missing" if version.arch == "vit" else None
    verdict = judge(engine, settings, actor=actor, standings=rank(engine, settings, actor))
    assert verdict is not None
    assert verdict.best.kind == "ResNet-50"
    assert judge(engine, settings, actor=actor, standings=()) is None


def test_without_common_photos_there_is_no_comparison(engine, settings, actor):
    add_evaluation(engine, settings, "vit", TRUTH)
    add_evaluation(engine, settings, "resnet50", LABELS, truth=(PEAR, MILK, MILK))
    verdict = judge(engine, settings, actor=actor, standings=rank(engine, settings, actor))
    assert verdict is not None
    assert verdict.comparison is None


def test_trust_is_measured_over_what_counts(measured: None, engine, settings, actor):
    whole, pears = (
        measure_trust(engine, settings, actor=actor, evaluation_id=1, narrowing=narrowing)
        for narrowing in (None, Narrowing("pear"))
    )
    assert (whole.photos, pears.photos) == (6, 2)
    assert whole.coverage[-1].accuracy == pytest.approx(4 / 6)
    assert pears.coverage[-1].accuracy == 0.0
    assert sum(each.count for each in pears.after) == 2


def test_reviewers_may_not_see_standings(engine, settings):
    reviewer = Actor(id=1, name="r", role="reviewer")
    with pytest.raises(ForbiddenError):
        rank(engine, settings, reviewer)


def test_the_widest_point_that_is_accurate_enough_counts():
    points = [
        CoveragePoint(0.1, 1.0, 0.9),
        CoveragePoint(0.5, 0.98, 0.7),
        CoveragePoint(1, 0.6, 0.1),
    ]
    found = widest(points, accuracy=0.97)
    assert found is not None
    assert found.coverage == 0.5
    assert widest(points[2:], accuracy=0.97) is None
