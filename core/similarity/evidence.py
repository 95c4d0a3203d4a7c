"""Local evidence: corners of a picture and what surrounds them.

ORB: Rublee et al., "ORB: an efficient alternative to SIFT or SURF", ICCV 2011. It takes 4 ms a
picture where SIFT takes 29 (348 px, one core), so it is taken of candidates only, not kept.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE_PX = 320
"""Longer side, in pixels, at which pictures are compared."""

CORNERS = 400
_MIN_SIDE_PX = 32  # ORB takes no corner within 31 px of an edge, and fails on a side of 3
_FAST_THRESHOLD = 7  # grey levels; the default of 20 finds too little on plain products


@dataclass(frozen=True, slots=True, eq=False)
class LocalEvidence:
    """What two pictures are compared by.

    Attributes:
        grey: (h, w) uint8, the longer side ``SIDE_PX``.
        size_px: Width and height of the picture itself.
        points: (K, 2) float32, x and y in pixels of ``grey``.
        descriptors: (K, 32) uint8, compared by the bits that differ.
    """

    grey: NDArray[np.uint8]
    size_px: tuple[int, int]
    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]

    def to_grey(self) -> NDArray[np.float64]:
        """Return the (3, 3) matrix from the picture's pixels to those of ``grey``."""
        height, width = self.grey.shape
        across, down = width / self.size_px[0], height / self.size_px[1]
        # A pixel's middle, not its corner, is where its value stands.
        return np.array([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5], [0, 0, 1]])


def describe(pixels: NDArray[np.uint8]) -> LocalEvidence:
    """Return the evidence of (H, W, 3) uint8 pixels."""
    height, width = pixels.shape[:2]
    scale = SIDE_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    grey = cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), size, interpolation=how)
    return LocalEvidence(np.asarray(grey, np.uint8), (width, height), *_find_corners(grey))


def _find_corners(grey: Any) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    none = np.empty((0, 32), np.uint8)
    if min(grey.shape) < _MIN_SIDE_PX:
        return np.empty((0, 2), np.float32), none
    opencv: Any = cv2  # its own stubs forget the function
    orb = opencv.ORB_create(CORNERS, fastThreshold=_FAST_THRESHOLD)
    corners, descriptors = orb.detectAndCompute(grey, None)
    points = np.array([corner.pt for corner in corners], np.float32).reshape(-1, 2)
    return points, none if descriptors is None else descriptors


def describe_mirrored(pixels: NDArray[np.uint8]) -> LocalEvidence:
    """Return the evidence of the mirror image of (H, W, 3) uint8 pixels."""
    return describe(np.ascontiguousarray(pixels[:, ::-1]))
