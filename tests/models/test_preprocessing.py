import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from timm.data import create_transform

from core.models import ARCHITECTURES, Geometry, Preprocessing
from core.models.preprocessing import crop, crop_box, crops, normalise
from tests.networks import draw_pixels

SHAPES = [(64, 64), (300, 200), (200, 301), (1000, 640), (90, 700)]


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_crop_is_that_of_timms_evaluation_transform(arch: str, shape: tuple[int, int]) -> None:
    preprocessing = ARCHITECTURES[arch].preprocessing(64)
    pixels = draw_pixels(*shape)
    transform = create_transform(
        (3, 64, 64),
        interpolation=preprocessing.geometry.interpolation,
        crop_pct=preprocessing.geometry.crop_fraction,
        mean=preprocessing.mean,
        std=preprocessing.std,
    )
    expected = transform(Image.fromarray(pixels))
    found = normalise(torch.tensor(crop(pixels, preprocessing.geometry)[None]), preprocessing)[0]
    levels = (found - expected).abs() * torch.tensor(preprocessing.std)[:, None, None] * 255
    assert levels.mean() < 0.5
    assert levels.max() <= 4


@given(
    width=st.integers(1, 5000),
    height=st.integers(1, 5000),
    size_px=st.integers(16, 512),
    fraction=st.floats(0.5, 1.0),
)
def test_the_crop_lies_inside_the_picture(
    width: int, height: int, size_px: int, fraction: float
) -> None:
    left, top, right, bottom = crop_box(width, height, Geometry(size_px, fraction, "bicubic"))
    assert 0 <= left < right <= width + 1e-6
    assert 0 <= top < bottom <= height + 1e-6


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 2), (4000, 30)], ids=str)
def test_any_shape_gives_the_size_asked_for(shape: tuple[int, int]) -> None:
    geometries = [Geometry(32, 0.9, "bicubic"), Geometry(64, 1.0, "bilinear")]
    found = crops(draw_pixels(*shape), geometries)
    assert {geometry: picture.shape for geometry, picture in found.items()} == {
        geometries[0]: (32, 32, 3),
        geometries[1]: (64, 64, 3),
    }


def test_a_crop_does_not_depend_on_the_other_geometries_for_small_pictures() -> None:
    pixels, one = draw_pixels(150, 120), Geometry(64, 0.9, "bicubic")
    both = crops(pixels, [one, Geometry(48, 1.0, "bicubic")])
    assert np.array_equal(both[one], crop(pixels, one))


def test_the_middle_of_the_uncropped_square_is_the_crop() -> None:
    geometry = Geometry(56, 0.875, "bicubic")
    square = crop(draw_pixels(200, 200), geometry.uncropped)
    start = (geometry.scaled_px - 56) // 2
    middle = square[start : start + 56, start : start + 56]
    assert np.abs(middle.astype(int) - crop(draw_pixels(200, 200), geometry)).max() <= 1


def test_normalising_gives_channels_last_memory() -> None:
    preprocessing = ARCHITECTURES["resnet50"].preprocessing(32)
    batch = normalise(torch.zeros(2, 32, 32, 3, dtype=torch.uint8), preprocessing)
    assert batch.shape == (2, 3, 32, 32)
    assert batch.is_contiguous(memory_format=torch.channels_last)
    expected = torch.tensor(preprocessing.mean) / torch.tensor(preprocessing.std)
    torch.testing.assert_close(batch[0, :, 0, 0], -expected)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_it_is_written_and_read_without_loss(arch: str) -> None:
    preprocessing = ARCHITECTURES[arch].preprocessing(96)
    assert Preprocessing.from_dict(json.loads(json.dumps(preprocessing.to_dict()))) == preprocessing
