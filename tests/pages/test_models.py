"""The Models page without a browser: what each view draws from stored evaluations."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from core.actors import Actor
from core.evaluation import Picture, Predictions
from core.evaluation.bootstrap import Interval
from core.evaluation.comparison import PairedTest
from core.services import measuring
from core.services.evaluation_comparison import Comparison
from core.settings import Settings
from db.engine import transaction
from db.rows import EvaluationRow, JobRow, ModelVersionRow, RetrievalRow
from db.states import JobState
from pages.models.first_look import describe_difference
from pages.models.views import VIEWS
from pages.ui.charts import ModelPoint, accuracy_against
from tests.pages.drawing import draw, words
from tests.services.evaluated import (
    APPLE,
    MILK,
    PEAR,
    TRUTH,
    add_evaluation,
    add_version,
    make_subject,
)

CURVE = [
    {"epoch": 1, "loss": 2.0, "val_top1": 0.5, "seconds": 3.0},
    {"epoch": 2, "loss": 1.0, "val_top1": 0.75, "seconds": 6.0},
]


@pytest.fixture
def measured(engine: sa.Engine, settings: Settings) -> None:
    """Two models on the same six photos: one right on all, one that takes pears for apples."""
    add_evaluation(engine, settings, "vit", TRUTH)
    add_evaluation(engine, settings, "resnet50", (APPLE, APPLE, APPLE, APPLE, APPLE, MILK))


def table(app: AppTest, number: int = 0):
    return app.dataframe[number].value


def downloads(app: AppTest) -> list[str]:
    """The buttons' keys, from top to bottom."""
    return [button.key for button in app.get("download_button")]


def test_the_most_accurate_model_stands_first_with_its_interval(measured: None) -> None:
    app = draw("models")
    shown = table(app)
    assert shown["Model"].tolist() == ["Vision Transformer " + digest("vit"), resnet()]
    assert shown["Test"].tolist()[0].startswith("100.0% (")
    assert shown["Calibration error"].notna().all()
    assert app.metric[0].value == "100.0%"
    assert "6 photos" in words(app)


def digest(arch: str) -> str:
    return make_subject(arch, 1).digest[:8]


def resnet() -> str:
    return f"ResNet-50 {digest('resnet50')}"


def test_the_comparison_says_how_well_each_finds_photos_of_a_product(
    engine: sa.Engine, measured: None
) -> None:
    assert "catalens compare-embedders" in words(draw("models"))
    with transaction(engine) as session:
        of_resnet = sa.select(ModelVersionRow.id).where(ModelVersionRow.arch == "resnet50")
        version_id = session.scalars(of_resnet).one()
        name = session.scalars(sa.select(EvaluationRow.data_name)).first()
        for subject, id_, share in (("a" * 64, version_id, 0.5), ("efficientnet_lite0-x", None, 1)):
            session.add(
                RetrievalRow(
                    subject=subject,
                    model_version_id=id_,
                    data_name=name,
                    data_digest="e" * 64,
                    dimensions=8,
                    queries=3,
                    pictures=5,
                    recall_at_1=share,
                    mean_precision=share / 2,
                )
            )
    app = draw("models")
    (shown,) = (each.value for each in app.dataframe if "mAP" in each.value)
    assert shown["Model"].tolist()[0] == "EfficientNet-Lite0, as it is packaged"
    assert shown["mAP"].tolist() == [50, 25]
    assert "3 test photos sought among 5 train photos" in words(app)
    assert downloads(app) == ["csv-models", "csv-published", "csv-embedders"]
    app = draw("models", models="Vision Transformer " + digest("vit"))
    (shown,) = (each.value for each in app.dataframe if "mAP" in each.value)
    assert shown["mAP"].tolist() == [50]  # of no version, so no filter leaves it out
    app = draw("models", words="milk")
    assert "All of them, whatever the category." in words(app)


