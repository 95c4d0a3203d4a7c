import numpy as np
import pytest
import torch

from core.training.augmentation import augment
from core.training.presets import make_recipe
from core.training.recipe import Recipe
from tests.networks import draw_pixels

KEYS = [(number, 1) for number in range(4)]


def squares(size_px: int = 64) -> torch.Tensor:
    return torch.tensor(np.stack([draw_pixels(size_px, size_px, seed=seed) for seed in range(4)]))


def recipe(**changes: object) -> Recipe:
    return make_recipe("custom_cnn", "default", {"trivial_augment": False, **changes})


@pytest.mark.parametrize("trivial", [False, True])
def test_views_keep_size_and_range_and_follow_their_seed(trivial: bool) -> None:
    chosen = recipe(trivial_augment=trivial)
    views = augment(squares(), KEYS, chosen, 32)
    assert views.shape == (4, 32, 32, 3)
    assert views.dtype == torch.float32
    assert 0 <= views.min() <= views.max() <= 255
    assert torch.equal(views, augment(squares(), KEYS, chosen, 32))
    assert not torch.equal(views, augment(squares(), [(n, 2) for n, _ in KEYS], chosen, 32))
    other = recipe(trivial_augment=trivial, seed=1)
    assert not torch.equal(views, augment(squares(), KEYS, other, 32))


def test_a_view_is_the_same_in_any_batch() -> None:
    together = augment(squares(), KEYS, recipe(), 32)
    alone = augment(squares()[2:3], KEYS[2:3], recipe(), 32)
    torch.testing.assert_close(together[2:3], alone)


def test_a_view_shows_the_same_at_any_size() -> None:
    chosen = recipe(erasing=1.0)
    small = augment(squares(256), KEYS, chosen, 64).permute(0, 3, 1, 2)
    large = augment(squares(256), KEYS, chosen, 192).permute(0, 3, 1, 2)
    reduced = torch.nn.functional.avg_pool2d(large, 3)
    assert (small - reduced).abs().mean() < 5
    other = augment(squares(256), [(n, 2) for n, _ in KEYS], chosen, 64).permute(0, 3, 1, 2)
    assert (other - reduced).abs().mean() > 20


def test_without_room_for_chance_a_view_only_resizes() -> None:
    nothing = {"jitter": 0.0, "rotation_degrees": 0.0, "erasing": 0.0, "flip": 0.0}
    pictures = squares(40)
    views = augment(pictures, KEYS, recipe(crop_scale=1.0, **nothing), 40)
    torch.testing.assert_close(views, pictures.float(), atol=0.01, rtol=0)


def test_erasing_paints_a_part_of_each_picture() -> None:
    still = recipe(crop_scale=1.0, jitter=0.0, rotation_degrees=0.0, erasing=1.0)
    white = torch.full((4, 64, 64, 3), 255, dtype=torch.uint8)
    covered = (augment(white, KEYS, still, 64) == 127).float().mean(dim=(1, 2, 3))
    assert (covered > 0).all()
    assert (covered < 0.25).all()
