"""Every row of the table, through everything that a row is for."""

from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest
import timm
import torch
from timm.data import resolve_model_data_config
from torch import nn

from core.errors import InvalidInputError, WeightsUnavailableError
from core.explain.gradcam import heatmap
from core.models import ARCHITECTURES, ModelCard, NetworkOptions, get_architecture, load, save
from core.models.architectures import count_parameters, embed, make_map
from core.models.custom_cnn import ATTENTION, AttentionPooling, CustomCNN
from core.models.weights import build_network
from tests.networks import LABELS, draw_pixels, load_random

# What a network of each architecture must look like at 64 px: features, parameters in millions.
CASES = {
    "custom_cnn": (512, 1.2),
    "resnet50": (2048, 23.5),
    "vit": (384, 21.6),
    "efficientnet_lite0": (1280, 3.4),
}


def test_every_architecture_has_a_case() -> None:
    assert CASES.keys() == ARCHITECTURES.keys()
    assert all(key == row.key for key, row in ARCHITECTURES.items())


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_row_builds_the_network_that_it_describes(arch: str) -> None:
    features, millions = CASES[arch]
    row = ARCHITECTURES[arch]
    network = row.build(7, 64, NetworkOptions()).eval()
    batch = torch.zeros(2, 3, 64, 64)
    assert count_parameters(network) / 1e6 == pytest.approx(millions, abs=0.1)
    assert embed(network, batch).shape == (2, features)
    torch.testing.assert_close(network(batch), network.get_classifier()(embed(network, batch)))


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("size_px", [32, 80])
def test_every_network_takes_other_image_sizes(arch: str, size_px: int) -> None:
    network = ARCHITECTURES[arch].build(3, size_px, NetworkOptions()).eval()
    assert network(torch.zeros(1, 3, size_px, size_px)).shape == (1, 3)


@pytest.mark.parametrize("arch", [row.key for row in ARCHITECTURES.values() if row.hub_name])
def test_preprocessing_is_that_of_timm(arch: str) -> None:
    row = ARCHITECTURES[arch]
    config = resolve_model_data_config(row.build(3, 224, NetworkOptions()))
    preprocessing = row.preprocessing(config["input_size"][-1])
    assert preprocessing.mean == config["mean"]
    assert preprocessing.std == config["std"]
    assert preprocessing.geometry.interpolation == config["interpolation"]
    assert preprocessing.geometry.crop_fraction == config["crop_pct"]


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_network_can_be_explained(arch: str, tmp_path: Path) -> None:
    model = load_random(tmp_path, arch, size_px=96)
    heats = [heatmap(model, draw_pixels(50, 40), label) for label in range(len(model.labels))]
    assert all(heat.shape == (40, 50) for heat in heats)
    assert max(heat.max() for heat in heats) > 0.5


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_weights_of_a_file_are_taken_except_the_classifier(arch: str, tmp_path: Path) -> None:
    source = load_random(tmp_path, arch, size_px=64)
    network = build_network(
        ARCHITECTURES[arch],
        num_classes=5,
        image_size_px=64,
        weights=f"file:{tmp_path / arch}.safetensors",
    ).eval()
    batch = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(embed(network, batch), embed(source.network, batch))
    assert network(batch).shape == (2, 5)


