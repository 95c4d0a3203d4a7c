"""Things to wear: shoe, T-shirt, backpack, watch."""

from dataclasses import replace

import numpy as np

from core.sample.mesh import (
    Array,
    Mesh,
    box,
    cushion,
    grid,
    join,
    lathe,
    plate,
    smooth_profile,
    tube,
)
from core.sample.palette import linear, pick

Rng = np.random.Generator
_ALONG = np.linspace(0.0, 1.0, 45)


def shoe(rng: Rng, colour: str) -> Mesh:
    """A sneaker, toe to the right: a sole, an upper spanned over it, laces and a collar."""
    width = _foot_width(_ALONG) * rng.uniform(0.9, 1.1)
    thick = rng.uniform(0.13, 0.2)
    sole_colour = linear(pick(rng, "white", "white", "cream", "black", "tan"))
    upper_colour, accent = (
        linear(colour),
        linear(pick(rng, "white", "black", "coral", "mint", "navy")),
    )
    tall = np.interp(
        _ALONG, (0.0, 0.1, 0.4, 0.5, 0.75, 0.95, 1.0), (0.4, 0.5, 0.46, 0.5, 0.3, 0.2, 0.08)
    )
    tall = tall * rng.uniform(0.95, 1.2)
    across = np.linspace(0.0, np.pi, 33)
    opening = (_ALONG > 0.06) & (_ALONG < 0.42)
    y = width[:, None] * np.sign(np.cos(across)) * np.abs(np.cos(across)) ** 0.7
    z = thick + tall[:, None] * np.sin(across)[None] ** 0.75
    dip = np.where(opening[:, None] & (np.sin(across) > 0.85)[None], 0.3, 0.0)
    points = np.stack((np.broadcast_to(2.1 * _ALONG[:, None], y.shape), y, z - dip), axis=-1)
    paint = _shoe_paint(rng, across, upper_colour, accent)
    upper = grid(points, paint, gloss=rng.uniform(0.05, 0.4), closed=False)
    parts = [upper, _sole(width, thick, sole_colour), _laces(rng, tall, thick, accent)]
    return join(*parts).moved(x=-1.05)


def _foot_width(along: Array) -> Array:
    places = (0.0, 0.02, 0.06, 0.15, 0.4, 0.65, 0.8, 0.92, 0.98, 1.0)
    widths = (0.02, 0.16, 0.24, 0.29, 0.27, 0.36, 0.37, 0.27, 0.13, 0.02)
    return np.asarray(np.interp(along, places, widths))


def _shoe_paint(rng: Rng, across: Array, colour: Array, accent: Array) -> Array:
    """Return ``(44, 32, 3)``: heel patch, dark collar, tongue, and a stripe on the side."""
    along, turn = (_ALONG[:-1] + _ALONG[1:])[:, None] / 2, (across[:-1] + across[1:])[None] / 2
    side = np.abs(turn - np.pi / 2)
    collar = (along > 0.08) & (along < 0.42) & (side < 0.55)
    tongue = (along >= 0.42) & (along < 0.68) & (side < 0.3)
    slant = along - 0.16 * (side - 0.9)
    stripes = {
        0: (slant > 0.44) & (slant < 0.52) & (side > 0.6),
        1: (np.sin(slant * 70) > 0.1) & (slant > 0.4) & (slant < 0.66) & (side > 0.65),
        2: (np.abs(side - 1.15) < 0.09) & (along > 0.1) & (along < 0.75),
        3: np.zeros_like(side * along, dtype=np.bool_),
    }
    heel = (along < 0.1) & (rng.random() < 0.7)
    toe = (along > 0.86) & (rng.random() < 0.5)
    paint = np.where((stripes[int(rng.integers(4))] | heel)[..., None], accent, colour)
    paint = np.where((toe & (side > -1))[..., None], colour * 0.75 + 0.1, paint)
    paint = np.where(tongue[..., None], colour * 0.6 + 0.04, paint)
    return np.where(collar[..., None], colour * 0.2 + 0.015, paint)


