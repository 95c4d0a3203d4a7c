"""Logos drawn by the program, and what becomes of one on somebody's photo: two tables.

A logo is a sign and a word. No font but Pillow's own is used, so the same logos come out
everywhere.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]
Rng = np.random.Generator
Colour = tuple[int, int, int]
Sign = Callable[[ImageDraw.ImageDraw, Colour], None]

WIDTH_PX, HEIGHT_PX = 480, 360
PHOTO_PX = 800
"""Longer side to which photos are brought before a logo is pasted."""

_WORD_TOP, _WORD_BOTTOM = 245, 335
_LETTERS = "ABCDEFGHKLMNPRSTUVXZ"


@dataclass(frozen=True, slots=True)
class Logo:
    """A logo as its owner draws it.

    Attributes:
        plate: Colour of the plate behind it; None prints sign and word alone.
    """

    word: str
    sign: Sign
    ink: Colour
    second: Colour
    plate: Colour | None = None

    def draw(self) -> Pixels:
        """Return (H, W, 4) uint8; nothing is where alpha is 0."""
        canvas = Image.new("RGBA", (WIDTH_PX, HEIGHT_PX), (0, 0, 0, 0))
        pen = ImageDraw.Draw(canvas)
        if self.plate is not None:
            pen.rounded_rectangle((0, 0, WIDTH_PX - 1, HEIGHT_PX - 1), 40, fill=self.plate)
        self.sign(pen, self.second)
        font = ImageFont.load_default(100)
        assert isinstance(font, ImageFont.FreeTypeFont)
        font = font.font_variant(size=100 * min(1.3, 430 / font.getlength(self.word)))
        middle = (WIDTH_PX // 2, (_WORD_TOP + _WORD_BOTTOM) // 2)
        pen.text(middle, self.word, self.ink, font, anchor="mm", stroke_width=3)
        return np.asarray(canvas)

    def on_white(self) -> Pixels:
        """Return (H, W, 3) uint8: the reference."""
        drawn = self.draw().astype(np.float32)
        alpha = drawn[..., 3:] / 255
        return np.asarray(drawn[..., :3] * alpha + 255 * (1 - alpha), np.uint8)


@dataclass(frozen=True, slots=True)
class Treatment:
    """What becomes of a logo.

    Attributes:
        key: Part of the figures' names.
        redraw: Changes the logo before it is drawn.
        alter: Changes the drawn (H, W, 4) uint8.
        share: Least and greatest width of the logo as a share of the photo's shorter side.
    """

    key: str
    doc: str
    redraw: Callable[[Logo, Rng], Logo] = field(default=lambda logo, _rng: logo)
    alter: Callable[[Pixels, Rng], Pixels] = field(default=lambda drawn, _rng: drawn)
    share: tuple[float, float] = (0.3, 0.5)


@dataclass(frozen=True, slots=True, eq=False)
class Pasted:
    """A photo with a logo on it.

    Attributes:
        pixels: (H, W, 3) uint8, as a JPEG of quality 85 gives it back.
        corners: (4, 2) float64, x and y of the logo's corners.
    """

    pixels: Pixels
    corners: NDArray[np.float64]


def paste(photo: Pixels, logo: Logo, treatment: Treatment, rng: Rng) -> Pasted:
    """Print the treated logo somewhere on the (H, W, 3) uint8 photo, lit and soft as it is."""
    canvas = resize(photo)
    drawn = treatment.alter(treatment.redraw(logo, rng).draw(), rng)
    width = rng.uniform(*treatment.share) * min(canvas.shape[:2])
    scale = width / WIDTH_PX
    laid_size = np.array([drawn.shape[1], drawn.shape[0]]) * scale
    room = np.maximum(np.array(canvas.shape[1::-1]) - laid_size, 1)
    at = rng.uniform(0, 1, 2) * room
    matrix = np.array([[scale, 0, at[0]], [0, scale, at[1]]])
    laid = _lay(drawn, matrix, canvas.shape)
    alpha = laid[..., 3:] / 255 * rng.uniform(0.9, 1.0)
    light = 0.75 + 0.35 * canvas.mean(axis=2, keepdims=True) / 255  # a little of what is below
    printed = canvas * (1 - alpha) + np.clip(laid[..., :3] * light, 0, 255) * alpha
    encoded = cv2.imencode(".jpg", printed.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    pixels = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    return Pasted(pixels, at + np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * laid_size)


def resize(photo: Pixels) -> Pixels:
    """Bring (H, W, 3) uint8 to ``PHOTO_PX``."""
    scale = PHOTO_PX / max(photo.shape[:2])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(photo, None, fx=scale, fy=scale, interpolation=how), np.uint8)


def _lay(drawn: Pixels, matrix: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return (H, W, 4) float32; made small by area first, so that thin lines do not break."""
    scale = float(matrix[0, 0])
    small = cv2.resize(_premultiply(drawn), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    shift = np.array([[1, 0, matrix[0, 2]], [0, 1, matrix[1, 2]]])
    size = (shape[1], shape[0])
    laid = np.asarray(cv2.warpAffine(small, shift, size, flags=cv2.INTER_LINEAR), np.float32)
    colours = laid[..., :3] / np.maximum(laid[..., 3:] / 255, 1e-3)
    return np.concatenate([np.clip(colours, 0, 255), laid[..., 3:]], axis=2)


def _premultiply(drawn: Pixels) -> NDArray[np.float32]:
    whole = drawn.astype(np.float32)
    return np.concatenate([whole[..., :3] * whole[..., 3:] / 255, whole[..., 3:]], axis=2)


# Signs, in the upper two thirds of the canvas.


def _rings(pen: ImageDraw.ImageDraw, ink: Colour) -> None:
    for x in (150, 240, 330):
        pen.ellipse((x - 80, 40, x + 80, 200), outline=ink, width=18)


def _mountain(pen: ImageDraw.ImageDraw, ink: Colour) -> None:
    pen.polygon([(90, 215), (200, 40), (265, 140), (300, 90), (390, 215)], fill=ink)
    pen.ellipse((330, 30, 390, 90), fill=ink)


def _shield(pen: ImageDraw.ImageDraw, ink: Colour) -> None:
    pen.polygon([(160, 30), (320, 30), (320, 130), (240, 225), (160, 130)], fill=ink)
    pen.polygon([(240, 55), (262, 108), (218, 108)], fill=(255, 255, 255))
    pen.rectangle((225, 120, 255, 180), fill=(255, 255, 255))


def _leaf(pen: ImageDraw.ImageDraw, ink: Colour) -> None:
    pen.pieslice((100, -20, 340, 220), 20, 110, fill=ink)
    pen.pieslice((190, 20, 430, 260), 160, 250, fill=ink)
    pen.line((240, 210, 330, 60), fill=(255, 255, 255), width=8)


def _star(pen: ImageDraw.ImageDraw, ink: Colour) -> None:
    angles = np.arange(16) * np.pi / 8
    radii = np.where(np.arange(16) % 2, 45, 100)
    pen.polygon(
        [
            (240 + r * np.sin(a), 125 - r * np.cos(a))
            for a, r in zip(angles.tolist(), radii.tolist(), strict=True)
        ],
        fill=ink,
    )
    pen.regular_polygon((240, 125, 22), 6, fill=(255, 255, 255))


def _waves(pen: ImageDraw.ImageDraw, ink: Colour) -> None:
    for y in (60, 115, 170):
        for at, x in enumerate(range(80, 400, 80)):
            pen.arc((x, y - 30, x + 80, y + 30), 180 * (at % 2), 180 * (at % 2) + 180, ink, 16)


def _blocks(pen: ImageDraw.ImageDraw, ink: Colour) -> None:
    for x, y, side in (
        (120, 40, 80),
        (210, 40, 50),
        (270, 40, 110),
        (120, 130, 50),
        (180, 100, 80),
    ):
        pen.rectangle((x, y, x + side, y + side), fill=ink)
    pen.ellipse((300, 160, 370, 230), fill=ink)


def _bolt(pen: ImageDraw.ImageDraw, ink: Colour) -> None:
    pen.ellipse((140, 25, 340, 225), outline=ink, width=14)
    points = [(255, 45), (190, 140), (235, 140), (215, 210), (295, 105), (245, 105)]
    pen.polygon(points, fill=ink)


LOGOS: Sequence[Logo] = (
    Logo("ORBANO", _rings, (20, 40, 120), (210, 40, 50)),
    Logo("ALPENZ", _mountain, (255, 255, 255), (240, 200, 60), (30, 90, 60)),
    Logo("SHELDA", _shield, (170, 20, 30), (170, 20, 30)),
    Logo("VERDUM", _leaf, (30, 110, 50), (60, 150, 60), (240, 240, 225)),
    Logo("STRAXX", _star, (0, 0, 0), (230, 120, 20), (250, 220, 40)),
    Logo("MARELA", _waves, (10, 80, 150), (20, 140, 190)),
    Logo("KUBERT", _blocks, (60, 30, 110), (200, 40, 120), (235, 230, 245)),
    Logo("VOLTEK", _bolt, (255, 255, 255), (255, 210, 0), (25, 25, 30)),
)


# What becomes of them.


def _turn(drawn: Pixels, rng: Rng) -> Pixels:
    """By 15 to 60 degrees to either side."""
    angle = rng.uniform(15, 60) * rng.choice([-1, 1])
    image = Image.fromarray(drawn)
    return np.asarray(image.rotate(angle, Image.Resampling.BICUBIC, expand=True))


def _tilt(drawn: Pixels, rng: Rng) -> Pixels:
    """Seen from the side: one edge is 0.65 to 0.8 as long."""
    height, width = drawn.shape[:2]
    inset = (1 - rng.uniform(0.65, 0.8)) / 2 * height
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    pushed = corners.copy()
    side = (1, 2) if rng.random() < 0.5 else (0, 3)
    pushed[side[0], 1] += inset
    pushed[side[1], 1] -= inset
    matrix = cv2.getPerspectiveTransform(corners, pushed)
    return np.asarray(cv2.warpPerspective(drawn, matrix, (width, height)), np.uint8)


def _cover(drawn: Pixels, rng: Rng) -> Pixels:
    """A third of it is hidden, from the left or from the right."""
    hidden = drawn.copy()
    edge = round(drawn.shape[1] / 3)
    if rng.random() < 0.5:
        hidden[:, :edge] = 0
    else:
        hidden[:, -edge:] = 0
    return hidden


def _shift_hue(drawn: Pixels, rng: Rng) -> Pixels:
    """All hues by 60 to 150 degrees."""
    space = cv2.cvtColor(np.ascontiguousarray(drawn[..., :3]), cv2.COLOR_RGB2HSV).astype(np.int32)
    degrees = rng.uniform(60, 150) * rng.choice([-1, 1])
    space[..., 0] = (space[..., 0] + round(degrees / 2)) % 180
    colours = cv2.cvtColor(space.astype(np.uint8), cv2.COLOR_HSV2RGB)
    return np.concatenate([np.asarray(colours, np.uint8), drawn[..., 3:]], axis=2)


def _mirror(drawn: Pixels, _rng: Rng) -> Pixels:
    return np.ascontiguousarray(drawn[:, ::-1])


def _stretch(drawn: Pixels, rng: Rng) -> Pixels:
    """1.3 to 1.6 times as wide, or as high."""
    much = rng.uniform(1.3, 1.6)
    across, down = (much, 1.0) if rng.random() < 0.5 else (1.0, much)
    return np.asarray(
        cv2.resize(drawn, None, fx=across, fy=down, interpolation=cv2.INTER_CUBIC), np.uint8
    )


def _change_letter(logo: Logo, rng: Rng) -> Logo:
    at = int(rng.integers(len(logo.word)))
    others = [letter for letter in _LETTERS if letter != logo.word[at]]
    letter = others[int(rng.integers(len(others)))]
    return replace(logo, word=logo.word[:at] + letter + logo.word[at + 1 :])


_ROWS = (
    Treatment("pasted", "as it is, a third to a half of the photo wide"),
    Treatment("small", "an eighth to a sixth of the photo wide", share=(0.125, 0.17)),
    Treatment("turned", "turned by 15 to 60 degrees", alter=_turn),
    Treatment("tilted", "seen from the side", alter=_tilt),
    Treatment("covered", "a third of it hidden", alter=_cover),
    Treatment("hue", "all hues shifted by 60 to 150 degrees", alter=_shift_hue),
    Treatment("mirrored", "left and right changed over", alter=_mirror),
    Treatment("letter", "one letter is another", redraw=_change_letter),
    Treatment("stretched", "1.3 to 1.6 times as wide or as high", alter=_stretch),
)

TREATMENTS: Mapping[str, Treatment] = {row.key: row for row in _ROWS}
"""By key."""
