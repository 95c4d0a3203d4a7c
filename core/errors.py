"""Errors raised on purpose. Each message says what was wrong, with the value, and what to do."""


class CatalogError(Exception):
    """Base of every error that a user may read.

    Attributes:
        status: The HTTP status with which a door answers.
    """

    status = 400


class InvalidInputError(CatalogError):
    """The input cannot be used as it is."""

    status = 422


class UnauthenticatedError(CatalogError):
    """Nobody is signed in, or name and password do not match."""

    status = 401


class TooManyTriesError(CatalogError):
    """Somebody guesses passwords.

    Attributes:
        wait_s: After so many seconds the next try is taken.
    """

    status = 429

    def __init__(self, message: str, wait_s: int) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class ForbiddenError(CatalogError):
    """The actor's role does not allow this."""

    status = 403


class NotFoundError(CatalogError):
    """No such thing, or none that the actor may see."""

    status = 404


class GoneError(NotFoundError):
    """It was there, and is not any more, or is not the same."""

    status = 410


class ConflictError(CatalogError):
    """It exists already, or its state does not allow this."""

    status = 409


class StaleError(ConflictError):
    """Somebody else changed it first."""


class LeasedError(ConflictError):
    """Somebody else has it before them; it may come back."""


class UnreadableImageError(CatalogError):
    """The bytes are no image that can be used.

    Attributes:
        reason: Key of ``core.imaging.reasons.REASONS``; stored, so never renamed.
    """

    status = 422

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class CheckpointError(CatalogError):
    """A checkpoint file is missing, damaged, or not one of ours."""


class WeightsUnavailableError(CatalogError):
    """Pretrained weights could not be had."""


class BusyError(CatalogError):
    """Too many ask for the same at once; the next try may be taken."""

    status = 503


class StorageFullError(CatalogError):
    """The disk has no room left for what comes in."""

    status = 507


class JobCancelledError(CatalogError):
    """The job that this work belongs to was cancelled."""

    status = 409
