import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import ForbiddenError, InvalidInputError, NotFoundError
from core.evaluation import Tally
from core.services.evaluation_breakdown import (
    Order,
    compare_categories,
    list_confused_photos,
    list_confusions,
)
from core.services.evaluation_comparison import (
    Side,
    compare_evaluations,
    find_common,
    list_disagreements,
)
from core.services.evaluations import EvaluationFilter, Narrowing, get_evaluation
from core.settings import Settings
from tests.services.evaluated import APPLE, MILK, PEAR, TRUTH, add_evaluation

REVIEWER = Actor(id=9, name="rita", role="reviewer")
FIRST = (APPLE, APPLE, PEAR, PEAR, PEAR, APPLE)  # wrong: the third apple, the milk
SECOND = (APPLE, PEAR, PEAR, PEAR, APPLE, MILK)  # wrong: two apples, a pear


@pytest.fixture
def pair(engine: sa.Engine, settings: Settings) -> tuple[int, int]:
    return (
        add_evaluation(engine, settings, "resnet50", FIRST),
        add_evaluation(engine, settings, "vit", SECOND),
    )


@pytest.mark.parametrize(
    ("order", "categories"),
    [
        ("worst", [APPLE, MILK, PEAR]),  # means 1/2, 1/2, 3/4; of equals the larger one first
        ("best", [PEAR, APPLE, MILK]),
        ("spread", [MILK, PEAR, APPLE]),
        ("name", [APPLE, PEAR, MILK]),
    ],
)
def test_categories_stand_side_by_side(
    engine: sa.Engine,
    settings: Settings,
    actor: Actor,
    pair: tuple[int, int],
    order: Order,
    categories: list[str],
) -> None:
    table = compare_categories(engine, settings, actor=actor, evaluation_ids=pair, order=order)
    assert [row.category for row in table.rows] == categories
    accuracies = {row.category: row.accuracies for row in table.rows}
    assert accuracies == {
        APPLE: (Tally(2, 3), Tally(1, 3)),
        PEAR: (Tally(2, 2), Tally(1, 2)),
        MILK: (Tally(0, 1), Tally(1, 1)),
    }
    assert table.evaluation_ids == pair
    assert table.total == 3


def test_a_long_table_is_cut_and_searched(
    engine: sa.Engine, settings: Settings, actor: Actor, pair: tuple[int, int]
) -> None:
    table = compare_categories(engine, settings, actor=actor, evaluation_ids=pair, limit=1)
    assert (len(table.rows), table.total) == (1, 3)
    found = compare_categories(
        engine,
        settings,
        actor=actor,
        evaluation_ids=pair,
        narrowing=Narrowing(words="fruit pear"),
    )
    assert [row.category for row in found.rows] == [PEAR]


def test_a_category_that_one_model_was_not_shown_has_no_accuracy(
    engine: sa.Engine, settings: Settings, actor: Actor, pair: tuple[int, int]
) -> None:
    only = add_evaluation(
        engine, settings, "custom_cnn", [MILK], truth=[MILK], name="milk", split="all"
    )
    table = compare_categories(
        engine, settings, actor=actor, evaluation_ids=[pair[0], only], order="name"
    )
    assert [row.accuracies[1] for row in table.rows] == [None, None, Tally(1, 1)]


def test_confusions_count_pairs_and_lead_to_their_photos(
    engine: sa.Engine, settings: Settings, actor: Actor, pair: tuple[int, int]
) -> None:
    found = list_confusions(engine, settings, actor=actor, evaluation_id=pair[1])
    assert [(each.true, each.predicted, each.count) for each in found] == [
        (APPLE, PEAR, 2),
        (PEAR, APPLE, 1),
    ]
    assert found[0].share == pytest.approx(2 / 3)
    photos = list_confused_photos(
        engine, settings, actor=actor, evaluation_id=pair[1], true=APPLE, predicted=PEAR
    )
    assert [photo.index for photo in photos] == [1, 2]  # the surest mistake first
    assert photos[0].file_name == "1.jpg"
    assert photos[0].confidence > photos[1].confidence
    assert photos[0].true_probability < photos[0].confidence


def test_confusions_can_be_narrowed_and_cut(
    engine: sa.Engine, settings: Settings, actor: Actor, pair: tuple[int, int]
) -> None:
    only = Narrowing(words="pear")
    found = list_confusions(
        engine, settings, actor=actor, evaluation_id=pair[1], narrowing=only, limit=1
    )
    assert [(each.true, each.count) for each in found] == [(PEAR, 1)]


def test_photos_of_a_category_are_its_mistakes_or_what_was_right(
    engine: sa.Engine, settings: Settings, actor: Actor, pair: tuple[int, int]
) -> None:
    def indices(predicted: str | None) -> list[int]:
        photos = list_confused_photos(
            engine, settings, actor=actor, evaluation_id=pair[1], true=APPLE, predicted=predicted
        )
        return [photo.index for photo in photos]

    assert indices(None) == [1, 2]
    assert indices(APPLE) == [0]
    with pytest.raises(NotFoundError, match="Bicycle"):
        indices("Bicycle")


