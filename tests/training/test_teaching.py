import copy
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from core.errors import InvalidInputError
from core.imaging import ImageLimits
from core.models import LoadedModel, load, save
from core.training import TrainingRequest, snapshots
from core.training.datasets import read_dataset
from core.training.teaching import Lesson, Teacher
from core.training.trainer import Resources, Trained, train
from tests.training.trees import make_tree

LIMITS = ImageLimits(max_bytes=10_000_000, max_pixels=1_000_000)
SMALL = {"epochs": 4, "image_size_px": 32, "batch_size": 8, "weights": "none"}


def run(
    tree: Path, folder: Path, model: LoadedModel | None, **changes: object
) -> tuple[Trained, list[str]]:
    request = TrainingRequest("custom_cnn", str(tree), changes={**SMALL, **changes})
    stages: list[str] = []
    trained = train(
        request,
        read_dataset(tree),
        resources=Resources(LIMITS, device="cpu", snapshots_dir=folder),
        on_progress=lambda progress: stages.append(f"{progress.stage} {progress.done}"),
        should_stop=lambda: False,
        teacher=model,
    )
    return trained, stages


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def teacher(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    folder = tmp_path_factory.mktemp("teacher")
    trained, _ = run(tree, folder, None, image_size_px=48, epochs=8)
    save(folder / "teacher.safetensors", network=trained.network, card=trained.card)
    return load(folder / "teacher.safetensors")


def test_a_student_learns_from_its_teacher_alone(
    tree: Path, tmp_path: Path, teacher: LoadedModel
) -> None:
    trained, _ = run(tree, tmp_path, teacher, teacher="7", epochs=16, mixup=0.2)
    assert trained.card.metrics["splits"]["validation"]["top1"] == 1
    assert trained.card.metrics["training"]["teacher"] == teacher.digest


def test_the_teacher_sees_what_the_student_sees(
    tree: Path, tmp_path: Path, teacher: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    show = Teacher.show

    def spy(self: Teacher, views: torch.Tensor, size_px: int) -> torch.Tensor:
        shown = show(self, views, size_px)
        seen.append((views, shown))
        return shown

    monkeypatch.setattr(Teacher, "show", spy)
    run(tree, tmp_path, teacher, teacher="7", epochs=2, cutmix=1.0, trivial_augment=True)
    batches = len(seen) // 2
    for views, shown in seen:
        assert views.shape[2:] == (48, 48)
        assert shown.shape[2:] == (32, 32)
        # The means stay, as both take pixels to the same range here.
        torch.testing.assert_close(views.mean(dim=(2, 3)), shown.mean(dim=(2, 3)), atol=0.1, rtol=0)
    first, second = (
        torch.cat([views for views, _ in part]) for part in (seen[:batches], seen[batches:])
    )
    assert not any((view - other).abs().max() < 1e-3 for view in first for other in second)


def test_the_teacher_may_look_at_smaller_views(
    tree: Path, tmp_path: Path, teacher: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides: set[int] = set()
    say = Teacher.say

    def spy(self: Teacher, views: torch.Tensor) -> Lesson:
        sides.add(views.shape[-1])
        return say(self, views)

    monkeypatch.setattr(Teacher, "say", spy)
    options = {"teacher": "7", "teacher_features": 1.0, "epochs": 1, "teacher_size_px": 32}
    run(tree, tmp_path, teacher, **options)
    assert sides == {32}  # its own are 48


def test_the_order_of_the_teachers_labels_does_not_matter(
    tree: Path, tmp_path: Path, teacher: LoadedModel
) -> None:
    options = {"teacher": "7", "epochs": 1}
    straight, _ = run(tree, tmp_path / "a", teacher, **options)
    order = [2, 0, 1]
    network = copy.deepcopy(teacher.network)
    network.head.weight.copy_(teacher.network.head.weight[order])
    network.head.bias.copy_(teacher.network.head.bias[order])
    labels = tuple(teacher.labels[position] for position in order)
    shuffled = replace(teacher, network=network, card=replace(teacher.card, labels=labels))
    crooked, _ = run(tree, tmp_path / "b", shuffled, **options)
    for name, tensor in straight.network.state_dict().items():
        torch.testing.assert_close(tensor, crooked.network.state_dict()[name])


def test_a_student_may_imitate_features_too_and_be_killed(
    tree: Path, tmp_path: Path, teacher: LoadedModel
) -> None:
    options = {"teacher": "7", "teacher_features": 1.0, "cutmix": 1.0}
    with_features, _ = run(tree, tmp_path / "a", teacher, **options)
    without, _ = run(tree, tmp_path / "a", teacher, **options | {"teacher_features": 0.0})
    assert losses(with_features) > losses(without)
    (snapshot,) = {
        path for path in (tmp_path / "a").glob("*/state.safetensors") if "projection" in names(path)
    }
    assert snapshots.find(snapshot.parent)
    again, _ = run(tree, tmp_path / "a", teacher, **options)
    assert losses(again) == losses(with_features)


@pytest.mark.parametrize(
    ("arch", "options"),
    [("resnet50", {}), ("vit", {}), ("vit", {"stem": "convolutions", "end_size_px": 48})],
)
def test_networks_with_other_maps_than_the_teachers_may_imitate_it(
    tree: Path,
    tmp_path: Path,
    teacher: LoadedModel,
    arch: str,
    options: dict[str, object],
) -> None:
    changes = {"teacher": "7", "teacher_features": 1.0, "epochs": 2} | options
    sizes = {"image_size_px": 64, "start_size_px": 32}
    request = TrainingRequest(arch, str(tree), changes={**SMALL, **sizes, **changes})
    trained = train(
        request,
        read_dataset(tree),
        resources=Resources(LIMITS, device="cpu", snapshots_dir=tmp_path),
        on_progress=lambda _: None,
        should_stop=lambda: False,
        teacher=teacher,
    )
    assert losses(trained)[0] > 1


@pytest.mark.parametrize("blocks", [1, 2])
def test_a_transformer_goes_on_from_the_convolutions_of_a_custom_cnn(
    tree: Path, tmp_path: Path, blocks: int
) -> None:
    first, _ = run(tree, tmp_path, None, epochs=1, blocks=blocks)
    save(tmp_path / "first.safetensors", network=first.network, card=first.card)
    first_model = load(tmp_path / "first.safetensors")
    changes = {"epochs": 1, "learning_rate": 1e-9, "stem_from": "7"}
    begin = partial(
        train,
        TrainingRequest("vit", str(tree), changes=SMALL | changes),
        read_dataset(tree),
        resources=Resources(LIMITS, device="cpu", snapshots_dir=tmp_path),
        on_progress=lambda _: None,
        should_stop=lambda: False,
        stem_from=first_model,
    )
    if blocks == 1:
        with pytest.raises(InvalidInputError, match="2 blocks a stage, not with a custom_cnn of 1"):
            begin()
        return
    trained = begin()
    assert trained.card.metrics["training"]["stem_from"] == first_model.digest
    kernel = first.network.stem[0].weight  # type: ignore[index, union-attr]
    begun = trained.network.patch_embed.backbone.stem[0].weight  # type: ignore[union-attr, index]
    torch.testing.assert_close(begun, kernel, atol=1e-4, rtol=0)


def names(path: Path) -> set[str]:
    with safe_open(path, framework="pt") as file:
        return {name.partition("/")[0] for name in file.keys()}  # noqa: SIM118 -- not a dict


def losses(trained: Trained) -> list[float]:
    return [epoch["loss"] for epoch in trained.card.metrics["curve"]]


def test_a_teacher_of_other_categories_is_refused(
    tree: Path, tmp_path: Path, teacher: LoadedModel
) -> None:
    labels = ("Fish", *teacher.labels[1:])
    stranger = replace(teacher, card=replace(teacher.card, labels=labels))
    with pytest.raises(InvalidInputError, match="does not know 1 of 3"):
        run(tree, tmp_path, stranger, teacher="7")
