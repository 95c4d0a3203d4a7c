"""Take a photo of a product: light, camera, backdrop, film."""

import cv2
import numpy as np
from numpy.typing import NDArray

from core.sample.backdrops import draw_backdrop
from core.sample.mesh import Mesh
from core.sample.products import Product
from core.sample.raster import Camera, Light, Picture, draw, draw_shadow, frame

Rng = np.random.Generator
SIDES_PX = (280, 304, 328, 352)


def take_photo(product: Product, colour: str, *, item: Rng, view: Rng) -> NDArray[np.uint8]:
    """Return ``(H, W, 3)`` uint8 sRGB, 256 to 352 px a side.

    Args:
        item: Shapes and paints the product; the same state gives the same product.
        view: Chooses light, angle and backdrop.
    """
    mesh = product.build(item, colour).turned("z", view.uniform(*product.azimuth_deg)).on_ground()
    size_px = int(view.choice(SIDES_PX))
    camera = frame(
        mesh,
        elevation_deg=view.uniform(*product.elevation_deg),
        size_px=size_px,
        fill=view.uniform(0.6, 0.8),
        shift=view.uniform(-0.03, 0.03, 2),
    )
    light = _light(view)
    picture = draw_backdrop(view).paint(view, camera, size_px)
    picture = _compose(picture, mesh, camera, light, size_px)
    return _develop(view, picture)


def _light(rng: Rng) -> Light:
    """A lamp over the photographer's left or right shoulder, warm or cool."""
    angle, height = np.radians(rng.uniform(-75, 75)), np.radians(rng.uniform(35, 68))
    across = np.cos(height)
    towards = np.array([across * np.sin(angle), -across * np.cos(angle), np.sin(height)])
    warmth = rng.uniform(-0.06, 0.09)
    colour = np.array([1.0 + warmth, 1.0, 1.0 - warmth])
    return Light(towards, rng.uniform(0.7, 1.05), rng.uniform(0.4, 0.6), colour)


def _compose(picture: Picture, mesh: Mesh, camera: Camera, light: Light, size_px: int) -> Picture:
    shadow = draw_shadow(mesh, camera, light, size_px)
    layer = draw(mesh, camera, light, size_px).astype(np.float32)
    cover = 1.0 - layer[..., 3:] / np.float32(255.0)
    return np.asarray(picture * shadow[..., None] * cover + layer[..., :3])


def _develop(rng: Rng, picture: Picture) -> NDArray[np.uint8]:
    """Crop a little, expose a little off, add grain."""
    height, width = picture.shape[:2]
    trims = rng.uniform(0.0, 0.08, 2) * (rng.random(2) < 0.4)
    top, left = (int(side * trim / 2) for side, trim in zip((height, width), trims, strict=True))
    film = picture[top : height - top, left : width - left] * np.float32(rng.uniform(0.95, 1.04))
    grain = rng.standard_normal(film.shape[:2], dtype=np.float32) * np.float32(
        rng.uniform(0.6, 2.2)
    )
    film = np.clip(film + grain[..., None], 0.0, 255.0).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(film, (0, 0), 0.45))
