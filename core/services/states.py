"""The states that services speak of, for doors, which do not import the database."""

from db.states import DecisionKind, JobState, ListingState, ModelState

__all__ = ["DecisionKind", "JobState", "ListingState", "ModelState"]
