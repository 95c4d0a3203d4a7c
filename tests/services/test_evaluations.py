"""What the pages read of evaluations, on SQLite and on Postgres."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import ForbiddenError, NotFoundError
from core.evaluation import predict
from core.services.evaluations import (
    EvaluationFilter,
    Narrowing,
    get_evaluation,
    list_data_sets,
    list_evaluations,
    list_groups,
    resolve_model,
)
from core.services.measuring import make_material, store
from core.settings import Settings
from tests.services.evaluated import (
    APPLE,
    MILK,
    PEAR,
    TRUTH,
    add_evaluation,
    add_version,
    make_photos,
    make_subject,
)

REVIEWER = Actor(id=9, name="rita", role="reviewer")
# One apple is taken for a pear, the milk for an apple.
FIRST = (APPLE, APPLE, PEAR, PEAR, PEAR, APPLE)


@pytest.fixture
def evaluation_id(any_engine: sa.Engine, any_settings: Settings) -> int:
    return add_evaluation(any_engine, any_settings, "resnet50", FIRST)


def test_an_evaluation_is_stored_with_its_figures(
    any_engine: sa.Engine, actor: Actor, evaluation_id: int
) -> None:
    found = get_evaluation(any_engine, actor=actor, evaluation_id=evaluation_id)
    summary = found.summary
    assert summary.figures["top1"].value == pytest.approx(4 / 6)
    assert summary.figures["coarse_top1"].value == pytest.approx(5 / 6)
    assert summary.figures["macro"].value == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert summary.figures["top1"].low < 4 / 6 < summary.figures["top1"].high
    assert (summary.arch, summary.split, summary.pictures) == ("resnet50", "test", 6)
    assert (summary.macs, summary.images_per_s, summary.parameters) == (500, 40.0, 10)
    assert [(part.name, part.hits, part.count) for part in found.groups] == [
        ("Fruit", 5, 5),
        ("Milk", 0, 1),
    ]
    assert [(shot.key, shot.categories, shot.pictures) for shot in found.shots] == [
        ("many", 1, 3),
        ("medium", 1, 2),
        ("few", 1, 1),
    ]
    assert sum(each.count for each in found.reliability_after) == 6
    assert found.coverage[-1].accuracy == pytest.approx(4 / 6)


def test_the_same_pictures_are_stored_once(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, evaluation_id: int
) -> None:
    version_id = get_evaluation(
        any_engine, actor=actor, evaluation_id=evaluation_id
    ).summary.version_id
    again = add_evaluation(any_engine, any_settings, "resnet50", FIRST, version_id=version_id)
    assert again == evaluation_id
    assert len(list_evaluations(any_engine, any_settings, actor=actor)) == 1


def test_pictures_of_unknown_categories_are_counted_and_in_no_figure(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor
) -> None:
    truth = (APPLE, "Tea", "Tea", MILK)
    said = (APPLE, APPLE, APPLE, MILK)
    id_ = add_evaluation(any_engine, any_settings, "vit", said, truth=truth)
    found = get_evaluation(any_engine, actor=actor, evaluation_id=id_)
    assert found.summary.pictures == 2
    assert found.summary.unknown_pictures == 2
    assert found.unknown == {"Tea": 2}
    assert found.summary.figures["top1"].value == 1


def test_filters_leave_out_what_does_not_match(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, evaluation_id: int
) -> None:
    other = add_evaluation(any_engine, any_settings, "vit", TRUTH, split="validation", name="kiosk")
    vit = get_evaluation(any_engine, actor=actor, evaluation_id=other).summary
    now = datetime.now(UTC)

    def ids(**fields: object) -> list[int]:
        only = EvaluationFilter(**fields)  # type: ignore[arg-type]
        return [
            each.id for each in list_evaluations(any_engine, any_settings, actor=actor, only=only)
        ]

    assert ids() == [other, evaluation_id]
    assert ids(split="test") == [evaluation_id]
    assert ids(data_name="kiosk") == [other]
    assert ids(data_digest=vit.data_digest, split="validation") == [other]
    assert ids(version_ids=(vit.version_id,)) == [other]
    assert ids(since=now - timedelta(hours=1), until=now + timedelta(hours=1)) == [
        other,
        evaluation_id,
    ]
    assert ids(since=now + timedelta(hours=1)) == []
    assert ids(until=now - timedelta(hours=1)) == []


@pytest.mark.parametrize(
    ("narrowing", "pictures", "top1"),
    [
        (Narrowing(), 6, 4 / 6),
        (Narrowing(words="  "), 6, 4 / 6),
        (Narrowing(words="APPLE"), 3, 2 / 3),
        (Narrowing(words="pear fruit"), 2, 1.0),
        (Narrowing(group="Fruit"), 5, 4 / 5),
        (Narrowing(words="apple", group="Fruit"), 3, 2 / 3),
    ],
)
def test_narrowed_figures_are_of_those_pictures_only(
    any_engine: sa.Engine,
    any_settings: Settings,
    actor: Actor,
    evaluation_id: int,
    narrowing: Narrowing,
    pictures: int,
    top1: float,
) -> None:
    (found,) = list_evaluations(any_engine, any_settings, actor=actor, narrowing=narrowing)
    assert found.pictures == pictures
    assert found.figures["top1"].value == pytest.approx(top1)


def test_narrowed_figures_tell_frequent_categories_from_rare_ones(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, evaluation_id: int
) -> None:
    narrowing = Narrowing(group="Fruit")
    (found,) = list_evaluations(any_engine, any_settings, actor=actor, narrowing=narrowing)
    assert found.figures["many_shot"].value == pytest.approx(2 / 3)
    assert found.figures["medium_shot"].value == 1
    assert "few_shot" not in found.figures


def test_a_group_may_be_likeliest_by_its_sum_alone(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor
) -> None:
    pictures = make_photos((APPLE, MILK))
    logits = np.log(np.array([[0.3, 0.3, 0.4], [0.1, 0.1, 0.8]], np.float32))  # milk, both times
    said = predict(logits, np.array([0, 2]), temperature=1.0)
    material = make_material("shelf", "test", pictures)
    subject = make_subject("vit", add_version(any_engine, "vit"))
    store(any_engine, any_settings, subject, material, [(pictures, said)])
    for narrowing, single, summed in ((None, 0.5, 1), (Narrowing(group="Fruit"), 0, 1)):
        (found,) = list_evaluations(any_engine, any_settings, actor=actor, narrowing=narrowing)
        assert found.figures["coarse_top1"].value == single
        assert found.figures["coarse_mass_top1"].value == summed


def test_what_has_no_picture_that_counts_is_left_out(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, evaluation_id: int
) -> None:
    narrowing = Narrowing(words="bicycle")
    assert list_evaluations(any_engine, any_settings, actor=actor, narrowing=narrowing) == ()


def test_data_sets_and_groups_are_offered(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, evaluation_id: int
) -> None:
    add_evaluation(any_engine, any_settings, "vit", TRUTH)
    (found,) = list_data_sets(any_engine, actor=actor)
    assert (found.name, found.split, found.pictures, found.evaluations) == ("shelf", "test", 6, 2)
    assert list_groups(any_engine, actor=actor, evaluation_id=evaluation_id) == ("Fruit", "Milk")


def test_a_model_is_named_by_id_or_architecture(any_engine: sa.Engine, actor: Actor) -> None:
    active = add_version(any_engine, "vit")
    retired = add_version(any_engine, "custom_cnn", state="retired")
    assert resolve_model(any_engine, actor=actor, model="vit") == active
    assert resolve_model(any_engine, actor=actor, model=str(retired)) == retired
    assert resolve_model(any_engine, actor=actor, model="custom_cnn") == retired
    assert resolve_model(any_engine, actor=actor, model="ensemble") is None
    with pytest.raises(NotFoundError, match="alexnet"):
        resolve_model(any_engine, actor=actor, model="alexnet")


def test_who_may_not_see_dashboards_sees_none(
    any_engine: sa.Engine, any_settings: Settings, evaluation_id: int
) -> None:
    for service in (list_data_sets,):
        with pytest.raises(ForbiddenError):
            service(any_engine, actor=REVIEWER)
    with pytest.raises(ForbiddenError):
        list_evaluations(any_engine, any_settings, actor=REVIEWER)
    with pytest.raises(ForbiddenError):
        get_evaluation(any_engine, actor=REVIEWER, evaluation_id=evaluation_id)


def test_an_evaluation_that_does_not_exist_is_named(engine: sa.Engine, actor: Actor) -> None:
    with pytest.raises(NotFoundError, match="77"):
        get_evaluation(engine, actor=actor, evaluation_id=77)


def test_reading_evaluations_never_loads_torch() -> None:
    modules = "evaluations evaluation_breakdown evaluation_comparison evaluation_exports "
    modules += "evaluation_photos live_accuracy"
    imports = "; ".join(f"import core.services.{name}" for name in modules.split())
    code = f"{imports}; import sys; assert not {{'torch', 'timm'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
