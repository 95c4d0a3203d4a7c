"""A detail of a picture, such as a logo, found on photos of other things.

Keypoints of the detail (SIFT: Lowe, "Distinctive Image Features from Scale-Invariant Keypoints",
IJCV 2004; the patent has expired) are paired with those of the photo, a map is found that most
pairs agree on, and what lies there is laid back on the detail and compared block by block: words
in the same letters pair up too, but their blocks do not correlate. The map is affine, so that
what is stretched or turned is found, and where more fits by it a homography, for what is seen from
the side.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]

DETAIL_PX, PHOTO_PX = 256, 640
"""Longer sides, in pixels, at which a detail and a photo are looked at."""

MIN_AGREEING = 6
MIN_SCORE = 0.5
"""Share of the blocks that show the same; measured, see docs/brands.md."""

MIN_HALF = 0.25
"""Of the upper, lower, left and right half: a word in the same letters is not the whole logo."""

BLOCK_PX = 16
_RATIO = 0.85  # of the nearest keypoint's distance to the second's
_TOLERANCE_PX = 5.0
_ROUNDS = 3000
_MAX_STRETCH, _SCALES = 2.5, (0.08, 5.0)
_MIN_CORRELATION = 0.7  # of a block that shows the same
_MIN_CONTRAST = 8.0  # grey levels; what is plainer says nothing
_SOFTEN_PX = 1.5
_GROUNDS = (110, 20)  # grey levels on which a detail on a plain ground is looked at, too
_GROUND_LEVELS = 6
_MIN_GROUND = 0.05
_SEED = 0  # RANSAC draws: the same pictures give the same answer


class Describer(Protocol):
    """Finds keypoints: OpenCV's own interface."""

    def detectAndCompute(self, image: Any, mask: None) -> Any:  # noqa: N802 -- OpenCV's name
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Keypoints:
    """Places of a picture and what surrounds them.

    Attributes:
        grey: (h, w) uint8, the picture at the size it was looked at.
        size_px: Width and height of the picture itself.
        points: (K, 2) float32, x and y in pixels of ``grey``.
        descriptors: (K, D); float32 are compared by distance, uint8 by bits.
    """

    grey: Pixels
    size_px: tuple[int, int]
    points: NDArray[np.float32]
    descriptors: NDArray[Any]

    def to_grey(self) -> Matrix:
        """Return the (3, 3) matrix from the picture's pixels to those of ``grey``."""
        across, down = (
            small / large
            for small, large in zip(reversed(self.grey.shape), self.size_px, strict=True)
        )
        return np.array([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5], [0, 0, 1]])


@dataclass(frozen=True, slots=True, eq=False)
class Detail:
    """A detail to be found: on its own ground and on others, as it is and mirrored."""

    plain: Sequence[Keypoints]
    mirrored: Sequence[Keypoints]


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """Where a photo shows a detail.

    Attributes:
        matrix: (3, 3) float64, from (x, y, 1) in pixels of the detail to those of the photo.
        mirrored: The detail was mirrored for it; the matrix says so, too.
        score: Share of the detail's blocks that the photo shows, 0 to 1.
        agreeing: Keypoints that agree on it.
    """

    matrix: Matrix
    mirrored: bool
    score: float
    agreeing: int

    def corners(self, size_px: tuple[int, int]) -> NDArray[np.float64]:
        """Return where the corners of a detail of that size lie on the photo, (4, 2)."""
        width, height = size_px
        return project(self.matrix, np.array([[0, 0], [width, 0], [width, height], [0, height]]))

    def stretch(self, size_px: tuple[int, int]) -> float:
        """Return how many times longer it is one way than it should be; 1 is as it should be."""
        corners = self.corners(size_px)
        sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
        across, down = (sides[0] + sides[2]) / size_px[0], (sides[1] + sides[3]) / size_px[1]
        return float(max(across, down) / max(min(across, down), 1e-9))


def project(matrix: Matrix, points: NDArray[Any]) -> NDArray[np.float64]:
    """Return where (N, 2) points lie, (N, 2), by a (3, 3) matrix."""
    lifted = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(lifted[:, :2] / lifted[:, 2:], np.float64)


def take_detail(pixels: Pixels, describer: Describer | None = None) -> Detail:
    """Return what (H, W, 3) uint8 pixels are found by."""
    mirror = np.ascontiguousarray(pixels[:, ::-1])
    sides = [
        [find_keypoints(ground, DETAIL_PX, describer) for ground in _on_grounds(side)]
        for side in (pixels, mirror)
    ]
    return Detail(*sides)


