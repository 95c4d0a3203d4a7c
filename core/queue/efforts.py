"""The kinds of work that deciding a listing is, and the seconds that each takes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

MIN_MEASURED = 20
"""Decisions from which their median is trusted more than the assumption."""

MIN_SECONDS = 0.1
"""A key held down decides faster than anybody looks."""


@dataclass(frozen=True, slots=True)
class Effort:
    """A kind of work.

    Attributes:
        key: Stored with listings and decisions, so never renamed.
        assumed_s: Seconds that it takes, until enough decisions were measured.
    """

    key: str
    label: str
    assumed_s: float


EFFORTS: dict[str, Effort] = {
    effort.key: effort
    for effort in (
        Effort("plain", "No open flag", 4.0),
        Effort("photo", "A flag about the photo", 6.0),
        Effort("category", "A flag that asks which category is right", 9.0),
    )
}


def effort_of(flags: Collection[str], *, asking: Collection[str]) -> str:
    """Return the key of what it is to decide a listing.

    Args:
        flags: Kinds of its open flags, hints left out.
        asking: Kinds that ask which category is right.
    """
    if any(kind in asking for kind in flags):
        return "category"
    return "photo" if flags else "plain"


def seconds_of(measured_ms: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """Return the seconds that each kind of work takes: the median of those measured.

    Args:
        measured_ms: By effort, how long its latest decisions took.
    """
    return {
        effort.key: _seconds(effort, measured_ms.get(effort.key, ())) for effort in EFFORTS.values()
    }


def _seconds(effort: Effort, measured_ms: Sequence[int]) -> float:
    if len(measured_ms) < MIN_MEASURED:
        return effort.assumed_s
    return max(MIN_SECONDS, median(measured_ms) / 1000)
