import numpy as np
import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import ForbiddenError, InvalidInputError, NotFoundError
from core.evaluation import PredictionFile
from core.services.ensembles import evaluate_ensemble, refresh_ensemble
from core.services.evaluations import Narrowing, get_evaluation, list_evaluations
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
    say,
)

VALIDATION = (APPLE, PEAR, MILK, APPLE)
# The first knows fruit, the second knows milk.
FRUIT = (APPLE, APPLE, APPLE, PEAR, PEAR, APPLE)
DAIRY = (PEAR, PEAR, PEAR, APPLE, APPLE, MILK)


def add_member(
    engine: sa.Engine,
    settings: Settings,
    arch: str,
    *,
    validation: tuple[str, ...],
    test: tuple[str, ...],
    sure: float = 3.0,
) -> int:
    version_id = add_version(engine, arch)
    add_evaluation(
        engine,
        settings,
        arch,
        validation,
        truth=VALIDATION,
        split="validation",
        version_id=version_id,
        sure=sure,
    )
    add_evaluation(engine, settings, arch, test, version_id=version_id, sure=sure)
    return version_id


@pytest.fixture
def members(any_engine: sa.Engine, any_settings: Settings) -> tuple[int, int]:
    return (
        add_member(
            any_engine,
            any_settings,
            "resnet50",
            validation=(APPLE, PEAR, APPLE, APPLE),
            test=FRUIT,
        ),
        add_member(
            any_engine,
            any_settings,
            "vit",
            validation=(PEAR, APPLE, MILK, PEAR),
            test=DAIRY,
            sure=2.0,
        ),
    )


def test_the_ensemble_is_the_mean_weighted_on_validation(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, members: tuple[int, int]
) -> None:
    found = evaluate_ensemble(any_engine, any_settings, actor=actor)
    summary = found.summary
    weights = {member.version_id: member.weight for member in summary.members}
    assert sum(weights.values()) == pytest.approx(1, abs=1e-5)
    assert weights[members[0]] > weights[members[1]]
    assert (summary.arch, summary.split, summary.version_id) == ("ensemble", "test", None)
    assert (summary.parameters, summary.macs) == (20, 1000)
    assert summary.images_per_s == pytest.approx(20)
    assert [(shot.key, shot.categories) for shot in found.shots] == [
        ("many", 1),
        ("medium", 2),
        ("few", 0),
    ]
    self_made = mix_by_hand(weights, members)
    (path,) = any_settings.evaluations_dir.glob("ensemble-*")
    ((_, kept),) = PredictionFile(path).read_batches(10)
    mixed = self_made ** (1 / summary.temperature)
    expected = mixed / mixed.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        kept.top_probabilities,
        np.take_along_axis(expected, kept.top_indices.astype(np.int64), axis=1),
        rtol=1e-3,
    )


def mix_by_hand(weights: dict[int, float], members: tuple[int, int]) -> np.ndarray:  # type: ignore[type-arg]
    mixed = np.zeros((6, 3))
    for id_, predicted, sure in ((members[0], FRUIT, 3.0), (members[1], DAIRY, 2.0)):
        said = say(predicted, TRUTH, sure=sure)
        rows = np.zeros((6, 3))
        np.put_along_axis(rows, said.top_indices.astype(np.int64), said.top_probabilities, axis=1)
        mixed += weights[id_] * rows
    return mixed


def test_it_is_measured_once_and_listed_with_its_members(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, members: tuple[int, int]
) -> None:
    first = evaluate_ensemble(any_engine, any_settings, actor=actor)
    second = evaluate_ensemble(any_engine, any_settings, actor=actor, version_ids=members[::-1])
    assert first == second
    listed = list_evaluations(any_engine, any_settings, actor=actor)
    assert [each.name for each in listed].count("ensemble") == 1


def test_the_order_of_the_pictures_does_not_matter(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    ids = []
    for arch, order in (("resnet50", 1), ("vit", -1)):
        version_id = add_version(engine, arch)
        ids.append(version_id)
        for split, truth in (("validation", VALIDATION), ("test", TRUTH)):
            pictures = make_photos(truth)[::order]
            labels = [picture.label for picture in pictures]
            material = make_material("shelf", split, pictures)
            subject = make_subject(arch, version_id)
            store(engine, settings, subject, material, [(pictures, say(labels, labels))])
    found = evaluate_ensemble(engine, settings, actor=actor, version_ids=ids)
    assert found.summary.figures["top1"].value == 1
    assert found.summary.pictures == 6


def test_without_a_test_split_validation_is_measured(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    for arch in ("resnet50", "vit"):
        add_evaluation(engine, settings, arch, VALIDATION, truth=VALIDATION, split="validation")
    found = evaluate_ensemble(engine, settings, actor=actor)
    assert (found.summary.split, found.summary.pictures) == ("validation", 4)


def test_pictures_of_unknown_categories_stay_counted(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    for arch in ("resnet50", "vit"):
        truth = (*VALIDATION, "Tea")
        add_evaluation(engine, settings, arch, (*VALIDATION, MILK), truth=truth, split="validation")
    found = evaluate_ensemble(engine, settings, actor=actor)
    assert found.unknown == {"Tea": 1}
    assert found.summary.figures["top1"].value == 1
    assert get_evaluation(engine, actor=actor, evaluation_id=found.summary.id) == found


def test_what_cannot_be_an_ensemble_is_named(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    with pytest.raises(ForbiddenError):
        evaluate_ensemble(engine, settings, actor=Actor(id=9, name="rita", role="reviewer"))
    with pytest.raises(InvalidInputError, match="two model versions, not 0"):
        evaluate_ensemble(engine, settings, actor=actor)
    first, second = add_version(engine, "resnet50"), add_version(engine, "vit")
    with pytest.raises(NotFoundError, match="77"):
        evaluate_ensemble(engine, settings, actor=actor, version_ids=[first, 77])
    with pytest.raises(InvalidInputError, match="same validation split"):
        evaluate_ensemble(engine, settings, actor=actor, version_ids=[first, second])


def test_after_a_training_the_ensemble_is_there_where_it_can_be(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    refresh_ensemble(engine, settings, actor=actor)
    assert list_evaluations(engine, settings, actor=actor) == ()
    for arch in ("resnet50", "vit"):
        add_evaluation(engine, settings, arch, VALIDATION, truth=VALIDATION, split="validation")
    refresh_ensemble(engine, settings, actor=actor)
    assert list_evaluations(engine, settings, actor=actor)[0].arch == "ensemble"


def test_a_mixture_is_never_made_surer_than_its_members(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor
) -> None:
    for arch in ("resnet50", "vit"):
        add_member(any_engine, any_settings, arch, validation=VALIDATION, test=FRUIT, sure=0.5)
    found = evaluate_ensemble(any_engine, any_settings, actor=actor)
    assert found.summary.temperature == 1


def test_narrowed_figures_tell_frequent_categories_from_rare_ones(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, members: tuple[int, int]
) -> None:
    evaluate_ensemble(any_engine, any_settings, actor=actor)
    narrowing = Narrowing(group="Fruit")
    found = list_evaluations(any_engine, any_settings, actor=actor, narrowing=narrowing)
    (together,) = (each for each in found if each.version_id is None and each.split == "test")
    assert {"many_shot", "medium_shot"} <= together.figures.keys()
    assert "few_shot" not in together.figures