@pytest.mark.parametrize(
    ("arch", "tensor"), [("resnet50", "layer4.2.conv3.weight"), ("vit", "blocks.11.mlp.fc2.weight")]
)
def test_weights_of_the_hub_are_taken(
    arch: str, tensor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is where the hub can be reached; what it would send is drawn here."""
    fetched, create = [], timm.create_model

    def create_offline(name: str, *, pretrained: bool = False, **options: object) -> nn.Module:
        network: nn.Module = create(name, **options)
        fetched.extend([network] if pretrained else [])
        return network

    monkeypatch.setattr(timm, "create_model", create_offline)
    network = _build(arch, "hub").eval()
    (source,) = fetched
    assert torch.equal(network.state_dict()[tensor], source.state_dict()[tensor])
    assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 5)


def test_a_vit_takes_weights_of_another_image_size(tmp_path: Path) -> None:
    load_random(tmp_path, "vit", size_px=64)
    network = _build("vit", f"file:{tmp_path / 'vit.safetensors'}")
    assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 5)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_that_holds_no_weights_is_refused(suffix: str, tmp_path: Path) -> None:
    path = (tmp_path / "weights").with_suffix(suffix)
    path.write_bytes(b"no weights at all")
    with pytest.raises(WeightsUnavailableError, match="holds no weights"):
        _build("custom_cnn", f"file:{path}")


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> tuple[Callable[..., None], tuple[str]]:
            return Path.touch, (tmp_path / "attacked",)  # type: ignore[return-value]

    path = tmp_path / "weights.pth"
    torch.save({"weight": Attack()}, path)
    with pytest.raises(WeightsUnavailableError):
        _build("custom_cnn", f"file:{path}")
    assert not (tmp_path / "attacked").exists()


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    load_random(tmp_path, "custom_cnn")
    with pytest.raises(WeightsUnavailableError, match="does not fit ResNet-50"):
        _build("resnet50", f"file:{tmp_path / 'custom_cnn.safetensors'}")


def test_a_missing_file_says_what_to_do() -> None:
    with pytest.raises(WeightsUnavailableError, match="--weights none"):
        _build("custom_cnn", "file:/nowhere/weights.pth")


def test_a_hub_that_cannot_be_reached_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsUnavailableError, match="--weights none"):
        _build("resnet50", "hub")


def test_a_network_without_pretrained_weights_says_what_to_do() -> None:
    with pytest.raises(WeightsUnavailableError, match="--weights none"):
        _build("custom_cnn", "hub")


def test_an_unknown_source_of_weights_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="'somewhere'"):
        _build("custom_cnn", "somewhere")


def test_an_unknown_architecture_is_named() -> None:
    with pytest.raises(InvalidInputError, match=r"'alexnet'.*resnet50"):
        get_architecture("alexnet")


def _build(arch: str, weights: str) -> torch.nn.Module:
    return build_network(ARCHITECTURES[arch], num_classes=5, image_size_px=32, weights=weights)


@pytest.mark.parametrize("attention", ATTENTION)
def test_the_custom_cnn_takes_every_kind_of_attention(attention: str) -> None:
    network = CustomCNN(5, attention=attention, blocks=2).eval()
    assert network(torch.zeros(2, 3, 64, 48)).shape == (2, 5)
    assert count_parameters(network) < 3e6


def test_attention_pooling_begins_as_the_mean() -> None:
    features = torch.rand(2, 8, 3, 4)
    torch.testing.assert_close(AttentionPooling(8)(features), features.mean((2, 3)))


def test_packaged_weights_are_those_of_the_package() -> None:
    network = _build("efficientnet_lite0", "package").eval()
    package = ARCHITECTURES["efficientnet_lite0"].package
    assert package is not None
    path = resources.files(package.module).joinpath(package.file)
    source = torch.load(str(path), weights_only=True)
    ours = network.state_dict()
    pairs = {"conv_stem.weight": "_conv_stem.weight", "bn2.running_var": "_bn1.running_var"}
    assert all(torch.equal(ours[name], source[theirs]) for name, theirs in pairs.items())
    assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 5)


def test_weights_of_a_package_that_has_none_are_refused() -> None:
    with pytest.raises(WeightsUnavailableError, match="no package"):
        _build("resnet50", "package")


def test_a_package_of_another_network_is_refused() -> None:
    row = ARCHITECTURES["efficientnet_lite0"]
    wrong = replace(ARCHITECTURES["resnet50"], package=row.package)
    with pytest.raises(WeightsUnavailableError, match="are not the"):
        build_network(wrong, num_classes=5, image_size_px=32, weights="package")


def test_the_tokens_of_a_transformer_may_come_from_convolutions(tmp_path: Path) -> None:
    row, path = ARCHITECTURES["vit"], tmp_path / "vit.safetensors"
    network = row.build(len(LABELS), 64, NetworkOptions(stem="convolutions")).eval()
    for size_px, side in ((32, 2), (64, 4), (96, 6)):
        features = network.forward_features(torch.zeros(2, 3, size_px, size_px))
        assert make_map("vit", network, features).shape == (2, 384, side, side)
    card = ModelCard("vit", LABELS, row.preprocessing(64), stem="convolutions")
    save(path, network=network, card=card)
    loaded = load(path)
    batch = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(loaded.network(batch), network(batch))
    heats = [heatmap(loaded, draw_pixels(50, 40), label) for label in range(len(LABELS))]
    assert max(heat.max() for heat in heats) > 0.5
    source = f"file:{path}"
    options = NetworkOptions(stem="convolutions")
    larger = build_network(row, num_classes=5, image_size_px=96, weights=source, options=options)
    assert larger(torch.zeros(1, 3, 96, 96)).shape == (1, 5)
    with pytest.raises(WeightsUnavailableError, match="stem"):
        build_network(row, num_classes=5, image_size_px=64, weights=source)
