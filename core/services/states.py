"""The states that services speak of, for doors, which do not import the database."""

from db.states import (
    DecisionKind,
    EvidenceOutcome,
    JobState,
    ListingState,
    LookupState,
    ModelState,
    ReferenceKind,
)

__all__ = [
    "UNDECIDED",
    "DecisionKind",
    "EvidenceOutcome",
    "JobState",
    "ListingState",
    "LookupState",
    "ModelState",
    "ReferenceKind",
]

UNDECIDED = (ListingState.RECEIVED, ListingState.PROCESSING, ListingState.NEEDS_REVIEW)
