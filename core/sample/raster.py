"""Draw a mesh: a camera, one key light with a soft sky, and a shadow on the ground."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.sample.mesh import Array, Mesh, rotation

SUPERSAMPLING = 2
CAMERA_DISTANCE = 6.0

Picture = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Camera:
    """Looks at the product from ``elevation_deg`` above the ground.

    Attributes:
        scale_px: Pixels a unit, at the product.
        offset_px: Where the middle of the product lies.
    """

    elevation_deg: float
    centre: Array
    radius: float
    scale_px: float
    offset_px: tuple[float, float]

    def project(self, points: Array) -> tuple[Array, Array]:
        """Return ``(N, 2)`` places in px and ``(N,)`` distances of ``(N, 3)`` points."""
        seen = (points - self.centre) / self.radius @ rotation("x", self.elevation_deg).T
        distance = CAMERA_DISTANCE + seen[:, 1]
        shrink = self.scale_px * CAMERA_DISTANCE / np.maximum(distance, 0.5)
        places = np.stack((seen[:, 0] * shrink, -seen[:, 2] * shrink), axis=-1)
        return places + self.offset_px, distance

    @property
    def towards(self) -> Array:
        """Unit vector from the product to the camera."""
        angle = np.radians(self.elevation_deg)
        return np.array([0.0, -np.cos(angle), np.sin(angle)])


@dataclass(frozen=True, slots=True)
class Light:
    """One lamp far away and a sky.

    Attributes:
        towards: Unit vector from the product to the lamp.
        strength: Of the lamp, beside ``sky`` from everywhere.
        colour: ``(3,)`` linear RGB of the lamp.
    """

    towards: Array
    strength: float
    sky: float
    colour: Array


def frame(mesh: Mesh, *, elevation_deg: float, size_px: int, fill: float, shift: Array) -> Camera:
    """Return the camera whose picture the product fills to the given share."""
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    centre = (low + high) / 2
    radius = float(np.linalg.norm(high - low) / 2)
    rough = Camera(elevation_deg, centre, radius, 1.0, (0.0, 0.0))
    places, _distance = rough.project(mesh.vertices)
    corner_low, corner_high = places.min(axis=0), places.max(axis=0)
    scale_px = fill * size_px / float((corner_high - corner_low).max())
    middle = size_px / 2 + shift * size_px - (corner_low + corner_high) / 2 * scale_px
    return Camera(elevation_deg, centre, radius, scale_px, (float(middle[0]), float(middle[1])))


def draw(mesh: Mesh, camera: Camera, light: Light, size_px: int) -> NDArray[np.uint8]:
    """Return ``(size_px, size_px, 4)`` uint8: sRGB multiplied by its alpha, and alpha.

    Far quads are painted first, nearer ones over them, prints last.
    """
    places, distance = camera.project(mesh.vertices)
    corners = mesh.vertices[mesh.faces]
    normals = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    length = np.linalg.norm(normals, axis=1)
    normals /= np.maximum(length, 1e-12)[:, None]
    facing = _facing(places[mesh.faces])
    seen = (facing | ~mesh.closed) & (length > 1e-12)
    normals[~facing] *= -1.0
    colours = to_srgb(_shade(mesh, normals, corners.mean(axis=1), camera, light))
    order = np.flatnonzero(seen)
    nearness = 2 * CAMERA_DISTANCE * mesh.printed - distance[mesh.faces].mean(axis=1)
    order = order[np.argsort(nearness[order], kind="stable")]
    polygons = np.rint(places[mesh.faces[order]] * SUPERSAMPLING).astype(np.int32)
    side = size_px * SUPERSAMPLING
    canvas = np.zeros((side, side, 4), np.uint8)
    paints = np.column_stack((colours[order], np.full(len(order), 255))).tolist()
    for polygon, paint in zip(polygons, paints, strict=True):
        cv2.fillConvexPoly(canvas, polygon, paint)
    return np.asarray(cv2.resize(canvas, (size_px, size_px), interpolation=cv2.INTER_AREA))


def draw_shadow(mesh: Mesh, camera: Camera, light: Light, size_px: int) -> Picture:
    """Return ``(size_px, size_px)`` in 0 to 1: how much light the ground keeps.

    The vertices lie close enough to be dropped as dots along the light, then blurred: wide
    for the shadow cast by the lamp, narrow and dark where the product touches the ground.
    """
    height = mesh.vertices[:, 2:]
    cast = mesh.vertices - height * light.towards / max(float(light.towards[2]), 0.25)
    contact = mesh.vertices[height[:, 0] < 0.12 * max(float(height.max()), 0.3)]
    contact = contact * (1.0, 1.0, 0.0)
    soft = _dots(cast * (1.0, 1.0, 0.0), camera, size_px, blur=0.022)
    close = _dots(contact, camera, size_px, blur=0.012)
    keeps = (1.0 - 0.42 * light.strength * soft) * (1.0 - 0.38 * close)
    return np.asarray(np.clip(keeps, 0.0, 1.0), np.float32)


def to_srgb(linear: Array) -> Picture:
    """Return 0 to 255 for linear light, 0 to 2, highlights rolled off softly."""
    steps = np.clip(linear * (len(_TO_SRGB) / 2), 0, len(_TO_SRGB) - 1).astype(np.intp)
    return np.asarray(_TO_SRGB[steps])


def _srgb_table() -> Picture:
    linear = np.linspace(0.0, 2.0, 65_536)
    rolled = np.where(linear < 0.8, linear, 0.8 + 0.2 * (1.0 - np.exp(-(linear - 0.8) / 0.2)))
    return np.asarray(255.0 * rolled ** (1 / 2.2), np.float32)


_TO_SRGB = _srgb_table()  # raising 300,000 values to a power takes 20 ms, looking them up 1 ms


def _facing(quads: Array) -> NDArray[np.bool_]:
    """Return which ``(F, 4, 2)`` quads run clockwise on the screen, where y points down."""
    first, second = quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1]
    return np.asarray(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0] < 0)


def _shade(mesh: Mesh, normals: Array, middles: Array, camera: Camera, light: Light) -> Array:
    """Return linear RGB: Lambert, a sky that is brighter above, and a Blinn highlight."""
    lamp = np.maximum(normals @ light.towards, 0.0)[:, None] * light.colour * light.strength
    height = np.clip(middles[:, 2] / max(float(middles[:, 2].max()), 0.3), 0.0, 1.0)
    sky = light.sky * (0.62 + 0.38 * normals[:, 2]) * (0.75 + 0.25 * np.sqrt(height))
    half = light.towards + camera.towards
    half = half / np.linalg.norm(half)
    sharp = 6.0 + 90.0 * mesh.gloss
    highlight = np.maximum(normals @ half, 0.0) ** sharp * mesh.gloss * light.strength * 0.9
    rim = (1.0 - np.abs(normals @ camera.towards)) ** 4 * mesh.gloss * light.sky * 0.35
    return np.asarray(mesh.colours * (lamp + sky[:, None]) + (highlight + rim)[:, None])


def _dots(points: Array, camera: Camera, size_px: int, *, blur: float) -> Picture:
    """Return ``(size_px, size_px)``, 0 to 1: the points as one soft spot."""
    side = 96
    mask = np.zeros((side, side), np.float32)
    places = np.rint(camera.project(points)[0] * (side / size_px)).astype(np.int64)
    inside = ((places >= 0) & (places < side)).all(axis=1)
    mask[places[inside, 1], places[inside, 0]] = 1.0
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    soft = cv2.GaussianBlur(closed, (0, 0), blur * side)
    return np.asarray(cv2.resize(soft, (size_px, size_px), interpolation=cv2.INTER_CUBIC))