def _sole(width: Array, thick: float, colour: Array) -> Mesh:
    wide = width + 0.025
    x = 2.1 * (_ALONG * 1.02 - 0.01)
    outline = np.concatenate(
        (np.stack((x, -wide), axis=-1), np.stack((x[::-1], wide[::-1]), axis=-1)[1:-1])
    )
    rim = plate(
        outline, thick, lambda places: np.broadcast_to(colour, (len(places), 3)), edge=colour
    )
    tread = plate(outline, 0.03, lambda places: places[:, :1] * 0 + colour * 0.4, edge=colour * 0.4)
    return join(rim, tread)


def _laces(rng: Rng, tall: Array, thick: float, accent: Array) -> Mesh:
    colour = linear(pick(rng, "white", "black")) if rng.random() < 0.6 else accent
    laces = []
    for along in np.linspace(0.47, 0.68, int(rng.integers(4, 6))):
        angle = np.linspace(-0.55, 0.55, 9)
        height = thick + np.interp(along, _ALONG, tall) * np.cos(angle) ** 0.75 + 0.01
        reach = _foot_width(np.array([along]))[0] * np.sign(angle) * np.abs(np.sin(angle)) ** 0.7
        laces.append(
            tube(np.stack((2.1 * along + angle * 0, reach, height), axis=-1), 0.022, colour)
        )
    return join(*laces)


def t_shirt(rng: Rng, colour: str) -> Mesh:
    """A T-shirt laid flat: a body with a scooped neck, two sleeves, soft folds."""
    half = rng.uniform(0.5, 0.62)
    length, slope = rng.uniform(1.35, 1.6), rng.uniform(0.08, 0.14)
    neck, scoop = half * rng.uniform(0.3, 0.4), rng.uniform(0.1, 0.2)
    across, up = np.linspace(-1.0, 1.0, 49), np.linspace(0.0, 1.0, 45)
    x = half * across
    inside = np.abs(x) < neck
    shoulder = length - slope * (np.abs(x) - neck) / (half - neck)
    bowl = length - scoop * np.sqrt(np.clip(1.0 - (x / neck) ** 2, 0.0, 1.0))
    top = np.where(inside, bowl, shoulder)
    flare = 1.0 + 0.05 * (1.0 - up)[:, None] ** 2 - 0.03 * np.sin(np.pi * up)[:, None]
    y = up[:, None] * top[None]
    points = np.stack((x[None] * flare, y, 0.05 + 0 * y), axis=-1)
    cloth = linear(colour)
    paint = _shirt_paint(rng, across, up, cloth)
    body = grid(points, paint, gloss=0.03, closed=False)
    sleeves = [_sleeve(rng, half, length - slope, side, cloth) for side in (-1.0, 1.0)]
    angle = np.linspace(np.pi, 0.0, 25)
    band = np.stack(
        (neck * np.cos(angle), length - scoop * np.sin(angle), 0.06 + angle * 0), axis=-1
    )
    collar = tube(band, 0.03, cloth * 0.82, gloss=0.03)
    return _folded(rng, join(body, *sleeves, collar)).moved(y=-length / 2)


def _shirt_paint(rng: Rng, across: Array, up: Array, cloth: Array) -> Array:
    """Return ``(44, 48, 3)``: plain, striped, with a block, or with a print on the chest."""
    x, y = (across[:-1] + across[1:])[None] / 2, (up[:-1] + up[1:])[:, None] / 2
    ink = linear(pick(rng, "white", "black", "navy", "coral", "mustard", "teal"))
    turn, reach = np.arctan2(y - 0.6, x * 0.4), np.hypot(x * 0.4, (y - 0.6) * 1.1)
    spikes = int(rng.integers(3, 9))
    styles = {
        0: np.zeros_like(x * y, dtype=np.bool_),
        1: (np.floor(y * 44 / rng.integers(2, 5)) % 2 == 0) & (np.abs(x) < 2),
        2: reach < 0.13 + 0.05 * np.cos(spikes * turn),
        3: (np.abs(x) < 0.45) & (np.abs(y - 0.62) < 0.05),
        4: (y > 0.55) & (np.abs(x) < 2),
    }
    return np.where(styles[int(rng.integers(5))][..., None], ink, cloth)


