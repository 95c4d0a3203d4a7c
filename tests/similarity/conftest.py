"""Drawn photos: textured, each another."""

import cv2
import numpy as np
import pytest

HEIGHT_PX, WIDTH_PX = 300, 400


def draw_photo(seed: int) -> np.ndarray:
    """Return (H, W, 3) uint8: coarse and fine texture under shapes of one colour."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.float32)
    for cells, weight in ((4, 90), (12, 60), (60, 40)):
        noise = rng.random((cells, cells, 3), np.float32)
        size = (WIDTH_PX, HEIGHT_PX)
        picture += weight * cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC)
    for _ in range(25):
        centre = (int(rng.integers(WIDTH_PX)), int(rng.integers(HEIGHT_PX)))
        colour = tuple(float(value) for value in rng.integers(0, 255, 3))
        cv2.circle(picture, centre, int(rng.integers(8, 40)), colour, -1, cv2.LINE_AA)
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.fixture(scope="package")
def photo() -> np.ndarray:
    return draw_photo(1)


@pytest.fixture(scope="package")
def other_photos() -> list[np.ndarray]:
    return [draw_photo(seed) for seed in range(2, 8)]
