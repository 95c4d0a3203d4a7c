"""So many of so many: how often flags and evidence were right, how many checks were caught."""

from dataclasses import dataclass

from core.evaluation.bootstrap import Interval, wilson


@dataclass(frozen=True, slots=True)
class Tally:
    """``hits`` of ``count``, which is above 0."""

    hits: int
    count: int

    @property
    def share(self) -> Interval:
        """The fraction with Wilson's 95 % interval."""
        return wilson(self.hits, self.count)
