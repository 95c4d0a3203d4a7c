"""Meshes of coloured quads, and the few ways in which products are built from them.

Axes: x to the right, y away from the camera, z up; the ground is z = 0. Units are about
decimetres, but only proportions matter, since a picture is framed around what it shows.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

SEGMENTS = 48
"""Into how many a turned body is cut around."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """Quads with a colour each.

    Attributes:
        vertices: ``(V, 3)`` float64.
        faces: ``(F, 4)`` int64, counter-clockwise seen from outside.
        colours: ``(F, 3)`` float64, linear RGB, 0 to 1 (more glows).
        gloss: ``(F,)`` float64, 0 matt to 1 polished.
        closed: ``(F,)`` bool; the back of a closed face is never seen.
        printed: ``(F,)`` bool; lies flat on other faces and is painted after them.
    """

    vertices: Array
    faces: NDArray[np.int64]
    colours: Array
    gloss: Array
    closed: NDArray[np.bool_]
    printed: NDArray[np.bool_]

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> "Mesh":
        return replace(self, vertices=self.vertices + np.array([x, y, z]))

    def scaled(self, x: float = 1.0, y: float = 1.0, z: float = 1.0) -> "Mesh":
        return replace(self, vertices=self.vertices * (x, y, z))

    def turned(self, axis: str, degrees: float) -> "Mesh":
        """Turn about a coordinate axis, counter-clockwise when it points at the viewer."""
        return replace(self, vertices=self.vertices @ rotation(axis, degrees).T)

    def as_print(self) -> "Mesh":
        return replace(self, printed=np.ones_like(self.printed))

    def on_ground(self) -> "Mesh":
        return self.moved(z=-float(self.vertices[:, 2].min()))


def rotation(axis: str, degrees: float) -> Array:
    """Return the ``(3, 3)`` matrix that turns about ``x``, ``y`` or ``z``."""
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3)
    angle = np.radians(degrees)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[second, first] = np.sin(angle)
    matrix[first, second] = -np.sin(angle)
    return matrix


def join(*meshes: Mesh) -> Mesh:
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    return Mesh(
        vertices=np.concatenate([mesh.vertices for mesh in meshes]),
        faces=np.concatenate([mesh.faces + s for mesh, s in zip(meshes, starts, strict=True)]),
        colours=np.concatenate([mesh.colours for mesh in meshes]),
        gloss=np.concatenate([mesh.gloss for mesh in meshes]),
        closed=np.concatenate([mesh.closed for mesh in meshes]),
        printed=np.concatenate([mesh.printed for mesh in meshes]),
    )


def grid(points: Array, colour: ArrayLike, *, gloss: float = 0.3, closed: bool = True) -> Mesh:
    """Span quads over ``(R, C, 3)`` points.

    Args:
        colour: ``(3,)`` for all quads or ``(R - 1, C - 1, 3)`` for each.
    """
    rows, columns = points.shape[:2]
    index = np.arange(rows * columns).reshape(rows, columns)
    corners = (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1])
    faces = np.stack(corners, axis=-1).reshape(-1, 4)
    colours = np.broadcast_to(np.asarray(colour, dtype=np.float64), (rows - 1, columns - 1, 3))
    return Mesh(
        vertices=points.reshape(-1, 3),
        faces=faces,
        colours=colours.reshape(-1, 3),
        gloss=np.full(len(faces), gloss),
        closed=np.full(len(faces), closed),
        printed=np.zeros(len(faces), dtype=np.bool_),
    )


def lathe(
    profile: ArrayLike, colour: ArrayLike, *, gloss: float = 0.3, segments: int = SEGMENTS
) -> Mesh:
    """Turn a profile about the z axis.

    Args:
        profile: ``(R, 2)`` radius and height; from the bottom up it faces outwards.
        colour: ``(3,)``, ``(R - 1, 1, 3)`` for rings or ``(R - 1, segments, 3)`` for quads.
    """
    radius, height = np.asarray(profile, dtype=np.float64).T
    angle = np.linspace(0.0, 2.0 * np.pi, segments + 1)
    ring = np.stack((np.cos(angle), np.sin(angle)), axis=-1)
    points = np.concatenate(
        (
            radius[:, None, None] * ring[None],
            np.broadcast_to(height[:, None, None], (len(height), segments + 1, 1)),
        ),
        axis=-1,
    )
    return grid(points, colour, gloss=gloss)


def smooth_profile(points: ArrayLike, steps: int = 2) -> Array:
    """Round the corners of a ``(N, D)`` line by three rounds of corner cutting, ends kept.

    G. Chaikin, An algorithm for high-speed curve generation, 1974.
    """
    line = np.asarray(points, dtype=np.float64)
    for _ in range(3):
        first, second = line[:-1], line[1:]
        cut = np.stack((0.75 * first + 0.25 * second, 0.25 * first + 0.75 * second), axis=1)
        line = np.concatenate((line[:1], cut.reshape(-1, line.shape[1]), line[-1:]))
    return refine(line, steps)


def refine(line: Array, parts: int) -> Array:
    """Cut every piece of a ``(N, D)`` line that is longer than 1 / parts of it."""
    lengths = np.linalg.norm(np.diff(line, axis=0), axis=1)
    longest = lengths.sum() / (parts * 4)
    pieces = [line[:1]]
    for start, end, length in zip(line[:-1], line[1:], lengths, strict=True):
        count = max(1, int(np.ceil(length / longest)))
        pieces.append(start + (end - start) * np.linspace(0, 1, count + 1)[1:, None])
    return np.concatenate(pieces)


def tube(
    path: ArrayLike, radius: ArrayLike, colour: ArrayLike, *, gloss: float = 0.3, flat: float = 1.0
) -> Mesh:
    """Sweep a circle along a ``(N, 3)`` path; ``flat`` below 1 squeezes it across the path."""
    line = np.asarray(path, dtype=np.float64)
    line = np.concatenate((line[:1], line, line[-1:]))
    sizes = np.broadcast_to(np.asarray(radius, dtype=np.float64), (len(line) - 2,))
    sizes = np.concatenate(([1e-4], sizes, [1e-4]))
    tangent = np.gradient(line[1:-1], axis=0)
    tangent = np.concatenate((tangent[:1], tangent, tangent[-1:]))
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    side = _perpendicular(tangent)
    other = np.cross(tangent, side)
    angle = np.linspace(0.0, 2.0 * np.pi, 15)
    circle = np.cos(angle)[None, :, None] * side[:, None] * flat
    circle = circle + np.sin(angle)[None, :, None] * other[:, None]
    return grid(line[:, None] + sizes[:, None, None] * circle, colour, gloss=gloss)


def _perpendicular(tangent: Array) -> Array:
    """Return unit vectors across the ``(N, 3)`` tangents, without a twist along a plane curve."""
    spread = tangent.max(axis=0) - tangent.min(axis=0) + np.abs(tangent).mean(axis=0)
    reference = np.eye(3)[int(np.argmin(spread))]
    across = np.cross(reference, tangent)
    return np.asarray(across / np.linalg.norm(across, axis=1, keepdims=True))


def box(size: ArrayLike, colour: ArrayLike, *, gloss: float = 0.3, parts: int = 6) -> Mesh:
    """Return a box centred on x and y that stands on the ground."""
    width, depth, height = np.asarray(size, dtype=np.float64)
    side = np.linspace(-0.5, 0.5, parts + 1)
    first, second = np.meshgrid(side, side, indexing="xy")
    top = grid(np.stack((first, second, np.full_like(first, 0.5)), axis=-1), colour, gloss=gloss)
    around = [top.turned("x", degrees) for degrees in (0, 90, 180, 270)]
    ends = [top.turned("y", degrees) for degrees in (90, 270)]
    return join(*around, *ends).scaled(width, depth, height).moved(z=height / 2)


def cushion(
    size: ArrayLike, colour: ArrayLike, *, roundness: float = 0.5, gloss: float = 0.2
) -> Mesh:
    """Return a superellipsoid centred on the origin: 1 is an ellipsoid, 0.2 nearly a box.

    A. Barr, Superquadrics and angle-preserving transformations, 1981.
    """
    latitude = np.linspace(-np.pi / 2, np.pi / 2, 25)
    longitude = np.linspace(-np.pi, np.pi, 41)

    def bend(values: Array) -> Array:
        return np.asarray(np.sign(values) * np.abs(values) ** roundness)

    across = bend(np.cos(latitude))[:, None]
    points = np.stack(
        (
            across * bend(np.cos(longitude)),
            across * bend(np.sin(longitude)),
            np.broadcast_to(bend(np.sin(latitude))[:, None], (25, 41)),
        ),
        axis=-1,
    )
    return grid(points * np.asarray(size, dtype=np.float64) / 2, colour, gloss=gloss)


def plate(
    outline: Array,
    thickness: float,
    paint: Callable[[Array], Array],
    *,
    edge: ArrayLike,
    gloss: float = 0.3,
    rings: int = 14,
) -> Mesh:
    """Return a flat piece on the ground with a painted top.

    Args:
        outline: ``(N, 2)``, counter-clockwise, seen whole from its middle.
        paint: Colours, ``(M, 3)``, of the ``(M, 2)`` places on the top.
        edge: ``(3,)`` colour of the rim and the underside.
    """
    closed = np.concatenate((outline, outline[:1]))
    middle = outline.mean(axis=0)
    share = np.linspace(1.0, 0.0, rings)[:, None, None]
    flat = middle + (closed - middle)[None] * share
    top = np.concatenate((flat, np.full((*flat.shape[:2], 1), thickness)), axis=-1)
    centres = (flat[:-1, :-1] + flat[1:, 1:] + flat[:-1, 1:] + flat[1:, :-1]) / 4
    colours = paint(centres.reshape(-1, 2)).reshape(*centres.shape[:2], 3)
    rim = np.stack([np.column_stack((closed, np.full(len(closed), z))) for z in (0.0, thickness)])
    return join(grid(top, colours, gloss=gloss), grid(rim, edge, gloss=gloss))


def rounded_rectangle(width: float, height: float, radius: float, parts: int = 24) -> Array:
    """Return the ``(N, 2)`` outline, counter-clockwise, finely cut, centred on the origin."""
    quarter = np.linspace(0.0, np.pi / 2, 8)
    corners = []
    for turn, (x, y) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        angle = quarter + turn * np.pi / 2
        centre = np.array([x * (width / 2 - radius), y * (height / 2 - radius)])
        corners.append(centre + radius * np.stack((np.cos(angle), np.sin(angle)), axis=-1))
    line = np.concatenate((*corners, corners[0][:1]))
    return refine(line, parts)[:-1]
