"""Photos for the browser: small JPEGs, each made once, few at a time."""

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from core.actors import Actor, require
from core.errors import NotFoundError
from core.services.batches import owner_seen_by
from core.services.workshop import workshop
from core.settings import Settings
from core.storage import RENDITIONS, ImageStore
from db.engine import reading
from db.queries import batches


def etag_of(sha256: str, size: str) -> str:
    """Return what stands for a rendition's content in HTTP: it never changes."""
    return f'"{sha256}-{RENDITIONS.get(size, 0)}"'


def request_rendition(
    engine: sa.Engine, settings: Settings, *, actor: Actor, sha256: str, size: str
) -> Future[Path]:
    """Return where a JPEG of the photo lies, or will: it is made at first use.

    However many ask for the same one at the same time, the photo is decoded once; at most
    ``decode_threads`` photos are decoded at once. The future fails with
    UnreadableImageError when the original was damaged since it was stored.

    Args:
        size: Key of ``RENDITIONS``.

    Raises:
        ForbiddenError: The actor may not see photos.
        NotFoundError: The actor sees no such photo, or there is no such size.
    """
    require(actor, "look")
    if size not in RENDITIONS:
        raise NotFoundError(f"no photos of the size {size!r}; there are {', '.join(RENDITIONS)}")
    store = ImageStore.of(settings)
    path = store.rendition_path(sha256, RENDITIONS[size])
    is_there = path.exists() or store.path(sha256).exists()
    if not is_there or not _is_seen(engine, actor, sha256):
        raise NotFoundError(f"no photo {sha256}")
    return make_once(settings, path, partial(store.rendition, sha256, RENDITIONS[size]))


def _is_seen(engine: sa.Engine, actor: Actor, sha256: str) -> bool:
    owner = owner_seen_by(actor)
    if owner is None:
        return True
    with reading(engine) as session:
        return batches.has_photo(session, owner=owner, sha256=sha256)


def make_once(settings: Settings, path: Path, make: Callable[[], Path]) -> Future[Path]:
    """Return the path when the file is there, or when ``make`` has made it.

    Whoever asks for a file in the making waits for the same one; at most
    ``decode_threads`` are made at once.
    """
    if path.exists():
        made: Future[Path] = Future()
        made.set_result(path)
        return made
    return workshop(settings).submit(path, make)
