"""The operations of a whole batch do what torchvision's do to one picture."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torchvision.transforms.v2 import functional as transforms

from core.training.trivial import KINDS, MOVES, Operations

SIDE = 40
HALF = 15 / 30  # strength in the middle of the 31 bins
STILL = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])

SAME = {
    "brightness": lambda image: transforms.adjust_brightness(image, 1 + 0.99 * HALF),
    "saturation": lambda image: transforms.adjust_saturation(image, 1 + 0.99 * HALF),
    "contrast": lambda image: transforms.adjust_contrast(image, 1 + 0.99 * HALF),
    "sharpness": lambda image: transforms.adjust_sharpness(image, 1 + 0.99 * HALF),
    "posterize": lambda image: transforms.posterize(image, bits=8 - round(6 * HALF)),
    "solarize": lambda image: transforms.solarize(image, threshold=255 * (1 - HALF)),
    "stretch": transforms.autocontrast,
    "equalize": transforms.equalize,
}


def picture() -> Tensor:
    """(1, 3, S, S) uint8, smooth, so that rounding does not matter."""
    torch.manual_seed(0)
    rough = torch.randint(20, 200, (1, 3, 5, 5)).float()
    smooth = functional.interpolate(rough, size=(SIDE, SIDE), mode="bilinear")
    return smooth.to(torch.uint8)


def only(kind: str, *, sign: float = 1.0) -> Operations:
    return Operations(torch.tensor([KINDS.index(kind)]), torch.tensor([HALF]), torch.tensor([sign]))


@pytest.mark.parametrize("kind", SAME)
def test_colours_change_as_torchvision_changes_them(kind: str) -> None:
    image = picture()
    changed = only(kind).recolour(image.float())
    difference = (changed - SAME[kind](image).float()).abs()
    assert difference.mean() < 0.75  # grey levels: torchvision rounds in between
    assert (changed - image.float()).abs().max() > 2


@pytest.mark.parametrize("kind", MOVES)
def test_what_moves_pixels_leaves_colours_and_is_undone_by_its_opposite(kind: str) -> None:
    moved = only(kind).move(STILL)
    back = only(kind, sign=-1.0).move(moved)
    torch.testing.assert_close(back, STILL)
    assert not torch.equal(moved, STILL)
    image = picture().float()
    assert torch.equal(only(kind).recolour(image), image)


def test_a_turn_is_torchvisions() -> None:
    frames = only("rotate").move(STILL)
    grid = functional.affine_grid(frames, [1, 3, SIDE, SIDE], align_corners=False)
    turned = functional.grid_sample(picture().float(), grid, align_corners=False)
    theirs = transforms.rotate(
        picture().float(), 135 * HALF, interpolation=transforms.InterpolationMode.BILINEAR
    )
    middle = slice(SIDE // 4, 3 * SIDE // 4)
    torch.testing.assert_close(turned[..., middle, middle], theirs[..., middle, middle])


def test_every_operation_is_equally_likely_and_nothing_is_one() -> None:
    numbers = torch.linspace(0, 1, 14_000)[:-1]
    operations = Operations.of(numbers, numbers, numbers)
    counts = torch.bincount(operations.kinds)
    assert len(counts) == len(KINDS) == 14
    assert counts.min() > 990
    assert sorted(operations.strength.unique().tolist()) == pytest.approx(
        [step / 30 for step in range(31)]
    )
    assert set(operations.sign.tolist()) == {-1, 1}


def test_each_picture_has_its_own() -> None:
    image = picture().float().repeat(2, 1, 1, 1)
    both = Operations(
        torch.tensor([KINDS.index("nothing"), KINDS.index("solarize")]),
        torch.tensor([1.0, 1.0]),
        torch.tensor([1.0, 1.0]),
    )
    first, second = both.recolour(image)
    assert torch.equal(first, image[0])
    assert torch.equal(second, 255 - image[0])
    assert both.move(STILL.repeat(2, 1, 1)).shape == (2, 2, 3)
    assert not math.isnan(float(second.sum()))
