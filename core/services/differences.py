"""Where two photos that show the same are not the same: one laid on the other."""

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from core.actors import Actor, require
from core.errors import NotFoundError
from core.imaging import encode_jpeg
from core.services.workshop import workshop
from core.settings import Settings
from core.similarity.alignment import Alignment, difference
from core.similarity.evidence import SIDE_PX
from core.storage import ImageStore
from db.engine import reading
from db.queries import matches as queries

LEAST_LEVELS = 24
"""Of 255, by which two pictures must differ to be marked: less is the file format's doing."""

_RED = np.array([214, 40, 40], np.float32)


def draw_difference(engine: sa.Engine, settings: Settings, *, actor: Actor, match_id: int) -> bytes:
    """Return a JPEG of the first photo, pale, with what is not on the second in red.

    Raises:
        BusyError: Too many pictures are drawn at once.
        ForbiddenError: The actor may not review.
        NotFoundError: No such match of two photos, or one of them is gone.
    """
    require(actor, "review")
    with reading(engine) as session:
        found = queries.find_match(session, match_id=match_id)
        if found is None or found[0].first_image_id == found[0].second_image_id:
            raise NotFoundError(f"no difference picture of match {match_id}")
        row, *files = found
        evidence = dict(row.evidence)
    store = ImageStore.of(settings)
    alignment = Alignment(
        np.array(evidence["matrix"]), evidence["mirrored"], evidence["score"], evidence["covered"]
    )

    def draw() -> bytes:
        first, second = (store.read_rendition(sha256, SIDE_PX) for sha256 in files)
        return encode_jpeg(mark(first, difference(first, second, alignment)), max_side_px=SIDE_PX)

    return workshop(settings).make(draw)


def mark(pixels: NDArray[np.uint8], apart: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8: the pixels pale and grey, red where (H, W) ``apart`` is large."""
    grey = pixels.mean(axis=2, keepdims=True)
    pale = np.repeat(150 + 0.4 * grey, 3, axis=2)
    strength = np.clip((apart.astype(np.float32) - LEAST_LEVELS) / 60, 0, 1)[..., None]
    return np.asarray(pale * (1 - strength) + _RED * strength, np.uint8)
