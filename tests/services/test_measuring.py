"""A network looks at labelled photos, on SQLite and on Postgres."""

import logging
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import CheckpointError, ForbiddenError, InvalidInputError, NotFoundError
from core.evaluation import PredictionFile, predict
from core.imaging import ImageLimits, decode
from core.models.checkpoint import load
from core.models.preprocessing import crop, normalise
from core.services.evaluations import list_evaluations
from core.services.measuring import evaluate_version, make_material, record_training
from core.services.models import ModelVersion, list_versions
from core.settings import Settings
from db.engine import reading
from db.rows import EvaluationRow, HeldOutReadRow
from tests.networks import draw_png
from tests.services.evaluated import make_photos, say
from tests.services.test_datasets import Shop
from tests.training.trees import COLOURS, draw, make_tree
from tests.worker.catalog import LABELS, add_model

COLOUR_OF = dict(zip(LABELS, COLOURS.values(), strict=True))


@pytest.fixture
def version(any_engine: sa.Engine, any_settings: Settings, actor: Actor) -> ModelVersion:
    return add_model(any_engine, any_settings, actor)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Nine photos to test by, three to train on."""
    for part, each in (("test", 3), ("train", 1)):
        for label, colour in COLOUR_OF.items():
            for number in range(each):
                path = tmp_path.joinpath("labelled", part, *label.split(" > "), f"{number}.png")
                draw(path, colour, seed=number + 50 * each)
    return tmp_path / "labelled"


def count(engine: sa.Engine, row_class: type) -> int:
    with reading(engine) as session:
        return session.scalar(sa.select(sa.func.count()).select_from(row_class)) or 0


def test_a_version_is_measured_and_each_prediction_kept(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, version: ModelVersion, data: Path
) -> None:
    steps: list[tuple[int, int]] = []
    found = evaluate_version(
        any_engine,
        any_settings,
        actor=actor,
        version_id=version.id,
        data=str(data),
        on_progress=lambda *step: steps.append(step),
    )
    summary = found.summary
    assert (summary.split, summary.pictures, summary.test_reads) == ("test", 9, 1)
    assert summary.macs is not None
    assert summary.macs > 0
    assert summary.images_per_s is not None
    assert summary.images_per_s > 0
    assert summary.parameters == version.parameters
    assert steps[-1] == (9, 9)
    (path,) = any_settings.evaluations_dir.iterdir()
    file = PredictionFile(path)
    assert {Path(picture.path).parts[-2] for picture in file.read_pictures()} == {
        "Apple",
        "Milk",
        "Pear",
    }
    assert file.header.labels == LABELS


def test_what_is_kept_is_what_the_network_says(
    engine: sa.Engine, settings: Settings, actor: Actor, data: Path
) -> None:
    import torch

    version = add_model(engine, settings, actor)
    evaluate_version(engine, settings, actor=actor, version_id=version.id, data=str(data))
    (path,) = settings.evaluations_dir.iterdir()
    ((pictures, found),) = PredictionFile(path).read_batches(100)
    model = load(next(settings.models_dir.glob("*.safetensors")))
    limits = ImageLimits(10**7, 10**7)
    squares = [
        crop(decode(Path(picture.path).read_bytes(), limits).pixels, model.preprocessing.geometry)
        for picture in pictures
    ]
    with torch.inference_mode():
        batch = normalise(torch.from_numpy(np.stack(squares)), model.preprocessing)
        logits = model.network(batch).numpy()
    targets = np.array([LABELS.index(picture.label) for picture in pictures])
    expected = predict(logits, targets, temperature=model.temperature)
    np.testing.assert_allclose(found.top_probabilities, expected.top_probabilities, rtol=1e-3)
    np.testing.assert_array_equal(found.ranks, expected.ranks)
    np.testing.assert_allclose(found.raw_confidences, expected.raw_confidences, rtol=1e-3)


def test_a_test_split_is_read_once_and_the_log_shows_it(
    any_engine: sa.Engine,
    any_settings: Settings,
    actor: Actor,
    version: ModelVersion,
    data: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    def evaluate() -> int:
        found = evaluate_version(
            any_engine, any_settings, actor=actor, version_id=version.id, data=str(data)
        )
        return found.summary.id

    assert evaluate() == evaluate()
    assert count(any_engine, EvaluationRow) == count(any_engine, HeldOutReadRow) == 1
    assert caplog.text.count("reads the test split of labelled (9 pictures") == 1


def test_a_file_that_was_lost_is_made_again_and_the_reading_recorded(
    engine: sa.Engine, settings: Settings, actor: Actor, data: Path
) -> None:
    version = add_model(engine, settings, actor)
    options = {"actor": actor, "version_id": version.id, "data": str(data)}
    first = evaluate_version(engine, settings, **options)  # type: ignore[arg-type]
    (path,) = settings.evaluations_dir.iterdir()
    path.unlink()
    again = evaluate_version(engine, settings, **options)  # type: ignore[arg-type]
    assert again.summary.id == first.summary.id
    assert again.summary.test_reads == 2
    assert path.is_file()


def test_test_photos_among_all_of_a_data_set_are_recorded_too(
    engine: sa.Engine, settings: Settings, actor: Actor, data: Path
) -> None:
    version = add_model(engine, settings, actor)
    found = evaluate_version(
        engine, settings, actor=actor, version_id=version.id, data=str(data), split="all"
    )
    assert (found.summary.pictures, found.summary.test_reads) == (12, 1)
    with reading(engine) as session:
        assert session.scalars(sa.select(HeldOutReadRow.pictures)).all() == [9]


def test_the_same_pictures_in_other_folders_are_the_same_data(
    engine: sa.Engine, settings: Settings, actor: Actor, data: Path, tmp_path: Path
) -> None:
    version = add_model(engine, settings, actor)
    first = evaluate_version(engine, settings, actor=actor, version_id=version.id, data=str(data))
    moved = data.rename(tmp_path / "elsewhere")
    again = evaluate_version(engine, settings, actor=actor, version_id=version.id, data=str(moved))
    assert again.summary.id == first.summary.id


def test_a_reading_that_fails_is_recorded_all_the_same(
    engine: sa.Engine, settings: Settings, actor: Actor, tmp_path: Path
) -> None:
    version = add_model(engine, settings, actor)
    for label in LABELS[:2]:
        path = tmp_path.joinpath("labelled", "test", *label.split(" > "), "broken.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"broken " + label.encode())
    with pytest.raises(InvalidInputError, match="none of the 2 pictures"):
        evaluate_version(
            engine, settings, actor=actor, version_id=version.id, data=str(tmp_path / "labelled")
        )
    assert count(engine, HeldOutReadRow) == 1
    assert count(engine, EvaluationRow) == 0


def test_unknown_categories_and_unreadable_photos_are_counted(
    engine: sa.Engine, settings: Settings, actor: Actor, data: Path
) -> None:
    version = add_model(engine, settings, actor)
    draw(data / "test" / "Tea" / "green.png", (90, 120, 60), seed=1)
    (data / "test" / "Milk" / "broken.png").write_bytes(b"broken")
    found = evaluate_version(engine, settings, actor=actor, version_id=version.id, data=str(data))
    summary = found.summary
    assert (summary.pictures, summary.unknown_pictures, summary.unreadable_pictures) == (9, 1, 1)
    assert found.unknown == {"Tea": 1}


def test_data_without_a_split_is_measured_as_a_whole(
    engine: sa.Engine, settings: Settings, actor: Actor, tmp_path: Path
) -> None:
    version = add_model(engine, settings, actor)
    tree = make_tree(tmp_path / "tree", each=2)
    found = evaluate_version(engine, settings, actor=actor, version_id=version.id, data=str(tree))
    assert (found.summary.split, found.summary.unknown_pictures) == ("all", 6)
    assert found.summary.figures == {}
    assert count(engine, HeldOutReadRow) == 0
    with pytest.raises(InvalidInputError, match="no split 'validation'"):
        evaluate_version(
            engine,
            settings,
            actor=actor,
            version_id=version.id,
            data=str(tree),
            split="validation",
        )


def test_what_was_reviewed_here_is_labelled_data(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    version = add_model(engine, settings, actor)
    shop = Shop(engine, settings, actor)
    shop.add_decided("A-1", "accept", "accepted", "Home > Mug", data=draw_png(seed=1))
    shop.add_decided("A-2", "correct", "corrected", "Home > Mug", data=draw_png(seed=2))
    shop.add("A-3", data=draw_png(seed=3))
    found = evaluate_version(engine, settings, actor=actor, version_id=version.id, data="reviewed")
    assert (found.summary.data_name, found.summary.split) == ("reviewed", "all")
    assert found.unknown == {"Home > Mug": 2}


def test_what_a_training_measured_is_not_measured_again(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    version = add_model(engine, settings, actor)
    pictures = make_photos()
    said = say([picture.label for picture in pictures], [picture.label for picture in pictures])
    for _ in range(2):
        record_training(
            engine,
            settings,
            actor=actor,
            version_id=version.id,
            data_name="shelf",
            looked_at={
                "test": (pictures, said),
                "validation": (pictures[:3], said.take(np.arange(3))),
            },
        )
    found = list_evaluations(engine, settings, actor=actor)
    assert [(each.split, each.pictures, each.test_reads) for each in found] == [
        ("validation", 3, 0),
        ("test", 6, 1),
    ]


def test_the_digest_knows_contents_and_labels_only() -> None:
    pictures = make_photos()
    digest = make_material("a", "test", pictures).digest
    moved = make_photos(folder=Path("/elsewhere"))
    assert make_material("b", "test", moved[::-1]).digest == digest
    assert make_material("a", "test", pictures[1:]).digest != digest
    assert make_material("a", "test", make_photos(["Tea"] * 6)).digest != digest


def test_what_cannot_be_measured_is_named(
    engine: sa.Engine, settings: Settings, actor: Actor, data: Path
) -> None:
    reviewer = Actor(id=9, name="rita", role="reviewer")
    with pytest.raises(ForbiddenError):
        evaluate_version(engine, settings, actor=reviewer, version_id=1, data=str(data))
    with pytest.raises(NotFoundError, match="77"):
        evaluate_version(engine, settings, actor=actor, version_id=77, data=str(data))
    version = add_model(engine, settings, actor)
    for path in settings.models_dir.glob("*.safetensors"):
        path.unlink()
    with pytest.raises(CheckpointError):
        evaluate_version(engine, settings, actor=actor, version_id=version.id, data=str(data))
    assert list_versions(engine, actor=actor)
    assert count(engine, HeldOutReadRow) == 0