@pytest.mark.parametrize(("lowest", "step"), [(0.857, 0.01), (0.7, None)])
def test_accuracies_that_lie_close_have_a_tick_at_each_per_cent(
    lowest: float, step: float | None
) -> None:
    points = [
        ModelPoint("first", Interval(0.87, 0.86, 0.882), 50),
        ModelPoint("second", Interval(lowest + 0.01, lowest, lowest + 0.02), 90),
    ]
    assert accuracy_against(points, axis="Photos a second").layout.yaxis.dtick == step


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_opens_by_its_address_and_offers_its_table(measured: None, view: str) -> None:
    app = draw("models", view=view, model=resnet())
    assert app.segmented_control[0].value == view
    assert not app.error
    without_table = {"Training", "Daily use"}  # these models have no record of either
    assert bool(downloads(app)) is (view not in without_table)


def test_filters_come_from_the_address(measured: None) -> None:
    app = draw("models", view="Mistakes", words="pear", model=resnet())
    assert app.text_input(key="words").value == "pear"
    assert app.selectbox(key="model").value == resnet()
    assert table(app)["Is"].tolist() == ["Pear"]
    assert "2 photos" in words(app)


def test_an_address_that_names_nothing_is_answered_with_what_there_is(measured: None) -> None:
    app = draw("models", view="Nonsense", data="nothing", split="never", model="no", group="none")
    assert app.segmented_control[0].value == "Comparison"
    assert app.selectbox(key="data").value == "shelf"
    assert len(table(app)) == 2
    mistakes = draw("models", view="Mistakes", model=resnet(), true="Nothing > Such")
    assert "no category" in mistakes.warning[0].value


def test_while_no_model_is_chosen_the_best_of_what_counts_is_shown(
    engine: sa.Engine, settings: Settings
) -> None:
    add_evaluation(engine, settings, "vit", (*TRUTH[:5], APPLE))
    add_evaluation(engine, settings, "resnet50", (APPLE, APPLE, APPLE, APPLE, APPLE, MILK))
    app = draw("models", view="Mistakes")
    assert app.selectbox(key="model").value == f"Vision Transformer {digest('vit')}"
    app.text_input(key="words").set_value("milk").run()
    assert app.selectbox(key="model").value == resnet()


def test_filters_that_leave_nothing_say_so(measured: None) -> None:
    assert "No measurement passes these filters" in words(draw("models", words="zebra"))


def test_a_group_narrows_all_figures(measured: None) -> None:
    app = draw("models", group="Milk")
    assert table(app)["Photos"].tolist() == [1, 1]


def test_dates_narrow_what_was_measured(measured: None) -> None:
    assert "No measurement passes" in words(draw("models", to="2020-01-01"))


def test_chosen_models_are_compared_alone(measured: None) -> None:
    assert table(draw("models", models=resnet()))["Model"].tolist() == [resnet()]


def test_mistakes_begin_with_the_most_frequent_pair_and_its_photos(measured: None) -> None:
    app = draw("models", view="Mistakes", model=resnet())
    assert table(app).iloc[0].tolist() == ["Pear", "Apple", 2, 100.0]
    [photos, examples] = [block for block in app.get("html") if "<figure>" in block.proto.body]
    assert photos.proto.body.count("<figure>") == 2
    assert "/api/evaluations/2/photos/3?size=thumb" in photos.proto.body
    assert "Rightly recognised as Apple" in words(app)
    assert examples.proto.body.count("<figure>") == 3


def test_all_mistakes_of_a_category_are_one_click_away(measured: None) -> None:
    app = draw("models", view="Mistakes", model=resnet())
    [button] = [each for each in app.button if each.label == "All mistakes of Pear"]
    button.click().run()
    assert app.query_params["true"] == PEAR
    assert "predicted" not in app.query_params
    assert "Pear, not recognised" in words(app)


def test_a_figure_of_the_heat_map_comes_with_its_interval(measured: None) -> None:
    app = draw("models", view="Categories", models=resnet())
    (chart,) = app.get("plotly_chart")
    (points,) = [each for each in json.loads(chart.proto.spec)["data"] if "hovertext" in each]
    assert points["hovertext"][0] == f"{PEAR}, 2 photos<br>{resnet()}: 0% (0 to 66%)"  # Wilson's


