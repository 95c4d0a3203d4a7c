"""The photos of a label audit, wherever they lay when it looked at them."""

from concurrent.futures import Future
from pathlib import Path

import sqlalchemy as sa

from core.actors import Actor
from core.errors import NotFoundError
from core.services.audits import list_audited
from core.services.outside_photos import OutsidePhoto, request_outside
from core.settings import Settings


def request_photo(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    audit_id: int,
    index: int,
    size: str,
) -> tuple[str, Future[Path]]:
    """Return the photo's SHA-256, and where a JPEG of it lies, or will.

    Args:
        index: Row of the audit's photos.
        size: Key of ``RENDITIONS``.

    Raises:
        ForbiddenError: The actor may not review.
        NotFoundError: No such audit, photo or size; the future, a GoneError when the photo is
            no longer there or has changed, and UnreadableImageError.
    """
    photos = list_audited(engine, settings, actor=actor, audit_id=audit_id)
    if not 0 <= index < len(photos) or not photos[index].sha256:
        raise NotFoundError(f"audit {audit_id} has no photo {index} that can be shown")
    photo = OutsidePhoto(photos[index].path, photos[index].sha256, seen_by="the audit")
    return photo.sha256, request_outside(settings, photo, size=size)