def find_keypoints(
    pixels: Pixels, side_px: int = PHOTO_PX, describer: Describer | None = None
) -> Keypoints:
    """Return the keypoints of (H, W, 3) uint8 pixels, looked at with that longer side."""
    height, width = pixels.shape[:2]
    scale = side_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    grey = cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), size, interpolation=how)
    found, descriptors = (describer or _sift()).detectAndCompute(grey, None)
    points = np.array([each.pt for each in found], np.float32).reshape(-1, 2)
    if descriptors is None:
        descriptors = np.empty((0, 128), np.float32)
    if descriptors.dtype != np.uint8:
        descriptors = _to_root(descriptors)
    return Keypoints(np.asarray(grey, np.uint8), (width, height), points, descriptors)


def find_detail(detail: Detail, photo: Keypoints) -> Sighting | None:
    """Return where the photo shows the detail, or None."""
    found = [
        sighting
        for grounds, is_mirrored in ((detail.plain, False), (detail.mirrored, True))
        if (sighting := _find(grounds, photo, is_mirrored)) is not None
    ]
    best = max(found, key=lambda each: each.score * each.agreeing, default=None)
    if best is None or best.agreeing < MIN_AGREEING or best.score < MIN_SCORE:
        return None
    return best


def _sift() -> Describer:
    opencv: Any = cv2  # its own stubs forget the function
    found: Describer = opencv.SIFT_create(contrastThreshold=0.02, edgeThreshold=20)
    return found


def _to_root(descriptors: Floats) -> Floats:
    """RootSIFT: Arandjelović and Zisserman, "Three things everyone should know", CVPR 2012."""
    sums = np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-9)
    return np.asarray(np.sqrt(descriptors / sums), np.float32)


def _on_grounds(pixels: Pixels) -> Iterator[Pixels]:
    """Yield the detail, and if its ground is plain, the detail on other grounds.

    What surrounds the edge of a printed letter is the product, not the white of the reference.
    """
    yield pixels
    height, width = pixels.shape[:2]
    mask = np.zeros((height + 2, width + 2), np.uint8)
    levels = (_GROUND_LEVELS,) * 3
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | (255 << 8)
    for corner in ((0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)):
        if not mask[corner[1] + 1, corner[0] + 1]:
            cv2.floodFill(pixels.copy(), mask, corner, (0, 0, 0), levels, levels, flags)
    ground = mask[1:-1, 1:-1] > 0
    if ground.mean() >= _MIN_GROUND:
        for level in _GROUNDS:
            yield np.where(ground[..., None], np.uint8(level), pixels)


def _find(grounds: Sequence[Keypoints], photo: Keypoints, is_mirrored: bool) -> Sighting | None:
    paired = _pair(grounds, photo)
    if paired is None:
        return None
    maps = [each for each in (_fit_affine(*paired), _fit_homography(*paired)) if each is not None]
    scored = [
        (*max(_score(ground.grey, photo.grey, matrix) for ground in grounds), agreeing, matrix)
        for matrix, agreeing in maps
        if _is_plausible(matrix, grounds[0].grey.shape)
    ]
    if not scored:
        return None
    score, weakest, agreeing, on_grey = max(scored, key=lambda each: each[0])
    if weakest < MIN_HALF:
        return None
    full = np.linalg.inv(photo.to_grey()) @ on_grey @ grounds[0].to_grey()
    if is_mirrored:
        across = grounds[0].size_px[0] - 1
        full = full @ np.array([[-1.0, 0, across], [0, 1, 0], [0, 0, 1]])
    return Sighting(full / full[2, 2], is_mirrored, score, agreeing)


def _pair(grounds: Sequence[Keypoints], photo: Keypoints) -> tuple[Floats, Floats] | None:
    """Return the places of the detail and of the photo, (N, 2) each, that look alike."""
    points = np.concatenate([ground.points for ground in grounds])
    descriptors = np.concatenate([ground.descriptors for ground in grounds])
    if len(points) < MIN_AGREEING or len(photo.points) < MIN_AGREEING:
        return None
    norm = cv2.NORM_HAMMING if descriptors.dtype == np.uint8 else cv2.NORM_L2
    nearest = cv2.BFMatcher(norm).knnMatch(descriptors, photo.descriptors, k=2)
    pairs = [one for one, other in nearest if one.distance < _RATIO * other.distance]
    if len(pairs) < MIN_AGREEING:
        return None
    theirs = photo.points[[pair.trainIdx for pair in pairs]]
    return points[[pair.queryIdx for pair in pairs]], theirs


