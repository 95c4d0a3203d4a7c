"""Things for the home: mug, bottle, lamp, chair, plant pot."""

from dataclasses import replace

import numpy as np

from core.sample.mesh import (
    SEGMENTS,
    Array,
    Mesh,
    box,
    cushion,
    grid,
    join,
    lathe,
    smooth_profile,
    tube,
)
from core.sample.palette import WOODS, linear, pick, pick_pair

Rng = np.random.Generator


def mug(rng: Rng, colour: str) -> Mesh:
    height, radius = rng.uniform(0.9, 1.25), rng.uniform(0.42, 0.55)
    waist, foot = rng.uniform(0.86, 1.06), rng.uniform(0.8, 1.0)
    wall = 0.045
    outer = [(0.0, 0.0), (radius * foot * 0.9, 0.0), (radius * foot, 0.05)]
    outer += [(radius * waist, height * 0.5), (radius, height - 0.03), (radius - wall / 2, height)]
    inner = [(radius - wall, height - 0.03), (radius * waist - wall, height * 0.5)]
    inner += [(radius * foot - wall, 0.12), (0.0, 0.1)]
    outside, inside = smooth_profile(outer, 8), smooth_profile(inner)
    glaze = linear(pick(rng, "white", "cream", colour))
    paint = _decorate(rng, outside, linear(colour))
    body = lathe(outside, paint, gloss=rng.uniform(0.3, 0.8))
    hollow = lathe(np.concatenate((outside[-1:], inside)), glaze * 0.75, gloss=0.4)
    return join(body, hollow, _mug_handle(rng, height, radius * waist, linear(colour)))


def _mug_handle(rng: Rng, height: float, radius: float, colour: Array) -> Mesh:
    reach, tall = rng.uniform(0.28, 0.38), height * rng.uniform(0.26, 0.33)
    angle = np.linspace(-np.pi / 2, np.pi / 2, 22)
    bow = np.cos(angle) ** rng.uniform(0.5, 1.0)
    path = np.stack(
        (radius - 0.04 + reach * bow, np.zeros(22), height * 0.52 + tall * np.sin(angle)), axis=-1
    )
    return tube(path, rng.uniform(0.055, 0.08), colour, gloss=0.5)


def _decorate(rng: Rng, profile: Array, colour: Array) -> Array:
    """Return ``(R - 1, SEGMENTS, 3)`` colours of a turned body: plain, dipped, banded or dotted."""
    height = (profile[:-1, 1] + profile[1:, 1])[:, None] / (2 * profile[:, 1].max())
    angle = np.arange(SEGMENTS)[None] / SEGMENTS
    second = linear(pick(rng, "white", "cream", "navy", "coral", "mustard", "charcoal", "mint"))
    style = rng.integers(5)
    if style == 0:
        mask = (height < rng.uniform(0.3, 0.6)) & (angle >= 0)
    elif style == 1:
        mask = (np.abs(height - rng.uniform(0.4, 0.7)) < rng.uniform(0.05, 0.14)) & (angle >= 0)
    elif style == 2:
        mask = (np.sin(height * 2 * np.pi * 7) > 0.1) & (np.sin(angle * 2 * np.pi * 12 + 0.4) > 0.1)
    elif style == 3:
        mask = (np.abs(height - 0.55) < 0.2) & (np.abs(angle - 0.75) < 0.1)
    else:
        mask = np.zeros((len(height), SEGMENTS), dtype=np.bool_)
    return np.where(mask[..., None], second, colour)


def bottle(rng: Rng, colour: str) -> Mesh:
    radius, height = rng.uniform(0.36, 0.46), rng.uniform(1.7, 2.3)
    neck, shoulder = rng.uniform(0.13, 0.2), rng.uniform(0.55, 0.72)
    cap_from = height * 0.9
    body = smooth_profile(
        [
            (0.0, 0.0),
            (radius * 0.95, 0.0),
            (radius, 0.08),
            (radius * rng.uniform(0.88, 1.0), 0.6),
            (radius, height * shoulder),
            (neck, height * (shoulder + 0.17)),
            (neck, cap_from),
        ],
        steps=6,
    )
    middle = ((body[:-1, 1] + body[1:, 1]) / (2 * height))[:, None]
    angle = np.arange(SEGMENTS)[None]
    low, high = np.sort(rng.uniform((0.14, 0.4), (0.24, 0.56)))
    label = (middle > low) & (middle < high)
    motif = np.abs(middle - (low + high) / 2) < (high - low) * 0.22
    motif = motif & (np.abs(angle % 24 - 12) < rng.integers(5, 10))
    paper, ink = pick_pair(rng, "white", "cream", "navy", "mustard", "red", "black", "mint")
    paint = np.where(label[..., None] & (angle >= 0)[..., None], linear(paper), linear(colour))
    paint = np.where((motif & label)[..., None], linear(ink), paint)
    cap_radius = neck * rng.uniform(1.05, 1.35)
    cap = [(neck, cap_from), (cap_radius, cap_from), (cap_radius, height - 0.02)]
    cap += [(cap_radius * 0.92, height), (0.0, height)]
    lid = lathe(smooth_profile(cap), linear(pick(rng, "black", "white", "silver", "gold", colour)))
    return join(lathe(body, paint, gloss=rng.uniform(0.5, 0.95)), lid)


