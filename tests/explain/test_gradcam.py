from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from core.errors import InvalidInputError
from core.explain.gradcam import heatmap, overlay
from core.models import ARCHITECTURES, LoadedModel
from core.models.custom_cnn import CustomCNN
from core.models.preprocessing import crop_box
from tests.networks import draw_pixels, load_random


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return load_random(tmp_path_factory.mktemp("model"), "custom_cnn", size_px=96)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 2), (64, 64), (300, 90), (90, 300)], ids=str)
def test_the_heat_covers_a_picture_of_any_shape(model: LoadedModel, shape: tuple[int, int]) -> None:
    heat = heatmap(model, draw_pixels(*shape), 0)
    assert heat.shape == shape[::-1]
    assert heat.dtype == np.float32
    assert 0 <= heat.min() <= heat.max() <= 1


def test_what_the_model_did_not_see_is_cold(model: LoadedModel) -> None:
    heats = [heatmap(model, draw_pixels(300, 90), label) for label in range(3)]
    left, top, right, bottom = crop_box(300, 90, model.preprocessing.geometry)
    heat = np.max(heats, axis=0)
    assert heat[:, : int(left)].max() == heat[:, int(right) + 1 :].max() == 0
    assert heat[: int(top)].max(initial=0) == heat[int(bottom) + 1 :].max(initial=0) == 0
    assert heat.max() > 0.5


def test_the_heat_lies_where_the_score_comes_from(tmp_path: Path) -> None:
    """A label that counts the red pixels is explained by the red corner."""
    model = load_random(tmp_path, "custom_cnn", size_px=96)
    heat = heatmap(count_red(model), make_corner(), 0)
    assert heat[:40, :40].mean() > 0.5
    assert heat[56:, 56:].mean() < 0.05


def count_red(model: LoadedModel) -> LoadedModel:
    """Replace the stages by one that passes on red minus the other colours."""
    network = CustomCNN(3).eval()
    network.stem = nn.Conv2d(3, 1, 8, stride=8, bias=False)
    nn.init.constant_(network.stem.weight, -0.02)
    nn.init.constant_(network.stem.weight[:, 0], 0.02)
    network.stages = nn.Sequential(nn.ReLU())
    network.head = nn.Linear(2, 3)
    nn.init.ones_(network.head.weight)
    return replace(model, network=network.requires_grad_(False))


def make_corner() -> NDArray[np.uint8]:
    pixels = np.full((96, 96, 3), 128, np.uint8)
    pixels[:40, :40] = (255, 0, 0)
    return pixels


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_nothing_is_left_on_the_network(arch: str, tmp_path: Path) -> None:
    model = load_random(tmp_path, arch)
    before = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    heatmap(model, draw_pixels(40, 40), 2)
    assert not any(module._forward_hooks for module in model.network.modules())
    assert all(parameter.grad is None for parameter in model.network.parameters())
    assert all(torch.equal(before[name], t) for name, t in model.network.state_dict().items())


def test_threads_do_not_disturb_each_other(model: LoadedModel) -> None:
    pictures = [draw_pixels(80, 80, seed=seed) for seed in range(6)]
    alone = [heatmap(model, pixels, 1) for pixels in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda pixels: heatmap(model, pixels, 1), pictures))
    for expected, found in zip(alone, together, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_it_works_inside_inference_mode(model: LoadedModel) -> None:
    expected = heatmap(model, draw_pixels(40, 40), 1)
    with torch.inference_mode():
        found = heatmap(model, draw_pixels(40, 40), 1)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("label", [-1, 3])
def test_a_label_that_the_model_does_not_have_is_refused(model: LoadedModel, label: int) -> None:
    with pytest.raises(InvalidInputError, match=str(label)):
        heatmap(model, draw_pixels(40, 40), label)


def test_the_overlay_leaves_cold_pixels_as_they_are() -> None:
    pixels = draw_pixels(30, 20)
    heat = np.zeros((20, 30), np.float32)
    heat[5:10, 5:10] = 1
    painted = overlay(pixels, heat)
    assert painted.shape == pixels.shape
    assert painted.dtype == np.uint8
    assert np.array_equal(painted[heat == 0], pixels[heat == 0])
    assert not np.array_equal(painted[heat == 1], pixels[heat == 1])
