"""The photos of an evaluation, wherever they lay when the model looked at them."""

import hashlib
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from core.actors import Actor, require
from core.errors import GoneError, NotFoundError
from core.evaluation import Picture
from core.imaging import ImageLimits, decode, encode_jpeg
from core.services.evaluations import load_measured
from core.services.images import make_rendition
from core.settings import Settings
from core.storage import RENDITIONS, ImageStore, write_whole


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

    The file is read from where the evaluation found it and must still be the same; a JPEG
    made before stands for the same content, so it is used.

    Args:
        index: Row of the evaluation's file.
        size: Key of ``RENDITIONS``.

    Raises:
        ForbiddenError: The actor may not see dashboards.
        NotFoundError: No such evaluation, photo or size; the future, a GoneError when the
            photo is no longer there or has changed, and UnreadableImageError.
    """
    require(actor, "dashboards")
    if size not in RENDITIONS:
        raise NotFoundError(f"no photos of the size {size!r}; there are {list(RENDITIONS)}")
    pictures = load_measured(engine, settings, evaluation_id=evaluation_id).pictures
    if not 0 <= index < len(pictures):
        raise NotFoundError(f"evaluation {evaluation_id} has {len(pictures)} photos, no {index}")
    picture = pictures[index]
    side_px = RENDITIONS[size]
    store = ImageStore(settings.images_dir, settings.cache_dir)
    path = store.rendition_path(picture.sha256, side_px)
    make = partial(_make, settings, picture, path, side_px)
    return picture.sha256, make_rendition(settings, path, make)


def _make(settings: Settings, picture: Picture, path: Path, side_px: int) -> Path:
    limits = ImageLimits(settings.max_file_bytes, settings.max_image_pixels)
    pixels = decode(_read(settings, picture), limits).pixels
    write_whole(path, encode_jpeg(pixels, max_side_px=side_px))
    return path


def _read(settings: Settings, picture: Picture) -> bytes:
    """Return the file's bytes.

    Raises:
        GoneError: It is no longer there, or no longer the same.
    """
    path = Path(picture.path)
    try:
        size_bytes = path.stat().st_size
        data = path.read_bytes() if size_bytes <= settings.max_file_bytes else b""
    except OSError as error:
        raise GoneError(
            f"the photo {path.name} is no longer where the evaluation found it ({path.parent}): "
            f"{error.strerror}"
        ) from error
    if hashlib.sha256(data).hexdigest() != picture.sha256:
        raise GoneError(f"the photo {path.name} has changed since the evaluation looked at it")
    return data