def lamp(rng: Rng, colour: str) -> Mesh:
    foot_colour = linear(pick(rng, *WOODS, "gold", "black", "white", "teal", "silver"))
    stem_height = rng.uniform(0.9, 1.5)
    shade_low, shade_high = rng.uniform(0.5, 0.72), rng.uniform(0.26, 0.5)
    shade_height = rng.uniform(0.55, 0.85)
    foot_radius = rng.uniform(0.28, 0.42)
    foot = [(0.0, 0.0), (foot_radius, 0.0), (foot_radius, 0.06), (0.07, 0.12)]
    belly = rng.uniform(0.06, 0.3)
    foot += [(belly, stem_height * 0.35), (belly * 0.8, stem_height * 0.6), (0.05, stem_height)]
    stem = lathe(smooth_profile(foot), foot_colour, gloss=0.6, segments=40)
    glow = rng.uniform(0.0, 1.1)
    cloth = linear(colour) * (1.0 + glow * np.array([1.0, 0.8, 0.5]))
    pleats = 1.0 - rng.uniform(0.0, 0.16) * (np.arange(SEGMENTS) % 2)[None, :, None]
    height = np.linspace(0.0, 1.0, 13)
    radius = shade_low + (shade_high - shade_low) * height
    line = np.stack((radius, stem_height - 0.1 + shade_height * height), axis=-1)
    shade = lathe(line, np.broadcast_to(cloth * pleats, (12, SEGMENTS, 3)), gloss=0.05)
    inside = lathe(line[::-1] * (0.98, 1.0), cloth * 0.9 + 0.15 * glow, gloss=0.0)
    return join(stem, inside, shade)


def chair(rng: Rng, colour: str) -> Mesh:
    frame = linear(colour)
    width, depth, seat = rng.uniform(0.85, 1.0), rng.uniform(0.8, 0.95), rng.uniform(0.85, 1.0)
    leg = rng.uniform(0.035, 0.06)
    splay = rng.uniform(0.0, 0.12)
    legs = linear(pick(rng, colour, "black", *WOODS))
    parts = [
        tube(
            np.linspace((x * (1 + splay), y * (1 + splay), 0.0), (x, y, seat), 14),
            np.linspace(leg * 0.7, leg, 14),
            legs,
        )
        for x in (-width * 0.42, width * 0.42)
        for y in (-depth * 0.42, depth * 0.42)
    ]
    parts.append(box((width, depth, 0.08), frame, parts=8).moved(z=seat))
    if rng.random() < 0.5:
        fabric = linear(pick(rng, "grey", "navy", "mustard", "cream", "green", "coral"))
        pad = cushion((width * 0.94, depth * 0.94, 0.18), fabric, roundness=0.3, gloss=0.05)
        parts.append(pad.moved(z=seat + 0.12))
    parts.append(_chair_back(rng, width, frame).moved(y=depth * 0.45, z=seat))
    return join(*parts)


def _chair_back(rng: Rng, width: float, colour: Array) -> Mesh:
    height = rng.uniform(0.85, 1.15)
    style = rng.integers(3)
    posts = [box((0.07, 0.06, height), colour).moved(x=x) for x in (-width * 0.44, width * 0.44)]
    if style == 0:
        count = int(rng.integers(2, 5))
        slats = [
            box((width * 0.9, 0.04, 0.13), colour).moved(z=height * (0.25 + 0.7 * i / count))
            for i in range(count)
        ]
        back = join(*posts, *slats)
    elif style == 1:
        spindles = [
            tube(np.linspace((x, 0.0, 0.05), (x, 0.0, height), 12), 0.025, colour)
            for x in np.linspace(-width * 0.36, width * 0.36, int(rng.integers(4, 7)))
        ]
        back = join(
            *posts, *spindles, box((width * 0.96, 0.07, 0.14), colour).moved(z=height - 0.1)
        )
    else:
        shell = cushion((width * 0.98, 0.12, height * 0.75), colour, roundness=0.35)
        back = join(*posts, shell.moved(z=height * 0.62))
    return back.turned("x", -rng.uniform(4, 12))