def _sleeve(rng: Rng, half: float, shoulder: float, side: float, cloth: Array) -> Mesh:
    reach, drop, cuff = rng.uniform(0.32, 0.46), rng.uniform(0.2, 0.34), rng.uniform(0.26, 0.32)
    high, low = np.array([half, shoulder]), np.array([half, shoulder - 0.36])
    end = np.array([half + reach, shoulder - drop])
    far = end + np.array([-0.55, -0.83]) * cuff
    along, down = np.linspace(0.0, 1.0, 13)[:, None, None], np.linspace(0.0, 1.0, 13)[None, :, None]
    flat = (1 - along) * ((1 - down) * high + down * low) + along * ((1 - down) * end + down * far)
    points = np.concatenate((flat * (side, 1.0), np.full((13, 13, 1), 0.045)), axis=-1)
    hem = np.where(np.arange(12) > 10, 0.8, 1.0)[:, None, None]
    return grid(points, np.broadcast_to(cloth * hem, (12, 12, 3)), gloss=0.03, closed=False)


def _folded(rng: Rng, mesh: Mesh) -> Mesh:
    """Lift the cloth here and there."""
    x, y = mesh.vertices[:, 0], mesh.vertices[:, 1]
    lift = np.zeros_like(x)
    for _ in range(7):
        direction, pitch = rng.uniform(0, np.pi), rng.uniform(3.0, 11.0)
        wave = np.sin(pitch * (x * np.cos(direction) + y * np.sin(direction)) + rng.uniform(0, 6))
        lift += wave * rng.uniform(0.04, 0.13) / pitch
    return replace(mesh, vertices=mesh.vertices + np.stack((0 * x, 0 * x, lift), axis=-1))


def backpack(rng: Rng, colour: str) -> Mesh:
    width, depth, height = rng.uniform(0.95, 1.15), rng.uniform(0.5, 0.65), rng.uniform(1.35, 1.65)
    cloth = linear(colour)
    second = linear(pick(rng, "black", "tan", "charcoal", "navy", "mustard", "brown", colour))
    body = cushion((width, depth, height), cloth, roundness=rng.uniform(0.3, 0.45), gloss=0.08)
    pocket_height = height * rng.uniform(0.34, 0.46)
    pocket = cushion((width * 0.8, depth * 0.5, pocket_height), second, roundness=0.35, gloss=0.08)
    front, low = -depth * 0.46, -height * 0.42 + pocket_height / 2
    parts = [body, pocket.moved(y=front, z=low)]
    metal = linear(pick(rng, "silver", "gold", "black"))
    parts.append(
        _zip(width * 0.62, metal).moved(y=front - depth * 0.25, z=low + pocket_height * 0.2)
    )
    if rng.random() < 0.6:
        small = cushion((width * 0.6, depth * 0.3, height * 0.18), cloth, roundness=0.3, gloss=0.08)
        parts.append(small.moved(y=-depth * 0.46, z=height * 0.2))
        parts.append(_zip(width * 0.42, metal).moved(y=-depth * 0.6, z=height * 0.24))
    else:
        badge = box((0.22, 0.03, 0.14), linear(pick(rng, "tan", "brown", "white")), parts=3)
        parts.append(badge.moved(y=-depth * 0.5, z=height * 0.16))
    angle = np.linspace(0.0, np.pi, 17)
    loop = np.stack((0.13 * np.cos(angle), 0 * angle, 0.15 * np.sin(angle)), axis=-1)
    parts.append(tube(loop, 0.035, second).moved(y=depth * 0.1, z=height * 0.47))
    parts += [_strap(side, width, depth, height, second) for side in (-1.0, 1.0)]
    return join(*parts)