def test_disagreements_are_told_in_plain_words(measured: None) -> None:
    app = draw("models", view="Disagreements")
    assert "do not tell the two apart" in words(app)
    [photos] = [block for block in app.get("html") if "<figure>" in block.proto.body]
    assert "ResNet-50: Apple" in photos.proto.body


@pytest.mark.parametrize(
    ("view", "limit", "said"),
    [
        ("Mistakes", "mistakes.MAX_PAIRS", "1 of 2 pairs"),
        ("Mistakes", "mistakes.ALL_PHOTOS", "1 of 2 photos"),
        ("Disagreements", "disagreements.MAX_PHOTOS", "1 of 3 photos"),
        ("Categories", "categories.MAX_COLUMNS", "1 of 2 models; all are in the CSV"),
    ],
)
def test_what_is_cut_says_of_how_many(
    engine: sa.Engine,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    view: str,
    limit: str,
    said: str,
) -> None:
    add_evaluation(engine, settings, "vit", TRUTH)
    add_evaluation(engine, settings, "resnet50", (APPLE, APPLE, APPLE, APPLE, APPLE, PEAR))
    monkeypatch.setattr(f"pages.models.{limit}", 1)
    assert said in words(draw("models", view=view, model=resnet()))


@pytest.mark.parametrize(
    ("gained", "lost", "p_value", "said"),
    [
        (3, 3, 1.0, "equally accurate"),
        (5, 3, 0.7, "do not tell the two apart: A is ahead of B by 2.0 points"),
        (3, 5, 0.7, "B is ahead of A by 2.0 points"),
        (40, 3, 1e-8, "hardly by luck"),
    ],
)  # fmt: skip
def test_a_difference_is_said_in_plain_words(
    gained: int, lost: int, p_value: float, said: str
) -> None:
    difference = Interval((gained - lost) / 100, 0.0, 0.0)
    test = PairedTest(100, 50, gained, lost, 50 - gained - lost, difference, p_value, "exact")
    assert said in describe_difference(Comparison(1, 2, test, 0), "A", "B")


def test_one_model_alone_has_nothing_to_disagree_with(
    engine: sa.Engine, settings: Settings
) -> None:
    add_evaluation(engine, settings, "vit", TRUTH)
    assert "It takes two models" in words(draw("models", view="Disagreements"))


def test_a_missing_file_of_predictions_is_named_and_the_rest_stands(
    measured: None, settings: Settings
) -> None:
    for path in settings.evaluations_dir.iterdir():
        path.unlink()
    app = draw("models", view="Mistakes")
    assert "evaluate the model again" in app.warning[0].value
    assert app.metric[0].value == "100.0%"


def test_models_that_nobody_measured_say_how_to(engine: sa.Engine) -> None:
    add_version(engine, "vit")
    app = draw("models")
    assert "catalens evaluate" in words(app)
    assert table(app)["Model"].tolist() == ["Vision Transformer " + digest("vit")]


def test_a_version_without_evaluation_is_listed_below(measured: None, engine: sa.Engine) -> None:
    add_version(engine, "custom_cnn")
    app = draw("models")
    assert "catalens evaluate --model 3" in words(app)
    assert "csv-trainings" in downloads(app)
    assert table(app, -1)["Model"].tolist() == ["Custom CNN " + digest("custom_cnn")]


def test_a_version_with_a_problem_is_named_and_never_the_best(
    measured: None, engine: sa.Engine
) -> None:
    with transaction(engine) as session:
        session.get_one(ModelVersionRow, 1).problem = "the file is missing"
    app = draw("models")
    assert "cannot be used" in app.error[0].value
    assert "ResNet" in app.caption[0].value
    assert table(app)["State"].tolist() == ["Cannot be used", "In use"]


