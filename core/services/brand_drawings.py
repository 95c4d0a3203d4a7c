"""What a piece of evidence rests on, drawn: the region on the photo, on the reference, and both.

The JPEGs that the browser is shown have the size at which the two were held against each other, so
that each original is decoded once, whatever is drawn of it and however often.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from core.actors import Actor, require
from core.brands.sightings import SIDE_PX as COMPARED_PX
from core.errors import NotFoundError
from core.imaging import encode_jpeg
from core.services.differences import mark
from core.services.workshop import workshop
from core.settings import Settings
from core.similarity.details import lay_back, project
from core.similarity.regions import Box
from core.storage import ImageStore
from db.engine import reading
from db.queries import brand_evidence as queries

SIDE_PX = 640

_WHOLE, _CHANGED = (20, 130, 140), (214, 40, 40)  # where it is, where it is something else
_DETAIL_PX = 320  # a logo is small on its photo: what is laid back is no sharper

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """A reference, a photo, and how the one lies on the other."""

    reference: Pixels
    photo: Pixels
    matrix: NDArray[np.float64]
    changed: Box | None

    @property
    def size(self) -> tuple[int, int]:
        return self.reference.shape[1], self.reference.shape[0]

    def outline(self, box: Box) -> NDArray[np.float64]:
        """Return the corners of a part of the reference, (4, 2), on the photo."""
        return project(self.matrix, _corners(box, self.size))


def draw(
    engine: sa.Engine, settings: Settings, *, actor: Actor, evidence_id: int, drawing: str
) -> bytes:
    """Return a JPEG.

    Args:
        drawing: ``photo``: what the listing shows, with the place of the reference and what
            is changed in red; ``reference``: with the same part; ``detail``: that place of the
            photo in the frame of the reference; ``difference``: the reference, pale, with what the
            photo does not show so in red.

    Raises:
        BusyError: Too many pictures are drawn at once.
        ForbiddenError: The actor may not review.
        NotFoundError: No such evidence or drawing, or the evidence shows no reference.
    """
    require(actor, "review")
    with reading(engine) as session:
        found = queries.find_evidence(session, evidence_id=evidence_id)
        if found is None or found.file is None or found.reference_file is None:
            raise NotFoundError(f"no picture of evidence {evidence_id}; reload the page")
        files, detail = (found.reference_file, found.file), dict(found.row.detail)
    if drawing not in DRAWINGS:
        raise NotFoundError(f"no drawing {drawing!r}; there are {', '.join(DRAWINGS)}")
    store = ImageStore.of(settings)
    box = detail.get("changed")
    matrix, changed = np.array(detail["matrix"]), None if box is None else Box(**box)

    def make() -> bytes:
        reference, photo = (store.read_rendition(sha256, COMPARED_PX) for sha256 in files)
        pair = _Pair(reference, photo, matrix, changed)
        return encode_jpeg(DRAWINGS[drawing](pair), max_side_px=SIDE_PX)

    return workshop(settings).make(make)


def _draw_photo(pair: _Pair) -> Pixels:
    canvas = pair.photo.copy()
    _outline(canvas, pair.outline(Box(0, 0, 1, 1)), _WHOLE)
    if pair.changed is not None:
        _outline(canvas, pair.outline(pair.changed), _CHANGED)
    return canvas


def _draw_reference(pair: _Pair) -> Pixels:
    canvas = pair.reference.copy()
    if pair.changed is not None:
        _outline(canvas, _corners(pair.changed, pair.size), _CHANGED)
    return canvas


def _draw_detail(pair: _Pair) -> Pixels:
    return _lay(pair)[1]


def _draw_difference(pair: _Pair) -> Pixels:
    ours, laid = _lay(pair)
    return mark(ours, np.asarray(cv2.absdiff(ours, laid), np.uint8).max(axis=2))


def _lay(pair: _Pair) -> tuple[Pixels, Pixels]:
    """Return the reference, and what the photo shows of it in the same frame."""
    scale = _DETAIL_PX / max(pair.size)
    size = (max(1, round(pair.size[0] * scale)), max(1, round(pair.size[1] * scale)))
    matrix = pair.matrix @ np.diag([1 / scale, 1 / scale, 1])
    ours = cv2.resize(pair.reference, size, interpolation=cv2.INTER_AREA)
    return np.asarray(ours, np.uint8), lay_back(pair.photo, matrix, (size[1], size[0]))


def _corners(box: Box, size: tuple[int, int]) -> NDArray[np.float64]:
    """Return the corners of a part of a picture of that size, (4, 2)."""
    left, right = box.left * size[0], box.right * size[0]
    top, bottom = box.top * size[1], box.bottom * size[1]
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


def _outline(canvas: Pixels, corners: NDArray[np.float64], colour: tuple[int, int, int]) -> None:
    width = max(2, round(max(canvas.shape[:2]) / 160))
    points = np.round(corners).astype(np.int32)
    cv2.polylines(canvas, [points], isClosed=True, color=(255, 255, 255), thickness=2 * width)
    cv2.polylines(canvas, [points], isClosed=True, color=colour, thickness=width)


DRAWINGS: Mapping[str, Callable[[_Pair], Pixels]] = {
    "photo": _draw_photo,
    "reference": _draw_reference,
    "detail": _draw_detail,
    "difference": _draw_difference,
}
