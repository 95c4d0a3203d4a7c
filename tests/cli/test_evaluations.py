import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import build_app
from core.errors import InvalidInputError, NotFoundError
from core.services import database
from core.settings import get_settings
from tests.services.evaluated import APPLE, MILK, PEAR, TRUTH, add_evaluation, add_version
from tests.training.trees import draw
from tests.worker.catalog import LABELS, add_model


@pytest.fixture(autouse=True)
def _tables(own_data: None) -> None:
    database.upgrade(database.get_engine())


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    for number, label in enumerate((*LABELS, "Tea")):
        draw(tmp_path.joinpath("shelf", *label.split(" > "), "a.png"), (40, 200, 60), seed=number)
    return tmp_path / "shelf"


def run(*arguments: str) -> tuple[str, str]:
    result = CliRunner().invoke(build_app(), list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


def test_a_version_is_measured_on_any_labelled_data(shelf: Path) -> None:
    engine = database.get_engine()
    version = add_model(engine, get_settings(), database.local_actor(engine))
    options = ("--data", str(shelf), "--split", "all")
    told = json.loads(run("evaluate", "--model", "custom_cnn", *options, "--json")[0])
    assert told["summary"]["version_id"] == version.id
    assert told["summary"]["pictures"] == 3
    assert told["unknown"] == {"Tea": 1}
    assert 0 <= told["summary"]["figures"]["top1"]["value"] <= 1
    shown, warned = run("evaluate", "--model", str(version.id), *options)
    assert "on shelf, all: 3 photos" in shown
    assert "1 more photos have categories that the model does not know" in warned


def test_networks_are_compared_as_embedders(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for number, label in enumerate(LABELS):
            path = tmp_path.joinpath("goods", part, *label.split(" > "), "a.png")
            draw(path, (250 * number, 40, 60), seed=len(part))
    engine = database.get_engine()
    version = add_model(engine, get_settings(), database.local_actor(engine))
    options = ("compare-embedders", "--data", str(tmp_path / "goods"))
    told = json.loads(run(*options, "--json")[0])["embedders"]
    assert {each["version_id"] for each in told} == {None, version.id}
    assert told[0]["mean_precision"] >= told[1]["mean_precision"] > 0
    shown = run(*options)[0]
    assert "EfficientNet" in shown
    assert f"{told[0]['mean_precision']:.1%}" in shown


def add_pair() -> None:
    engine, settings = database.get_engine(), get_settings()
    said = {"resnet50": TRUTH, "vit": (APPLE, PEAR, PEAR, PEAR, PEAR, MILK)}
    for arch, predicted in said.items():
        version_id = add_version(engine, arch)
        for split in ("validation", "test"):
            add_evaluation(engine, settings, arch, predicted, split=split, version_id=version_id)


def test_two_versions_are_compared() -> None:
    add_pair()
    told = json.loads(run("compare", "resnet50", "vit", "--json")[0])
    assert told["test"]["only_first"] == 2
    assert told["test"]["difference"]["value"] == pytest.approx(2 / 6)
    assert [photo["first"]["file_name"] for photo in told["photos"]["only_first"]] == [
        "1.jpg",
        "2.jpg",
    ]
    shown, _ = run("compare", "resnet50", "vit")
    assert "only resnet50 right" in shown
    assert "+33.33%" in shown
    assert "2.jpg" in shown


def test_the_ensemble_is_measured_without_data_and_compared() -> None:
    add_pair()
    told = json.loads(run("evaluate", "--model", "ensemble", "--json")[0])
    assert [member["version_id"] for member in told["summary"]["members"]] == [1, 2]
    assert told["summary"]["figures"]["top1"]["value"] == 1
    assert "only ensemble right" in run("compare", "ensemble", "vit")[0]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("evaluate", "--model", "vit", "--data", "x"), NotFoundError, "vit"),
        (("evaluate", "--model", "ensemble", "--data", "x"), InvalidInputError, "no --data"),
        (("compare", "1", "2"), NotFoundError, "'1'"),
    ],
)
def test_what_cannot_be_done_is_named(
    arguments: tuple[str, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(*arguments)


def test_a_version_needs_data() -> None:
    add_pair()
    with pytest.raises(InvalidInputError, match="--data is missing"):
        run("evaluate", "--model", "vit")
    with pytest.raises(NotFoundError, match="same pictures"):
        run("compare", "resnet50", "vit", "--data", "elsewhere")
