"""The photos of an evaluation, wherever they lay when the model looked at them."""

from concurrent.futures import Future
from pathlib import Path

import sqlalchemy as sa

from core.actors import Actor, require
from core.errors import NotFoundError
from core.services.evaluations import load_measured
from core.services.outside_photos import OutsidePhoto, request_outside
from core.settings import Settings


def request_photo(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    evaluation_id: int,
    index: int,
    size: str,
) -> tuple[str, Future[Path]]:
    """Return the photo's SHA-256, and where a JPEG of it lies, or will.

    Args:
        index: Row of the evaluation's file.
        size: Key of ``RENDITIONS``.

    Raises:
        ForbiddenError: The actor may not see dashboards.
        NotFoundError: No such evaluation, photo or size; the future, a GoneError when the
            photo is no longer there or has changed, and UnreadableImageError.
    """
    require(actor, "dashboards")
    pictures = load_measured(engine, settings, evaluation_id=evaluation_id).pictures
    if not 0 <= index < len(pictures):
        raise NotFoundError(f"evaluation {evaluation_id} has {len(pictures)} photos, no {index}")
    picture = pictures[index]
    photo = OutsidePhoto(picture.path, picture.sha256, seen_by="the evaluation")
    return picture.sha256, request_outside(settings, photo, size=size)