def test_two_models_are_compared_on_the_same_photos(
    engine: sa.Engine, settings: Settings, actor: Actor, pair: tuple[int, int]
) -> None:
    found = compare_evaluations(engine, settings, actor=actor, first_id=pair[0], second_id=pair[1])
    test = found.test
    assert (test.both_right, test.only_first, test.only_second, test.both_wrong) == (2, 2, 1, 1)
    assert test.difference.value == pytest.approx(1 / 6)
    assert test.p_value == 1.0
    assert found.unpaired == 0


@pytest.mark.parametrize(
    ("side", "indices"),
    [("only_first", [1, 4]), ("only_second", [5]), ("both_wrong", [2]), ("both_right", [0, 3])],
)
def test_photos_on_which_they_disagree(
    engine: sa.Engine,
    settings: Settings,
    actor: Actor,
    pair: tuple[int, int],
    side: Side,
    indices: list[int],
) -> None:
    found = list_disagreements(
        engine, settings, actor=actor, first_id=pair[0], second_id=pair[1], side=side
    )
    assert [each.first.index for each in found] == indices
    compared = compare_evaluations(
        engine, settings, actor=actor, first_id=pair[0], second_id=pair[1]
    )
    assert compared.pictures_by_side[side] == len(indices)
    assert all(each.first.file_name == each.second.file_name for each in found)
    pears = list_disagreements(
        engine,
        settings,
        actor=actor,
        first_id=pair[0],
        second_id=pair[1],
        side=side,
        narrowing=Narrowing(words="pear"),
    )
    assert {each.first.true for each in pears} <= {PEAR}


def test_photos_that_only_one_looked_at_are_counted(
    engine: sa.Engine, settings: Settings, actor: Actor, pair: tuple[int, int]
) -> None:
    more = add_evaluation(
        engine, settings, "custom_cnn", (*TRUTH, MILK), truth=(*TRUTH, MILK), split="all"
    )
    found = compare_evaluations(engine, settings, actor=actor, first_id=pair[0], second_id=more)
    assert found.test.pictures == 6
    assert found.unpaired == 1


def test_nothing_in_common_cannot_be_compared(
    engine: sa.Engine, settings: Settings, actor: Actor, pair: tuple[int, int]
) -> None:
    other = add_evaluation(engine, settings, "custom_cnn", [MILK], truth=["Tea"])
    with pytest.raises(InvalidInputError, match="no picture in common"):
        compare_evaluations(engine, settings, actor=actor, first_id=pair[0], second_id=other)


def test_the_common_evaluation_of_two_versions_is_found(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor
) -> None:
    ids = {}
    for arch in ("resnet50", "vit"):
        test = add_evaluation(any_engine, any_settings, arch, TRUTH)
        summary = get_evaluation(any_engine, actor=actor, evaluation_id=test).summary
        version_id = summary.version_id
        assert version_id is not None
        validation = add_evaluation(
            any_engine, any_settings, arch, TRUTH, split="validation", version_id=version_id
        )
        ids[arch] = (version_id, test, validation)
    first, second = ids["resnet50"], ids["vit"]
    versions = {"first": first[0], "second": second[0]}
    assert find_common(any_engine, actor=actor, **versions) == (first[1], second[1])
    only = EvaluationFilter(split="validation")
    assert find_common(any_engine, actor=actor, **versions, only=only) == (first[2], second[2])
    with pytest.raises(NotFoundError, match="catalens evaluate"):
        find_common(any_engine, actor=actor, first=first[0], second=None)


def test_who_may_not_see_dashboards_sees_none(
    engine: sa.Engine, settings: Settings, pair: tuple[int, int]
) -> None:
    with pytest.raises(ForbiddenError):
        compare_categories(engine, settings, actor=REVIEWER, evaluation_ids=pair)
    with pytest.raises(ForbiddenError):
        list_confusions(engine, settings, actor=REVIEWER, evaluation_id=pair[0])
    with pytest.raises(ForbiddenError):
        list_confused_photos(engine, settings, actor=REVIEWER, evaluation_id=pair[0], true=APPLE)
    first, second = pair
    with pytest.raises(ForbiddenError):
        compare_evaluations(engine, settings, actor=REVIEWER, first_id=first, second_id=second)
    with pytest.raises(ForbiddenError):
        list_disagreements(engine, settings, actor=REVIEWER, first_id=first, second_id=second)
    with pytest.raises(ForbiddenError):
        find_common(engine, actor=REVIEWER, first=1, second=2)


def test_a_file_that_was_deleted_is_named(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    id_ = add_evaluation(engine, settings, "resnet50", FIRST)
    for path in settings.evaluations_dir.iterdir():
        path.unlink()
    with pytest.raises(NotFoundError, match="evaluate the model again"):
        list_confusions(engine, settings, actor=actor, evaluation_id=id_)
