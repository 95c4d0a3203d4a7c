import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import JobCancelledError
from core.evaluation.calibration import fit_cautiously
from core.imaging import ImageLimits
from core.inference import Classifier, InferenceOptions
from core.models import ARCHITECTURES, load, save
from core.models.weights import build_network
from core.training import TrainingRequest, evaluation
from core.training.arrangement import Split
from core.training.data.seen import SeenPictures
from core.training.datasets import read_dataset
from core.training.pictures import Pictures
from core.training.progress import TrainingProgress
from core.training.trainer import Resources, Trained, train
from tests.networks import save_random
from tests.training.trees import COLOURS, draw, make_tree

LIMITS = ImageLimits(max_bytes=10_000_000, max_pixels=1_000_000)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tree(tmp_path_factory.mktemp("tree"))


def small(arch: str, data: Path, **changes: object) -> TrainingRequest:
    values = {"epochs": 2, "image_size_px": 32, "batch_size": 8, "weights": "none", **changes}
    return TrainingRequest(arch, str(data), changes=values)


def run(request: TrainingRequest, **options: object) -> Trained:
    return train(
        request,
        read_dataset(Path(request.data)),
        resources=Resources(LIMITS, device="cpu", **options),  # type: ignore[arg-type]
        on_progress=lambda _: None,
        should_stop=lambda: False,
    )


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_architecture_trains_and_its_checkpoint_loads(
    arch: str, tree: Path, tmp_path: Path
) -> None:
    trained = run(small(arch, tree, epochs=1))
    save(tmp_path / "model.safetensors", network=trained.network, card=trained.card)
    loaded = load(tmp_path / "model.safetensors")
    assert loaded.labels == tuple(COLOURS)
    assert loaded.card.metrics["splits"]["validation"]["count"] == 6
    assert loaded.temperature > 0


def test_it_learns(tree: Path) -> None:
    trained = run(small("custom_cnn", tree, epochs=8))
    assert trained.card.metrics["splits"]["validation"]["top1"] == 1


def test_the_same_seed_gives_the_same_network(tree: Path) -> None:
    first, second = run(small("custom_cnn", tree)), run(small("custom_cnn", tree))
    for name, tensor in first.network.state_dict().items():
        assert torch.equal(tensor, second.network.state_dict()[name])
    assert losses(first) == losses(second)
    assert losses(run(small("custom_cnn", tree, seed=1))) != losses(first)


def test_it_learns_in_bfloat16(tree: Path) -> None:
    trained = run(small("custom_cnn", tree, epochs=8), precision="bfloat16")
    assert trained.card.metrics["training"]["precision"] == "bfloat16"
    assert losses(trained)[-1] < losses(trained)[0]


def losses(trained: Trained) -> list[float]:
    return [epoch["loss"] for epoch in trained.card.metrics["curve"]]


def test_the_record_can_be_stored_and_tells_what_was_done(tree: Path) -> None:
    metrics = json.loads(json.dumps(run(small("custom_cnn", tree)).card.metrics, allow_nan=False))
    data = metrics["training"]["data"]
    assert (data["name"], data["format"]) == (tree.name, "folder")
    assert data["counts"] == {"train": 24, "validation": 6}
    assert data["left_out"] == {}
    assert data["report"]["is_trainable"]
    assert Counter(Split(**data["split"]).unpack()) == data["counts"]
    pictures = [hashlib.sha256(path.read_bytes()).hexdigest() for path in tree.rglob("*.png")]
    assert SeenPictures.unpack(data["seen"]) == SeenPictures.of(pictures)
    assert metrics["training"]["recipe"]["image_size_px"] == 32
    assert len(metrics["curve"]) == 2
    assert metrics["images_per_s"] > 0


def test_the_temperature_is_fitted_on_validation_as_training_would_show_it(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def spy(views: np.ndarray, labels: np.ndarray) -> float:
        seen.append((views, labels))
        return fit_cautiously(views, labels)

    monkeypatch.setattr(evaluation, "fit_cautiously", spy)
    trained = run(small("custom_cnn", tree))
    ((views, labels),) = seen
    assert views.shape == (evaluation.CALIBRATION_VIEWS, 6, 3)
    assert labels.tolist() == trained.looked_at["validation"][1].targets.tolist()
    assert len({view.tobytes() for view in views}) == evaluation.CALIBRATION_VIEWS
    assert trained.card.temperature == fit_cautiously(views, labels)


def test_a_test_split_is_what_is_reported(tmp_path: Path) -> None:
    make_tree(tmp_path / "train", each=5)
    for category, colour in COLOURS.items():
        draw(tmp_path.joinpath("test", *category.split(" > "), "t.png"), colour, seed=99)
    metrics = run(small("custom_cnn", tmp_path)).card.metrics
    assert metrics["splits"]["test"]["count"] == 3
    assert metrics["ece"]["split"] == "test"
    tests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.rglob("t.png")]
    assert not any(SeenPictures.unpack(metrics["training"]["data"]["seen"]).find(tests))
    assert sum(row["count"] for row in metrics["per_category"]) == 3


def test_unreadable_pictures_are_recorded_not_fatal(tmp_path: Path) -> None:
    make_tree(tmp_path, each=4)
    (tmp_path / "Warm" / "Red" / "broken.png").write_bytes(b"broken")
    left_out = run(small("custom_cnn", tmp_path, epochs=1)).card.metrics["training"]["data"]
    assert sum(left_out["left_out"].values()) == 1


def test_pictures_that_do_not_fit_into_memory_train_the_same(tree: Path) -> None:
    held = run(small("custom_cnn", tree))
    read_again = run(small("custom_cnn", tree), memory_bytes=10_000)
    assert losses(held) == losses(read_again)