def _zip(length: float, metal: Array) -> Mesh:
    line = tube(
        np.linspace((-length / 2, 0.0, 0.0), (length / 2, 0.0, 0.0), 18), 0.014, metal, gloss=0.8
    )
    pull = tube(np.linspace((0.0, -0.01, 0.0), (0.02, -0.03, -0.11), 6), 0.017, metal, gloss=0.8)
    return join(line, pull.moved(x=length * 0.36))


def _strap(side: float, width: float, depth: float, height: float, colour: Array) -> Mesh:
    path = [(0.2, 0.3, 0.46), (0.36, 0.62, 0.34), (0.5, 0.78, -0.05), (0.5, 0.6, -0.42)]
    line = smooth_profile(np.array(path) * (side * width, depth, height), 5)
    return tube(line, 0.06, colour, gloss=0.05)


def watch(rng: Rng, colour: str) -> Mesh:
    """A watch laid flat on its strap, the dial up."""
    radius, thick = rng.uniform(0.4, 0.48), rng.uniform(0.13, 0.18)
    metal = linear(pick(rng, "silver", "gold", "rose gold", "charcoal", "black"))
    dial = linear(pick(rng, "white", "black", "navy", "cream", "green", "silver"))
    rim = [(0.0, 0.0), (radius, 0.0), (radius * 1.05, thick * 0.5), (radius, thick)]
    rim += [(radius * 0.9, thick * 1.1), (radius * 0.86, thick * 0.9)]
    face = np.array([(radius * 0.87, thick * 0.9), (radius * 0.5, thick * 0.9), (0.0, thick * 0.9)])
    parts = [_watch_strap(colour, radius, metal, side) for side in (-1.0, 1.0)]
    parts += [lathe(smooth_profile(rim, 4), metal, gloss=0.9), lathe(face, dial, gloss=0.5)]
    ink = linear("white") if dial.mean() < 0.3 else linear(pick(rng, "black", "navy"))
    level = thick * 0.93
    for hour in range(12):
        mark = box((0.02, radius * (0.17 if hour % 3 == 0 else 0.09), 0.008), ink, parts=1)
        mark = mark.moved(y=radius * 0.7, z=level).turned("z", 30.0 * hour)
        parts.append(mark.as_print())
    for length, wide, turn in (
        (0.45, 0.035, rng.uniform(0, 360)),
        (0.66, 0.024, rng.uniform(0, 360)),
    ):
        hand = box((wide, radius * length, 0.01), ink, parts=3)
        hand = hand.moved(y=radius * length / 2, z=level + 0.012).turned("z", turn)
        parts.append(hand.as_print())
    crown = tube(
        np.linspace((radius, 0, thick / 2), (radius * 1.18, 0, thick / 2), 4), 0.045, metal
    )
    return join(*parts, crown)


def _watch_strap(colour: str, radius: float, metal: Array, side: float) -> Mesh:
    """One half of the strap; links where it is metal."""
    length, half = (1.25 if side < 0 else 1.0), radius * 0.5
    steps = np.linspace(0.0, 1.0, 31)
    outline_half = half * (1.0 - 0.25 * steps)
    y = side * (radius * 0.85 + length * steps)
    z = 0.07 - 0.06 * steps + 0.05 * np.sin(np.pi * steps)
    across = np.linspace(-1.0, 1.0, 9)
    bulge = 0.035 * np.sqrt(1.0 - 0.9 * across**2)
    points = np.stack(
        (
            outline_half[:, None] * across,
            np.broadcast_to(y[:, None], (31, 9)),
            z[:, None] + bulge[None],
        ),
        axis=-1,
    )
    linked = colour in ("silver", "grey")
    base = metal if linked else linear(colour)
    shade = np.where(np.arange(30) % 3 == 0, 0.35 if linked else 1.0, 1.0)[:, None, None]
    stitch = (np.abs(np.abs(np.arange(8) - 3.5) - 2.5) < 0.3)[None, :, None] & (
        np.arange(30) % 2 == 0
    )[:, None, None]
    paint = np.broadcast_to(base * shade, (30, 8, 3))
    if not linked:
        paint = np.where(stitch, base * 0.6 + 0.25, paint)
    return grid(points, paint, gloss=0.8 if linked else 0.15, closed=False)
