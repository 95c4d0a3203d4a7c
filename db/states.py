"""Every state that a row can be in, and the moves between them.

The words are stored, so they are never renamed. ``LISTING_TRANSITIONS`` is the one
table of allowed moves: the first migration copies it into the database, where a
trigger enforces it, and a test holds the two together.
"""

from enum import StrEnum


class ListingState(StrEnum):
    RECEIVED = "received"
    PROCESSING = "processing"
    NEEDS_REVIEW = "needs_review"
    AUTO_ACCEPTED = "auto_accepted"
    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    REJECTED = "rejected"
    PUBLISHED = "published"


CATEGORISED = (ListingState.ACCEPTED, ListingState.CORRECTED, ListingState.PUBLISHED)
"""A person decided the category."""

_DECIDED = (ListingState.ACCEPTED, ListingState.CORRECTED, ListingState.REJECTED)

LISTING_TRANSITIONS: frozenset[tuple[ListingState, ListingState]] = frozenset(
    {
        (ListingState.RECEIVED, ListingState.PROCESSING),
        (ListingState.PROCESSING, ListingState.RECEIVED),  # its job was cancelled
        (ListingState.PROCESSING, ListingState.NEEDS_REVIEW),
        (ListingState.PROCESSING, ListingState.AUTO_ACCEPTED),
        *((ListingState.NEEDS_REVIEW, decided) for decided in _DECIDED),
        *((ListingState.AUTO_ACCEPTED, decided) for decided in _DECIDED),
        *((decided, ListingState.NEEDS_REVIEW) for decided in _DECIDED),  # undo
        (ListingState.ACCEPTED, ListingState.PUBLISHED),
        (ListingState.CORRECTED, ListingState.PUBLISHED),
    }
)


class ImageState(StrEnum):
    READABLE = "readable"
    UNREADABLE = "unreadable"


class ModelState(StrEnum):
    CANDIDATE = "candidate"
    ACTIVE = "active"
    RETIRED = "retired"


class FlagState(StrEnum):
    OPEN = "open"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"


class FlagVerdict(StrEnum):
    WRONG = "wrong"
    TAKEN_BACK = "taken_back"


class FlagSeverity(StrEnum):
    HINT = "hint"
    WARN = "warn"
    BLOCK = "block"


class DecisionKind(StrEnum):
    ACCEPT = "accept"
    CORRECT = "correct"
    REJECT = "reject"
    SKIP = "skip"
    UNDO = "undo"


class CheckKind(StrEnum):
    """What is quietly asked of a reviewer; ``core.people.CHECK_KINDS`` says what each is."""

    SECOND = "second"
    HIDDEN = "hidden"
    PLANTED = "planted"


class CheckSide(StrEnum):
    """Whose word on a listing was kept where two said different things."""

    FIRST = "first"
    SECOND = "second"


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ChunkState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    SPLIT = "split"  # replaced: by one chunk an item after two crashes, or by the items of a batch


class ExplanationState(StrEnum):
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class MatchState(StrEnum):
    OPEN = "open"
    NOT_DUPLICATE = "not_duplicate"


class ReferenceKind(StrEnum):
    PHOTO = "photo"
    LOGO = "logo"


class EvidenceOutcome(StrEnum):
    CONFIRMED = "confirmed"
    UNFOUNDED = "unfounded"


class LookupState(StrEnum):
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class InteractionKind(StrEnum):
    LIKED = "liked"
    VIEWED = "viewed"


class Split(StrEnum):
    """Which part of a data set was measured; ``all`` is data without a split of its own."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    ALL = "all"


class Role(StrEnum):
    STAFF = "staff"
    REVIEWER = "reviewer"
    MANAGER = "manager"
    ADMIN = "admin"