def test_progress_counts_up_and_ends_with_the_curve(tree: Path) -> None:
    seen: list[TrainingProgress] = []
    train(
        small("custom_cnn", tree),
        read_dataset(tree),
        resources=Resources(LIMITS, device="cpu"),
        on_progress=seen.append,
        should_stop=lambda: False,
    )
    assert list(dict.fromkeys(progress.stage for progress in seen)) == [
        "reading",
        "training",
        "measuring",
    ]
    steps = [progress for progress in seen if progress.stage == "training" and progress.done]
    assert [progress.done for progress in steps] == list(range(1, steps[-1].total + 1))
    assert steps[-1].seconds_left == 0
    measured = [progress for progress in seen if progress.stage == "measuring"][1:]
    assert [progress.done for progress in measured] == list(range(measured[-1].total))
    assert all(progress.seconds_left is not None for progress in measured[1:])
    assert len(seen[-1].curve) == 2


@pytest.mark.parametrize("allowed", [0, 5, 31])
def test_it_stops_where_it_is_told_to(tree: Path, allowed: int) -> None:
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > allowed

    with pytest.raises(JobCancelledError):
        train(
            small("custom_cnn", tree),
            read_dataset(tree),
            resources=Resources(LIMITS, device="cpu"),
            on_progress=lambda _: None,
            should_stop=should_stop,
        )
    assert asked == allowed + 1


def test_pretrained_weights_get_a_new_classifier_first(tree: Path, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_random(path, "custom_cnn")
    trained = run(small("custom_cnn", tree, weights=f"file:{path}", blocks=1))
    source = load(path).network.state_dict()
    assert trained.card.metrics["splits"]["validation"]["top1"] == 1
    assert not trained.card.metrics["curve"]
    assert all(
        torch.equal(tensor, source[name])
        for name, tensor in trained.network.state_dict().items()
        if not name.startswith("head")
    )


def test_all_of_a_pretrained_network_is_trained_if_asked_for(tree: Path, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_random(path, "custom_cnn")
    trained = run(small("custom_cnn", tree, weights=f"file:{path}", full=True, blocks=1))
    name = "stem.0.weight"
    assert len(trained.card.metrics["curve"]) == 2
    assert not torch.equal(
        trained.network.state_dict()[name], load(path).network.state_dict()[name]
    )


def test_packaged_weights_serve_without_a_download(tree: Path) -> None:
    changes = {"image_size_px": 64, "batch_size": 8}
    trained = run(TrainingRequest("efficientnet_lite0", str(tree), changes=changes))
    assert trained.card.metrics["splits"]["validation"]["top1"] == 1
    assert trained.card.mirrored


def test_the_published_workflow_freezes_the_backbone_and_scales_pixels_only(
    tree: Path, tmp_path: Path
) -> None:
    changes = {"epochs": 1, "image_size_px": 64, "batch_size": 8, "weights": "package"}
    published = TrainingRequest("efficientnet_lite0", str(tree), "published", changes)
    network = run(published).network
    source = build_network(
        ARCHITECTURES["efficientnet_lite0"], num_classes=3, image_size_px=64, weights="package"
    ).state_dict()
    changed = {
        name.partition(".")[0]
        for name, tensor in network.state_dict().items()
        if not torch.equal(tensor, source[name])
    }
    assert changed == {"classifier"}
    card = run(TrainingRequest("custom_cnn", str(tree), "published", changes | SCRATCH)).card
    assert (card.preprocessing.mean, card.preprocessing.std) == ((0, 0, 0), (1, 1, 1))


SCRATCH = {"weights": "none"}


@pytest.mark.parametrize("arch", ["custom_cnn", "vit"])
def test_pictures_may_begin_small(arch: str, tree: Path) -> None:
    trained = run(small(arch, tree, image_size_px=64, start_size_px=32))
    assert trained.card.image_size_px == 64
    assert len(trained.card.metrics["curve"]) == 2


def test_the_network_that_is_kept_is_the_average_of_the_last_epochs(tree: Path) -> None:
    plain = run(small("custom_cnn", tree, ema_decay=0.0, keep="last")).network.state_dict()
    average = run(small("custom_cnn", tree, ema_decay=0.9, keep="last")).network.state_dict()
    assert not torch.equal(plain["head.weight"], average["head.weight"])


def test_what_is_predicted_with_a_mirror_does_not_depend_on_left_and_right(
    tree: Path, tmp_path: Path
) -> None:
    trained = run(small("custom_cnn", tree, epochs=1, mirrored=True))
    save(tmp_path / "model.safetensors", network=trained.network, card=trained.card)
    model = load(tmp_path / "model.safetensors")
    assert model.card.mirrored
    classifier = Classifier([model], InferenceOptions(LIMITS, device="cpu"))
    batch = torch.rand(2, 3, 32, 32)
    (logits, _), (turned, _) = (
        classifier.forward({model.digest: view})[model.digest] for view in (batch, batch.flip(3))
    )
    torch.testing.assert_close(logits, turned)


def test_a_picture_that_fits_into_memory_is_read_once(tree: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    draw(path, (1, 2, 3), seed=0)
    geometry = ARCHITECTURES["custom_cnn"].preprocessing(32).geometry
    pictures = Pictures([path], geometry, limits=LIMITS, threads=1)
    pictures.scan(lambda _: None)
    path.unlink()
    assert pictures.take(np.array([0])).shape == (1, geometry.scaled_px, geometry.scaled_px, 3)
    pictures.close()
