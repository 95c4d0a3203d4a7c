"""What a photo has in common with the references of the register."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.similarity.alignment import Alignment, difference
from core.similarity.copies import Sought, verify
from core.similarity.details import Detail, find_detail, find_keypoints, take_detail
from core.similarity.evidence import describe
from core.similarity.fingerprints import Fingerprint, find_near, take_fingerprint
from core.similarity.regions import Box, find_change, find_changed_box

Pixels = NDArray[np.uint8]
ReferenceKind = Literal["photo", "logo"]
Read = Callable[[], Pixels]

SIDE_PX = 1280
"""Longer side at which photos and references are held against each other."""

CLOSE = 0.8
"""Share of the blocks that must be the same for two photos to match closely."""


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A photo or a logo of the register, ready to be found.

    Attributes:
        size_px: Width and height of its pixels.
        read: Returns those, (H, W, 3) uint8. They are many, and seldom needed: not kept.
        fingerprint: Of a photo; so with ``sought``.
        detail: Of a logo.
        logos: Where a photo shows logos of its brand.
    """

    id: int
    brand_id: int
    kind: ReferenceKind
    size_px: tuple[int, int]
    read: Read
    fingerprint: Fingerprint | None = None
    sought: Sought | None = None
    detail: Detail | None = None
    logos: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A reference that a photo shows.

    Attributes:
        score: Share of the blocks that are the same, 0 to 1.
        matrix: (3, 3) float64, from (x, y, 1) in pixels of the reference to those of the photo.
        is_mirrored: The photo shows it mirrored.
        changed: The region of the reference that is something else on the photo.
        is_recoloured: The photo shows a logo in other colours.
        stretch: How many times longer a logo is one way than it should be.
    """

    reference: Reference
    score: float
    matrix: NDArray[np.float64]
    is_mirrored: bool = False
    changed: Box | None = None
    is_recoloured: bool = False
    stretch: float = 1.0

    @property
    def is_altered(self) -> bool:
        """Whether a logo, or the region of one, is not as the owner draws it."""
        if self.reference.kind == "photo":  # photos are mirrored by whoever steals them
            return self.changed is not None
        return self.changed is not None or self.is_recoloured or self.is_mirrored


def prepare(
    id_: int, brand_id: int, kind: ReferenceKind, read: Read, *, among: Sequence[Reference] = ()
) -> Reference:
    """Return a reference, ready to be found; pass on whatever ``read`` raises.

    Args:
        among: References that are ready: logos of the brand are sought on its photos.
    """
    pixels = read()
    size_px = (pixels.shape[1], pixels.shape[0])
    if kind == "logo":
        return Reference(id_, brand_id, kind, size_px, read, detail=take_detail(pixels))
    logos = [each for each in among if each.kind == "logo" and each.brand_id == brand_id]
    return Reference(
        id_,
        brand_id,
        kind,
        size_px,
        read,
        fingerprint=take_fingerprint(pixels),
        sought=Sought.of(pixels),
        logos=tuple(_locate(pixels, logos)),
    )


def look_for(references: Sequence[Reference], photo: Pixels) -> Iterator[Seen]:
    """Yield the references that (H, W, 3) uint8 pixels show; those are read, and may fail to be."""
    logos = [each for each in references if each.detail is not None]
    if logos:
        keypoints = find_keypoints(photo)
        for logo in logos:
            assert logo.detail is not None
            found = find_detail(logo.detail, keypoints)
            if found is not None:
                change = find_change(logo.detail, logo.read(), photo, found)
                yield Seen(
                    logo,
                    found.score,
                    found.matrix,
                    change.is_mirrored,
                    change.box,
                    change.is_recoloured,
                    found.stretch(logo.size_px),
                )
    yield from _look_for_photos(references, photo)


def _look_for_photos(references: Sequence[Reference], photo: Pixels) -> Iterator[Seen]:
    known = [each for each in references if each.fingerprint is not None]
    if not known:
        return
    hashes = np.stack([each.fingerprint.hashes for each in known if each.fingerprint is not None])
    near = find_near(take_fingerprint(photo), hashes, limit=len(known))
    evidence = describe(photo) if near else None
    for place in near:
        sought = known[place].sought
        assert sought is not None
        assert evidence is not None
        alignment = verify(sought, evidence)
        if alignment is not None:
            yield _see(known[place], photo, alignment)


def _see(reference: Reference, photo: Pixels, alignment: Alignment) -> Seen:
    box = None
    if alignment.score >= CLOSE:
        box = find_changed_box(difference(reference.read(), photo, alignment))
    if box is not None and reference.logos and not any(map(box.meets, reference.logos)):
        box = None  # something else is over it, such as a price
    whole = np.linalg.inv(np.vstack([alignment.matrix, [0, 0, 1]]))
    return Seen(reference, alignment.score, whole, alignment.mirrored, box)


def _locate(photo: Pixels, logos: Sequence[Reference]) -> Iterator[Box]:
    """Yield where a photo shows logos, as shares of it."""
    height, width = photo.shape[:2]
    keypoints = find_keypoints(photo) if logos else None
    for logo in logos:
        assert logo.detail is not None
        assert keypoints is not None
        found = find_detail(logo.detail, keypoints)
        if found is not None:
            corners = found.corners(logo.size_px)
            low = np.clip(corners.min(axis=0) / (width, height), 0, 1).tolist()
            high = np.clip(corners.max(axis=0) / (width, height), 0, 1).tolist()
            yield Box(low[0], low[1], high[0], high[1])
