"""Which of some candidates show the same picture."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.similarity.alignment import Alignment, align, align_mirrored
from core.similarity.evidence import LocalEvidence, describe, describe_mirrored
from core.similarity.kinds import MIN_COVERED, MIN_SAME


@dataclass(frozen=True, slots=True, eq=False)
class Sought:
    """The evidence of the picture whose copies are sought, as it is and mirrored."""

    plain: LocalEvidence
    mirrored: LocalEvidence

    @classmethod
    def of(cls, pixels: NDArray[np.uint8]) -> Self:
        """Take it from (H, W, 3) uint8 pixels."""
        return cls(describe(pixels), describe_mirrored(pixels))


@dataclass(frozen=True, slots=True, eq=False)
class CopyFound:
    """A candidate that shows the same picture.

    Attributes:
        alignment: Of the candidate, laid on the picture that was sought.
    """

    image_id: int
    alignment: Alignment


def verify(sought: Sought, candidate: LocalEvidence) -> Alignment | None:
    """Return how the candidate lies on the sought picture; None where it is another picture."""
    plain = align(sought.plain, candidate)
    if is_same(plain):
        return plain
    mirrored = align_mirrored(sought.mirrored, candidate)
    return mirrored if is_same(mirrored) else None


def is_same(alignment: Alignment | None) -> bool:
    """Whether two pictures that lie on each other so are one."""
    return (
        alignment is not None and alignment.score >= MIN_SAME and alignment.covered >= MIN_COVERED
    )


def find_copies(sought: Sought, candidates: Iterable[tuple[int, LocalEvidence]]) -> list[CopyFound]:
    """Return the candidates, by their ids, that show the same picture, the surest first."""
    verified = ((image_id, verify(sought, evidence)) for image_id, evidence in candidates)
    found = [CopyFound(image_id, how) for image_id, how in verified if how is not None]
    return sorted(found, key=lambda each: (-each.alignment.score, each.image_id))
