"""The states that services speak of, for doors, which do not import the database."""

from db.states import DecisionKind, JobState, ListingState, LookupState, ModelState

__all__ = [
    "UNDECIDED",
    "DecisionKind",
    "JobState",
    "ListingState",
    "LookupState",
    "ModelState",
]

UNDECIDED = (ListingState.RECEIVED, ListingState.PROCESSING, ListingState.NEEDS_REVIEW)