def test_published_figures_are_marked_as_of_other_data(measured: None) -> None:
    app = draw("models")
    assert table(app, 1)["Test"].tolist() == pytest.approx([4.99, 4.35, 29.6])
    assert set(table(app, 1)["Data"]) == {"Products-10K"}
    assert "another data set" in words(app)


def test_training_curves_come_from_the_versions(measured: None, engine: sa.Engine) -> None:
    with transaction(engine) as session:
        session.get_one(ModelVersionRow, 1).metrics = {"curve": CURVE}
    app = draw("models", view="Training")
    assert len(app.get("plotly_chart")) == 2
    assert downloads(app) == ["csv-training"]


def add_training(engine: sa.Engine, actor: Actor, **values: object) -> None:
    with transaction(engine) as session:
        params = {"arch": "vit", "data": "/photos/shelf", "preset": "default", "changes": {}}
        job = {"kind": "training", "total": 1, "params": params, "created_by": actor.id}
        session.add(JobRow(**job, started_at=datetime.now(UTC), **values))


def test_a_training_at_work_shows_progress_and_curves(engine: sa.Engine, actor: Actor) -> None:
    progress = {
        "stage": "training", "done": 30, "total": 60, "epoch": 3, "epochs": 4,
        "loss": 0.5, "val_accuracy": 0.75, "seconds_left": 90.0, "curve": CURVE,
    }  # fmt: skip
    add_training(engine, actor, state=JobState.RUNNING, progress=progress)
    app = draw("models")
    [bar] = app.get("progress")
    assert bar.proto.value == 50
    assert "Training Vision Transformer on shelf" in bar.proto.text
    assert "epoch 3 of 4" in bar.proto.text
    assert "1 min 30 s left" in bar.proto.text
    assert len(app.get("plotly_chart")) == 2
    app.button(key="cancel-1").click().run()
    assert not app.get("progress")


def test_a_training_that_failed_says_why(engine: sa.Engine, actor: Actor) -> None:
    add_training(engine, actor, state=JobState.FAILED, error="no photos in /photos/shelf")
    assert "no photos in /photos/shelf" in draw("models").error[0].value


MANY = 10_000


@pytest.mark.slow
def test_ten_thousand_categories_answer_within_two_seconds(
    engine: sa.Engine, settings: Settings
) -> None:
    for seed, arch in enumerate(("vit", "resnet50")):
        add_many(engine, settings, arch, seed)
    draw("models")  # the first reading of a file, and the imports
    for view in VIEWS:
        # Of this process alone: what else the machine does, does not count.
        started = time.process_time()
        app = draw("models", view=view)
        assert time.process_time() - started < 5.0, view
        assert not app.warning
    assert len(table(draw("models", view="Mistakes"))) == 500


def add_many(engine: sa.Engine, settings: Settings, arch: str, seed: int) -> None:
    """Store what a model says of a photo of each of many categories."""
    random = np.random.default_rng(seed)
    labels = tuple(f"Group {at % 360} > Product {at}" for at in range(MANY))
    targets = np.arange(MANY, dtype=np.int32)
    wrong = random.integers(0, MANY, len(targets)).astype(np.int32)
    predicted = np.where(random.random(len(targets)) < 0.7, targets, wrong)
    sure = random.random(len(targets)).astype(np.float32)
    right = predicted == targets
    said = Predictions(
        targets=targets,
        ranks=np.where(right, 0, 3).astype(np.int32),
        true_probabilities=np.where(right, sure, 0).astype(np.float32),
        raw_confidences=sure,
        top_indices=np.repeat(predicted[:, None], 100, axis=1),
        top_probabilities=np.repeat(sure[:, None], 100, axis=1) / 100,
    )
    pictures = [
        Picture(f"/photos/{at}.jpg", f"{at:064x}", labels[target])
        for at, target in enumerate(targets.tolist())
    ]
    material = measuring.make_material("large", "test", pictures)
    version_id = add_version(engine, arch, labels=labels)
    subject = replace(make_subject(arch, version_id), labels=labels, train_counts=[5] * MANY)
    measuring.store(engine, settings, subject, material, [(pictures, said)])
