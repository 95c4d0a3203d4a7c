"""Photos and references at the size at which they are held against each other."""

import cv2
import numpy as np
from numpy.typing import NDArray

from core.brands.sightings import SIDE_PX
from core.imaging import decode
from core.storage import STORED_LIMITS, ImageStore


def read_small(store: ImageStore, sha256: str) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8, the longer side ``SIDE_PX`` or less.

    Raises:
        NotFoundError: The file is gone.
        UnreadableImageError: It was damaged since it was stored.
    """
    pixels = decode(store.read(sha256), STORED_LIMITS).pixels
    scale = SIDE_PX / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)
