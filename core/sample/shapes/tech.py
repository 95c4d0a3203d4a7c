"""Things for the desk: headphones, phone, book."""

from dataclasses import replace

import numpy as np

from core.sample.mesh import (
    Array,
    Mesh,
    box,
    grid,
    join,
    lathe,
    plate,
    rounded_rectangle,
    smooth_profile,
    tube,
)
from core.sample.palette import linear, pick, pick_pair

Rng = np.random.Generator


def headphones(rng: Rng, colour: str) -> Mesh:
    shell = linear(colour)
    soft = linear(pick(rng, "black", "charcoal", "cream", "brown", "grey"))
    metal = linear(pick(rng, "silver", "charcoal", "gold", colour))
    radius, tall = rng.uniform(0.66, 0.78), rng.uniform(0.95, 1.2)
    angle = np.linspace(0.0, np.pi, 31)
    arch = np.stack((radius * np.cos(angle), 0 * angle, tall * np.sin(angle)), axis=-1)
    thick = rng.uniform(0.05, 0.08)
    parts = [tube(arch, thick, shell, gloss=0.4)]
    pad = slice(8, 23)
    parts.append(tube(arch[pad] * (0.95, 1.0, 0.95), thick * 1.35, soft, gloss=0.05))
    cup = rng.uniform(0.36, 0.44)
    for side in (-1.0, 1.0):
        parts.append(
            _ear_cup(cup, shell, soft, metal).turned("y", 90.0 * side).moved(x=side * radius)
        )
        stem = np.linspace((side * radius, 0.0, cup * 0.7), (side * radius, 0.0, 0.12 + cup), 8)
        parts.append(tube(stem, 0.05, metal, gloss=0.8))
    return join(*parts)


def _ear_cup(radius: float, shell: Array, soft: Array, metal: Array) -> Mesh:
    """A cup that looks up along z; its cushion below."""
    outer = [(radius * 0.95, 0.0), (radius, 0.05), (radius * 0.9, 0.16), (radius * 0.55, 0.2)]
    lid = [(radius * 0.55, 0.2), (radius * 0.5, 0.215), (0.0, 0.215)]
    inner = [(0.0, -0.1), (radius * 0.5, -0.1), (radius * 0.62, -0.2), (radius * 0.85, -0.22)]
    inner += [(radius * 1.02, -0.1), (radius * 0.95, 0.0)]
    cup = join(
        lathe(smooth_profile(outer, 3), shell, gloss=0.5, segments=44),
        lathe(lid, metal, gloss=0.8, segments=44),
        lathe(smooth_profile(inner, 3), soft, gloss=0.1, segments=44),
    )
    return cup.scaled(x=1.12, y=0.9)


def phone(rng: Rng, colour: str) -> Mesh:
    """A phone laid flat, its screen or its back up."""
    width, height, thick = rng.uniform(0.92, 1.02), rng.uniform(1.9, 2.1), rng.uniform(0.07, 0.1)
    outline = rounded_rectangle(width, height, rng.uniform(0.09, 0.18), parts=16)
    is_face_up = rng.random() < 0.6
    front = np.full(3, 0.008) if is_face_up else linear(colour)
    edge = linear(colour) * 0.8
    body = plate(
        outline,
        thick,
        lambda at: np.broadcast_to(front, (len(at), 3)),
        edge=edge,
        gloss=0.6,
        rings=5,
    )
    if is_face_up:
        return join(body, _screen(rng, width * 0.94, height * 0.965).moved(z=thick))
    return join(body, _cameras(rng, width, height, linear(colour)).moved(z=thick))


