"""How fast somebody decides, by the hour they were at it and by the minute they looked."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PAUSE_S = 15 * 60.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pace:
    """What somebody did in some time.

    Attributes:
        decisions: Those that stand.
        at_work_s: From the first act to the last, without pauses.
        active_s: Time that a listing was looked at.
    """

    decisions: int
    at_work_s: float
    active_s: float

    @property
    def per_hour(self) -> float | None:
        """Decisions in an hour at work; None where no time was measured."""
        return self.decisions / (self.at_work_s / 3600) if self.at_work_s > 0 else None

    @property
    def per_active_minute(self) -> float | None:
        """Decisions in a minute of looking; None where no time was measured."""
        return self.decisions / (self.active_s / 60) if self.active_s > 0 else None


def measure_pace(
    at_s: Floats, active_s: Floats, stands: NDArray[np.bool_], *, pause_s: float = PAUSE_S
) -> Pace:
    """Measure one person's acts.

    The time of an act is what passed since the one before, or, where that is longer than a
    pause, the active time of the act alone; it is never less than the active time.

    Args:
        at_s: (N,) seconds since any moment, ascending: when each act was kept.
        active_s: (N,) seconds that its listing was looked at, 0 or more.
        stands: (N,) whether the act is a decision that nobody took back.
    """
    since = np.diff(at_s, prepend=-np.inf)
    taken = np.where(since <= pause_s, np.maximum(since, active_s), active_s)
    return Pace(int(stands.sum()), float(taken.sum()), float(active_s.sum()))