def plant_pot(rng: Rng, colour: str) -> Mesh:
    radius, height = rng.uniform(0.42, 0.55), rng.uniform(0.65, 0.95)
    foot = radius * rng.uniform(0.62, 0.95)
    rim = rng.uniform(0.0, 0.07)
    outer = [(0.0, 0.0), (foot * 0.95, 0.0), (foot, 0.04), (radius, height * 0.8)]
    outer += [(radius + rim, height * 0.82), (radius + rim, height), (radius - 0.03, height)]
    outside = smooth_profile(outer, 8)
    inside = np.array([outside[-1], (radius - 0.05, height - 0.08), (0.0, height - 0.07)])
    pot = lathe(outside, _decorate(rng, outside, linear(colour)), gloss=rng.uniform(0.05, 0.5))
    soil = lathe(inside, linear("brown") * 0.5, gloss=0.0)
    grow = (_leafy, _cactus, _bushy)[rng.integers(3)]
    return join(pot, soil, grow(rng, radius).moved(z=height - 0.1))


def _leafy(rng: Rng, radius: float) -> Mesh:
    """Long leaves that bend outwards."""
    count = int(rng.integers(11, 20))
    turns = np.linspace(0.0, 360.0, count, endpoint=False) + rng.uniform(-12, 12, count)
    tall, broad = rng.uniform(0.8, 1.4), rng.uniform(0.07, 0.14)
    leaves = []
    for turn in turns:
        lean = rng.uniform(0.15, 0.8)
        leaf = _leaf(tall * rng.uniform(0.7, 1.1), broad, lean * tall * 0.7, _leaf_green(rng))
        leaves.append(leaf.moved(x=radius * 0.12).turned("z", float(turn)))
    return join(*leaves)


def _bushy(rng: Rng, radius: float) -> Mesh:
    """Round leaves on stems."""
    leaves = []
    for _ in range(int(rng.integers(22, 34))):
        size = rng.uniform(0.12, 0.22)
        place = rng.normal(0.0, (radius * 0.55, radius * 0.55, 0.16))
        leaf = _leaf(size * 1.6, size * 0.7, size, _leaf_green(rng))
        leaf = leaf.turned("y", rng.uniform(20, 80)).turned("z", rng.uniform(0, 360))
        leaves.append(leaf.moved(*place))
        stalk = np.linspace((0.0, 0.0, 0.0), place, 8)
        leaves.append(tube(stalk, 0.012, _leaf_green(rng) * 0.7))
    return join(*leaves)


def _cactus(rng: Rng, radius: float) -> Mesh:
    """A ribbed column, sometimes with arms."""
    tall, ribs = rng.uniform(0.6, 1.3), int(rng.integers(8, 13))
    trunk = cushion((radius, radius, tall), _leaf_green(rng), roundness=0.75, gloss=0.15)
    angle = np.arctan2(trunk.vertices[:, 1], trunk.vertices[:, 0])
    bulge = (1.0 + 0.09 * np.cos(ribs * angle))[:, None] * (1.0, 1.0, 0.0) + (0.0, 0.0, 1.0)
    body = replace(trunk, vertices=trunk.vertices * bulge)
    parts = [body.moved(z=tall / 2)]
    if rng.random() < 0.6:
        reach = radius * 0.75
        path = [(0.0, 0.0, tall * 0.4), (reach, 0.0, tall * 0.42), (reach * 1.1, 0.0, tall * 0.8)]
        arm = tube(smooth_profile(path, 4), radius * 0.16, _leaf_green(rng))
        parts.append(arm.turned("z", rng.uniform(0, 360)))
    return join(*parts)


def _leaf_green(rng: Rng) -> Array:
    return np.asarray(linear(pick(rng, "green", "olive")) * rng.uniform(0.7, 1.5, 3))


def _leaf(length: float, width: float, lean: float, colour: Array) -> Mesh:
    """A blade that grows upwards and bends towards x."""
    along = np.linspace(0.0, 1.0, 12)
    half = width * np.sin(np.pi * (0.08 + 0.92 * along)) ** 0.8
    x = lean * along**2
    z = length * along * (1.0 - 0.25 * (lean / max(length, 0.1)) * along**2)
    blade = np.stack(
        [np.stack((x + 0.25 * half * abs(s), s * half, z), axis=-1) for s in (-1.0, 0.0, 1.0)],
        axis=1,
    )
    shades = np.array([0.85, 1.1])[None, :, None] * colour
    return grid(blade, np.broadcast_to(shades, (11, 2, 3)), gloss=0.3, closed=False)