def _screen(rng: Rng, width: float, height: float) -> Mesh:
    """A picture of two colours with a clock and rows of icons, black in the corners."""
    backgrounds = ("navy", "purple", "teal", "coral", "sky", "orange", "pink", "mint", "blue")
    first, second = (linear(name) for name in pick_pair(rng, *backgrounds))
    column, row = np.meshgrid(np.arange(28), np.arange(56))  # an icon every 7 cells, 5 wide
    u, v = (column + 0.5) / 28, (row + 0.5) / 56
    blend = v + rng.uniform(-1, 1) * (u - 0.5) + 0.12 * np.sin(u * 5 + v * 4)
    blend = np.clip(blend, 0, 1)[..., None]
    paint = first * blend + second * (1 - blend) + 0.04
    rows = int(rng.integers(3, 6))
    icons = np.stack([linear(pick(rng)) for _ in range(4 * rows)]).reshape(rows, 4, 3)
    is_icon = (column % 7 % 6 > 0) & (row % 7 % 6 > 0) & (row < 7 * rows)
    paint = np.where(is_icon[..., None], icons[np.minimum(row // 7, rows - 1), column // 7], paint)
    clock = (np.abs(u - 0.5) < 0.22) & (np.abs(v - 0.84) < 0.03)
    paint = np.where(clock[..., None], 0.95, paint)
    corner = np.minimum(column, 27 - column) + np.minimum(row, 55 - row) < 2
    paint = np.where(corner[..., None], 0.008, paint)
    x, y = np.meshgrid(np.linspace(-0.5, 0.5, 29) * width, np.linspace(-0.5, 0.5, 57) * height)
    return grid(np.stack((x, y, np.zeros_like(x)), axis=-1), paint, gloss=0.65).as_print()


def _cameras(rng: Rng, width: float, height: float, colour: Array) -> Mesh:
    size = rng.uniform(0.36, 0.46)
    bump = plate(
        rounded_rectangle(size, size, 0.09),
        0.035,
        lambda at: np.broadcast_to(colour * 0.7, (len(at), 3)),
        edge=colour * 0.6,
        gloss=0.6,
        rings=5,
    )
    spots = [(-0.25, 0.25), (-0.25, -0.25), (0.25, 0.0)][: int(rng.integers(2, 4))]
    ring = [(size * 0.19, 0.0), (size * 0.19, 0.03), (size * 0.15, 0.035)]
    lens = [
        join(
            lathe(ring, linear("silver"), gloss=0.9, segments=24),
            lathe(
                [(size * 0.15, 0.03), (size * 0.07, 0.03), (0.0, 0.03)],
                [[[0.02, 0.02, 0.03]]] * 2,
                gloss=0.9,
                segments=24,
            ),
        ).moved(x * size, y * size, 0.035)
        for x, y in spots
    ]
    return join(bump, *lens).as_print().moved(x=-width / 2 + size * 0.7, y=height / 2 - size * 0.7)


def book(rng: Rng, colour: str) -> Mesh:
    """A hardcover laid flat, its title up and its spine to the left."""
    width, height, thick = rng.uniform(1.1, 1.4), rng.uniform(1.6, 1.9), rng.uniform(0.16, 0.42)
    cover = 0.035
    paper = linear(pick(rng, "white", "cream"))
    pages = box((width * 0.96, height * 0.95, thick), paper * 0.9, gloss=0.0, parts=16)
    stripes = 1.0 - 0.16 * (np.arange(len(pages.colours)) % 2)[:, None]
    pages = replace(pages, colours=pages.colours * stripes)
    cloth = linear(colour)
    below = box((width, height, cover), cloth, parts=10)
    spine = box((cover * 1.4, height, thick + 2 * cover), cloth, parts=10).moved(x=-width / 2)
    front = _cover(rng, width, height, cloth).moved(z=thick + cover)
    lid = box((width, height, cover), cloth, parts=10).moved(z=thick + cover)
    return join(below, pages.moved(z=cover), spine, lid, front.moved(z=cover))


def _cover(rng: Rng, width: float, height: float, cloth: Array) -> Mesh:
    """A printed sheet: a title, an author, and a round, striped or hilly picture."""
    ink, second = (
        linear(name)
        for name in pick_pair(rng, "white", "cream", "gold", "black", "coral", "mint", "navy")
    )
    u, v = np.meshgrid(np.linspace(-0.5, 0.5, 53), np.linspace(-0.5, 0.5, 69))
    x, y = (u[:-1, :-1] + u[1:, 1:]) / 2, (v[:-1, :-1] + v[1:, 1:]) / 2
    title_y = rng.uniform(0.16, 0.34)
    words = np.sin(x * rng.uniform(40, 70) + np.floor(y * 24) * 2.0) > -0.75
    title = (
        (np.abs(x) < 0.36)
        & (np.abs(y - title_y) < 0.055)
        & words
        & (np.abs((y - title_y) * 24 % 1.3) < 0.9)
    )
    author = (np.abs(x) < 0.2) & (np.abs(y + 0.4) < 0.014)
    reach = np.hypot(x * width / height, y + 0.06)
    pictures = {
        0: reach < rng.uniform(0.1, 0.19),
        1: (np.abs(y + 0.08) < 0.16) & (np.sin((x + y * rng.uniform(-1, 1)) * 40) > 0),
        2: (y < -0.12 + 0.08 * np.sin(x * rng.uniform(5, 12) + rng.uniform(0, 6))) & (y > -0.34),
        3: np.abs(reach - 0.16) < 0.025,
        4: np.maximum(np.abs(x) * width / height, np.abs(y) - 0.1) > 0.33,
    }
    paint = np.where(pictures[int(rng.integers(5))][..., None], second, cloth)
    paint = np.where((title | author)[..., None], ink, paint)
    points = np.stack((u * width, v * height, np.zeros_like(u)), axis=-1)
    return grid(points, paint, gloss=rng.uniform(0.1, 0.5)).as_print()