def _fit_affine(ours: Floats, theirs: Floats) -> tuple[Matrix, int] | None:
    """Return the (3, 3) affine map that most pairs agree on, and how many places do."""
    cv2.setRNGSeed(_SEED)
    fitted: Any = cv2.estimateAffine2D(
        ours, theirs, ransacReprojThreshold=_TOLERANCE_PX, maxIters=_ROUNDS
    )
    if fitted[0] is None:
        return None
    return np.vstack([fitted[0], [0, 0, 1]]), _count_places(ours, theirs, fitted[1])


def _fit_homography(ours: Floats, theirs: Floats) -> tuple[Matrix, int] | None:
    """Return the (3, 3) homography that most pairs agree on, and how many places do."""
    cv2.setRNGSeed(_SEED)
    fitted: Any = cv2.findHomography(ours, theirs, cv2.RANSAC, _TOLERANCE_PX / 2, maxIters=_ROUNDS)
    if fitted[0] is None:
        return None
    return np.asarray(fitted[0], np.float64), _count_places(ours, theirs, fitted[1])


def _count_places(ours: Floats, theirs: Floats, agreeing: NDArray[np.uint8]) -> int:
    """Return how many places of either agree: many pairs of one place are one."""
    chosen = agreeing.ravel() > 0
    return min(len(np.unique(np.round(side[chosen]), axis=0)) for side in (ours, theirs))


def _is_plausible(matrix: Matrix, shape: tuple[int, ...]) -> bool:
    """Whether a detail of that shape comes out as a picture of it would, not folded or a needle."""
    height, width = shape
    square = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    if ((np.column_stack([square, np.ones(4)]) @ matrix[2]) * matrix[2, 2] <= 0).any():
        return False
    sides = np.roll(corners := project(matrix, square), -1, axis=0) - corners
    after = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0]
    scales = np.linalg.norm(sides, axis=1) / (width, height, width, height)
    return bool(
        (turns > 0).all()
        and scales.max() <= _SCALES[1]
        and scales.min() >= _SCALES[0]
        and scales.max() <= _MAX_STRETCH * scales.min()
    )


def _score(detail: Pixels, photo: Pixels, matrix: Matrix) -> tuple[float, float]:
    """Return the share of the blocks that the photo shows, of all and of the weakest half."""
    correlations = correlate(detail, lay_back(photo, matrix, detail.shape))
    rows, columns = np.nonzero(~np.isnan(correlations))
    if not rows.size:
        return 0.0, 0.0
    shown = correlations[rows, columns] >= _MIN_CORRELATION
    halves = [
        part
        for places in (rows, columns)
        for middle in [np.median(places)]
        for part in (shown[places <= middle], shown[places >= middle])
    ]
    return float(shown.mean()), float(min(half.mean() for half in halves))


def lay_back(photo: Pixels, matrix: Matrix, shape: tuple[int, ...]) -> Pixels:
    """Return what the photo shows where the (3, 3) matrix says, in the frame of the detail."""
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (shape[1], shape[0])
    return np.asarray(cv2.warpPerspective(photo, matrix, size, flags=how), np.uint8)


def correlate(detail: Pixels, laid: Pixels) -> Floats:
    """Return (R, C) float32: how alike two grey pictures are, block by block.

    It is nan where the detail is too plain to tell.
    """
    ours, theirs = (_blocks(each) for each in (detail, laid))
    spreads = ours.std(axis=2), theirs.std(axis=2)
    products = (ours * theirs).mean(axis=2)
    alike = products / np.maximum(spreads[0] * spreads[1], 1e-3)
    return np.where(spreads[0] >= _MIN_CONTRAST, alike, np.nan).astype(np.float32)


def _blocks(grey: Pixels) -> Floats:
    """Return (R, C, B * B) float32 about their means."""
    soft = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), _SOFTEN_PX)
    rows, columns = (side // BLOCK_PX for side in grey.shape)
    whole = np.asarray(soft, np.float32)[: rows * BLOCK_PX, : columns * BLOCK_PX]
    cut = whole.reshape(rows, BLOCK_PX, columns, BLOCK_PX).transpose(0, 2, 1, 3)
    flat = cut.reshape(rows, columns, BLOCK_PX**2)
    return np.asarray(flat - flat.mean(axis=2, keepdims=True), np.float32)
