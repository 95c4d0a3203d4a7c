import csv
import io
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.evaluation import FIGURES, Interval
from core.evaluation.published import PUBLISHED
from core.services import evaluation_exports as exports
from core.services.evaluation_breakdown import (
    CategoryRow,
    CategoryTable,
    compare_categories,
    list_confused_photos,
    list_confusions,
)
from core.services.evaluation_comparison import list_disagreements
from core.services.evaluations import get_evaluation, list_evaluations
from core.services.live_accuracy import LiveAccuracy
from core.services.models import ModelVersion
from core.services.retrievals import EmbedderStanding
from core.settings import Settings
from tests.services.evaluated import APPLE, MILK, PEAR, TRUTH, add_evaluation


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_table_of_an_evaluation_is_written(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    first = add_evaluation(engine, settings, "resnet50", TRUTH)
    second = add_evaluation(engine, settings, "vit", (PEAR, APPLE, APPLE, PEAR, PEAR, MILK))
    detail = get_evaluation(engine, actor=actor, evaluation_id=second)

    lines = read(exports.evaluations_csv(list_evaluations(engine, settings, actor=actor)))
    assert [line["evaluation"] for line in lines] == [str(second), str(first)]
    assert float(lines[1]["top1"]) == 1
    assert lines[0].keys() >= {f"{key}_low" for key in FIGURES}

    table = compare_categories(engine, settings, actor=actor, evaluation_ids=[first, second])
    lines = read(exports.categories_csv(table, {first: "resnet50", second: "vit"}))
    assert lines[0]["category"] == APPLE
    ends = [float(lines[0][f"vit #{second}{end}"]) for end in (" low", "", " high")]
    assert ends == pytest.approx([0.2077, 2 / 3, 0.9385], abs=1e-4)  # Wilson's of 2 of 3

    pairs = list_confusions(engine, settings, actor=actor, evaluation_id=second)
    assert read(exports.confusions_csv(pairs)) == [
        {"true": APPLE, "predicted": PEAR, "pictures": "1", "share": str(1 / 3)}
    ]
    photos = list_confused_photos(engine, settings, actor=actor, evaluation_id=second, true=APPLE)
    assert [line["file"] for line in read(exports.photos_csv(photos))] == ["0.jpg"]
    found = list_disagreements(
        engine, settings, actor=actor, first_id=first, second_id=second, side="only_first"
    )
    assert [line["second_predicted"] for line in read(exports.disagreements_csv(found))] == [PEAR]

    assert (
        sum(int(x["pictures"]) for x in read(exports.reliability_csv(detail.reliability_after)))
        == 6
    )


def test_live_accuracy_is_written() -> None:
    found = LiveAccuracy(1, "vit", date(2026, 3, 2), 10, Interval(0.5, 0.2, 0.8))
    (line,) = read(exports.live_csv([found]))
    assert (line["from"], line["low"]) == ("2026-03-02", "0.2")


def test_embedders_and_published_figures_are_written() -> None:
    found = EmbedderStanding("Vision Transformer", None, 0.5, 0.25, 384, 3, 5)
    (line,) = read(exports.embedders_csv([found]))
    assert (line["version"], line["recall_at_1"], line["mean_precision"]) == ("", "0.5", "0.25")
    lines = read(exports.published_csv(PUBLISHED))
    assert [float(line["test_top1"]) for line in lines] == [row.test_top1 for row in PUBLISHED]
    assert {line["data"] for line in lines} == {"Products-10K"}


def test_what_trainings_recorded_of_themselves_is_written() -> None:
    version = ModelVersion(
        id=3,
        arch="vit",
        digest="d" * 64,
        state="active",
        problem=None,
        created_at=datetime(2026, 3, 2, tzinfo=UTC),
        metrics={"splits": {"validation": {"top1": 0.75}}},
        label_count=2,
        parameters=10,
        file_bytes=1000,
    )
    (line,) = read(exports.trainings_csv([version]))
    assert (line["version"], line["model"]) == ("3", "Vision Transformer")
    assert (line["train_top1"], line["validation_top1"], line["test_top1"]) == ("", "0.75", "")


def test_a_category_that_looks_like_a_formula_is_neutralised() -> None:
    table = CategoryTable((1,), (CategoryRow("=1+1", "=1+1", 1, (None,)),), 1)
    (line,) = read(exports.categories_csv(table, {1: "=vit"}))
    assert line["category"] == "'=1+1"
    assert list(line)[-3:] == ["'=vit #1", "'=vit #1 low", "'=vit #1 high"]


def test_an_empty_table_is_an_empty_file() -> None:
    assert read(exports.confusions_csv([])) == []
