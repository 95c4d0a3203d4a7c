"""What a product stands on and in front of: one table."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from core.sample.mesh import Array
from core.sample.palette import SRGB, WOODS, linear, pick
from core.sample.raster import Camera, Picture, to_srgb

Rng = np.random.Generator
TEXTURE_PX = 384


@dataclass(frozen=True, slots=True)
class Backdrop:
    """A way to fill the picture behind the product.

    Attributes:
        share: Share of the photos that have it.
        paint: Returns ``(size_px, size_px, 3)`` float32, sRGB 0 to 255.
    """

    key: str
    share: float
    paint: Callable[[Rng, Camera, int], Picture]


def _white(rng: Rng, _camera: Camera, size_px: int) -> Picture:
    """Studio paper: white to the edge of the picture."""
    rows = np.linspace(255.0, rng.uniform(244.0, 253.0), size_px, dtype=np.float32)
    return np.broadcast_to(rows[:, None, None], (size_px, size_px, 3)).copy()


def _paper(rng: Rng, _camera: Camera, size_px: int) -> Picture:
    """A sheet of coloured paper that curves up behind the product."""
    names = ("cream", "sand", "mint", "sky", "pink", "grey", "silver", "coral", "mustard", "teal")
    colour = linear(pick(rng, *names))
    bend = rng.uniform(0.35, 0.6)
    rows = np.linspace(0.0, 1.0, size_px)[:, None]
    columns = np.linspace(-1.0, 1.0, size_px)[None]
    light = 0.8 + 0.22 / (1.0 + np.exp((bend - rows) * 18.0))
    light = light + rng.uniform(-0.12, 0.12) * columns - 0.08 * columns**2
    return to_srgb(colour * light[..., None] * rng.uniform(0.85, 1.1))


def _wood(rng: Rng, camera: Camera, size_px: int) -> Picture:
    """A table of planks in front of a plain wall."""
    colour = linear(pick(rng, *WOODS)) * rng.uniform(0.8, 1.2)
    return _room(rng, camera, size_px, _planks(rng, colour), _wall(rng, size_px))


def _cloth(rng: Rng, camera: Camera, size_px: int) -> Picture:
    """A woven cloth with soft folds."""
    names = ("cream", "white", "grey", "sand", "navy", "sky", "pink", "olive", "charcoal")
    colour = linear(pick(rng, *names))
    place = np.arange(TEXTURE_PX)
    weave = 0.05 * np.sin(place * 1.6)[:, None] * np.sin(place * 1.6)[None]
    folds = _noise(rng, (5, 5)) + 0.4 * _noise(rng, (9, 9))
    slope = np.gradient(folds, axis=1) * 14.0
    if rng.random() < 0.35:
        stripe = (np.sin(place * rng.uniform(0.1, 0.25)) > 0.6)[:, None, None]
        colour = np.where(stripe, linear(pick(rng, "navy", "coral", "teal", "white")), colour)
    shade = np.clip(0.9 + slope + weave, 0.45, 1.3)
    return _room(rng, camera, size_px, colour * shade[..., None], _wall(rng, size_px))


def _cluttered(rng: Rng, camera: Camera, size_px: int) -> Picture:
    """A table in a room full of things that are out of focus."""
    room = _wall(rng, size_px)
    names = tuple(SRGB)
    for _ in range(int(rng.integers(9, 17))):
        colour = tuple(float(c) for c in to_srgb(linear(pick(rng, *names)) * rng.uniform(0.5, 1.1)))
        x, y = rng.integers(0, size_px, 2)
        half_width, half_height = rng.integers(size_px // 24, size_px // 7, 2)
        if rng.random() < 0.6:
            corner = (int(x + half_width), int(y + 2 * half_height))
            cv2.rectangle(room, (int(x - half_width), int(y)), corner, colour, -1)
        else:
            cv2.circle(room, (int(x), int(y)), int(half_width), colour, -1)
    room = np.asarray(cv2.GaussianBlur(room, (0, 0), size_px * rng.uniform(0.014, 0.03)))
    table = linear(pick(rng, *WOODS, "white", "charcoal", "sand")) * rng.uniform(0.7, 1.1)
    return _room(rng, camera, size_px, _planks(rng, table), room)


BACKDROPS: dict[str, Backdrop] = {
    backdrop.key: backdrop
    for backdrop in (
        Backdrop("white", 0.34, _white),
        Backdrop("paper", 0.2, _paper),
        Backdrop("wood", 0.19, _wood),
        Backdrop("cloth", 0.13, _cloth),
        Backdrop("cluttered", 0.14, _cluttered),
    )
}


def draw_backdrop(rng: Rng) -> Backdrop:
    """Draw one at random, by share."""
    backdrops = tuple(BACKDROPS.values())
    return backdrops[rng.choice(len(backdrops), p=[backdrop.share for backdrop in backdrops])]


def _room(rng: Rng, camera: Camera, size_px: int, texture: Array, wall: Picture) -> Picture:
    """Lay a ``(TEXTURE_PX, TEXTURE_PX, 3)`` linear texture on the ground before a wall."""
    r, far = camera.radius, rng.uniform(2.5, 5.0)
    x, y, _z = camera.centre
    ground = np.array(
        [
            (x - 6 * r, y + far * r, 0.0),
            (x + 6 * r, y + far * r, 0.0),
            (x + 6 * r, y - 3.5 * r, 0.0),
            (x - 6 * r, y - 3.5 * r, 0.0),
        ]
    )
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32) * TEXTURE_PX
    places = camera.project(ground)[0].astype(np.float32)
    to_picture = cv2.getPerspectiveTransform(corners, places)
    size = (size_px, size_px)
    floor = cv2.warpPerspective(to_srgb(texture), to_picture, size, borderMode=cv2.BORDER_REPLICATE)
    horizon = int(np.clip(places[0, 1], 0, size_px))
    picture = np.asarray(floor, np.float32)
    picture[:horizon] = wall[:horizon]
    edge = slice(max(0, horizon - 6), min(size_px, horizon + 6))
    if horizon > 0:
        picture[edge] = cv2.GaussianBlur(picture[edge], (0, 0), 1.5)
    return picture


def _wall(rng: Rng, size_px: int) -> Picture:
    colour = linear(pick(rng, "white", "cream", "silver", "grey", "sand", "sky", "mint"))
    rows = np.linspace(rng.uniform(0.6, 1.0), rng.uniform(0.7, 1.0), size_px)[:, None, None]
    return np.tile(to_srgb(colour * rows), (1, size_px, 1))


def _planks(rng: Rng, colour: Array) -> Array:
    """Return ``(TEXTURE_PX, TEXTURE_PX, 3)`` linear RGB of boards with a long grain."""
    grain = 0.16 * _noise(rng, (96, 4)) + 0.1 * _noise(rng, (260, 10))
    count = int(rng.integers(5, 11))
    board = np.arange(TEXTURE_PX) * count // TEXTURE_PX
    tone = rng.uniform(-0.14, 0.14, count)[board]
    seam = np.where(np.diff(board, prepend=board[0]) != 0, 0.45, 1.0)
    shade = (1.0 + grain + tone[:, None]) * seam[:, None]
    texture = colour * np.clip(shade, 0.2, 1.6)[..., None]
    return texture.swapaxes(0, 1) if rng.random() < 0.5 else texture


def _noise(rng: Rng, cells: tuple[int, int]) -> Picture:
    """Return smooth noise, ``(TEXTURE_PX, TEXTURE_PX)``, about -1 to 1."""
    coarse = rng.uniform(-1.0, 1.0, cells).astype(np.float32)
    fine = cv2.resize(coarse, (TEXTURE_PX, TEXTURE_PX), interpolation=cv2.INTER_CUBIC)
    return np.asarray(fine, np.float32)
