"""The ways in which two photos can be one thing: one table, the strongest first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.similarity.alignment import Alignment

MIN_SAME = 0.65
"""Share of the blocks that show the same; measured, see docs/similarity.md."""

MIN_COVERED = 0.6
"""Share of the smaller picture that lies on the other: less is a detail, not a copy."""

MIN_COSINE = 0.55
"""Of two photos of one product; measured, see docs/similarity.md."""


@dataclass(frozen=True, slots=True, eq=False)
class PairEvidence:
    """What is known of two photos.

    Attributes:
        same_file: Their files' SHA-256 are equal.
        same_pixels: Their fingerprints' are.
        alignment: None where the pictures were not compared, or do not fit.
        cosine: Of their embeddings, projected alike (``Projection``); None without.
    """

    same_file: bool = False
    same_pixels: bool = False
    alignment: Alignment | None = None
    cosine: float | None = None


@dataclass(frozen=True, slots=True)
class MatchKind:
    """One way in which two photos match.

    Attributes:
        key: Stored, so never renamed.
        score: 0 to 1, or None where nothing is known of it.
        limit: It is a match when ``score`` is not below.
    """

    key: str
    label: str
    score: Callable[[PairEvidence], float | None]
    limit: float


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """What two photos have in common.

    Attributes:
        kind: Key of ``MATCH_KINDS``.
        alignment: Of the same picture, where it was laid on the other.
    """

    kind: str
    score: float
    alignment: Alignment | None


def _score_bytes(pair: PairEvidence) -> float:
    return float(pair.same_file)


def _score_picture(pair: PairEvidence) -> float | None:
    if pair.same_pixels:
        return 1.0
    if pair.alignment is None or pair.alignment.covered < MIN_COVERED:
        return None
    return pair.alignment.score


def _score_product(pair: PairEvidence) -> float | None:
    return pair.cosine


_ROWS = (
    MatchKind("same_bytes", "The same file", _score_bytes, 1.0),
    MatchKind("same_picture", "The same picture", _score_picture, MIN_SAME),
    MatchKind("same_product", "The same product, another photo", _score_product, MIN_COSINE),
)

MATCH_KINDS: Mapping[str, MatchKind] = {row.key: row for row in _ROWS}
"""By key, the strongest first."""


def judge(pair: PairEvidence) -> Match | None:
    """Return the strongest kind in which two photos match, or None."""
    for row in MATCH_KINDS.values():
        score = row.score(pair)
        if score is not None and score >= row.limit:
            return Match(row.key, score, pair.alignment)
    return None
