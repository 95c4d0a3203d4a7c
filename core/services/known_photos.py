"""Which photos that come are in the catalogue already: told before they are stored as new.

The same file is told by its SHA-256, the same picture as ``core.services.copies`` tells it, from
the same hashes and by the same alignment. Photos of rejected listings do not count.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core.actors import Actor
from core.errors import UnreadableImageError
from core.imaging import decode, encode_jpeg
from core.ingest import Collection, RefusedFileError, SourceFile, SourceLimits, read_photo
from core.services import copies
from core.services.batches import owner_seen_by
from core.services.copies import KnownPrints
from core.settings import Settings
from core.similarity.copies import Sought
from core.similarity.evidence import SIDE_PX
from core.similarity.fingerprints import take_fingerprint
from core.storage import STORED_LIMITS, ImageStore
from db.engine import reading
from db.queries import fingerprints as fingerprint_queries
from db.queries import known as queries
from db.queries.known import Holder

CHECK_S = 8.0
"""So long pictures are compared before an import; the rest is, after it was classified."""

MAX_TOLD = 200


@dataclass(frozen=True, slots=True)
class KnownPhoto:
    """A photo that comes, and a listing that shows it already.

    Attributes:
        name: Of the file that comes.
        kind: Key of ``MATCH_KINDS``.
        score: Of the kind, 0 to 1.
        listing_id: None where it is not the actor's to see; the texts are empty then.
        sha256: Of the photo that the listing shows.
    """

    name: str
    kind: str
    score: float
    listing_id: int | None = None
    sku: str = ""
    title: str = ""
    batch: str = ""
    sha256: str = ""

    @property
    def where(self) -> str:
        """Which listing shows it, in words."""
        if self.listing_id is None:
            return "a listing that somebody else brought in"
        return f"{self.title or self.sku} of the batch {self.batch} (listing {self.listing_id})"


@dataclass(frozen=True, slots=True)
class KnownPhotos:
    """What was found among the photos that come.

    Attributes:
        photos: How many come.
        same_file: How many of them the catalogue has as they are.
        same_picture: Of how many others it has the picture, among those compared in time.
        not_compared: Photos for whose pictures there was no time.
        told: At most ``MAX_TOLD`` of those found, by name.
    """

    photos: int
    same_file: int
    same_picture: int
    not_compared: int
    told: tuple[KnownPhoto, ...]


class Finder:
    """Looks photos up in the catalogue for one actor; safe in several threads."""

    def __init__(self, engine: sa.Engine, settings: Settings, actor: Actor) -> None:
        self._engine = engine
        self._store = ImageStore.of(settings)
        self._actor = actor
        self._prints = known_prints(engine)

    def find_files(self, digests: Mapping[str, str]) -> dict[str, KnownPhoto]:
        """Return those of the files, by name, that the catalogue has as they are.

        Args:
            digests: SHA-256 by name.
        """
        with reading(self._engine) as session:
            holders = self._list_holders(session, list(set(digests.values())))
        return {
            name: self._known(name, "same_bytes", 1.0, holders[sha256])
            for name, sha256 in digests.items()
            if sha256 in holders
        }

    def find_picture(self, name: str, pixels: NDArray[np.uint8]) -> KnownPhoto | None:
        """Return the nearest photo that shows the same picture as (H, W, 3) uint8 pixels."""
        fingerprint = take_fingerprint(pixels)
        near = self._prints.find(fingerprint)
        with reading(self._engine) as session:
            stored = fingerprint_queries.list_of_images(session, image_ids=near)
            holders = self._list_holders(session, [each.sha256 for each in stored])
        candidates = [each for each in stored if each.sha256 in holders]
        if not candidates:
            return None
        sought = Sought.of(_shrink(pixels))
        for candidate in sorted(candidates, key=lambda each: near.index(each.image_id)):
            match = copies.match_picture(self._store, sought, fingerprint, candidate)
            if match is not None:
                score = min(1.0, match.score)
                return self._known(name, match.kind, score, holders[candidate.sha256])
        return None

    def _list_holders(self, session: Session, sha256s: Sequence[str]) -> Mapping[str, Holder]:
        return queries.list_holders(session, sha256s=sha256s, owner=self._actor.id)

    def _known(self, name: str, kind: str, score: float, holder: Holder) -> KnownPhoto:
        if owner_seen_by(self._actor) not in {None, holder.owner}:
            return KnownPhoto(name, kind, score)
        return KnownPhoto(
            name=name,
            kind=kind,
            score=score,
            listing_id=holder.listing_id,
            sku=holder.sku,
            title=holder.title,
            batch=holder.batch,
            sha256=holder.sha256,
        )


@lru_cache(maxsize=2)
def known_prints(engine: sa.Engine) -> KnownPrints:
    """Return the process's hashes."""
    return KnownPrints(engine)


def look_through(
    collection: Collection,
    limits: SourceLimits,
    finder: Finder,
    *,
    threads: int,
    seconds: float = CHECK_S,
) -> KnownPhotos:
    """Look up all files by their bytes, and of the others as many pictures as there is time for.

    Files that cannot be read are passed over: the import names them.
    """
    files = {photo.name: photo for product in collection.products for photo in product.photos}
    with ThreadPoolExecutor(threads, thread_name_prefix="check") as pool:
        read = zip(files, pool.map(partial(_digest, limits), files.values()), strict=True)
        same_files = finder.find_files({name: sha256 for name, sha256 in read if sha256})
        others = [file for name, file in files.items() if name not in same_files]
        look = partial(_find_in_time, limits, finder, time.monotonic() + seconds)
        found = list(pool.map(look, others))
    same_pictures = {each.name: each for each in found if isinstance(each, KnownPhoto)}
    told = sorted({**same_files, **same_pictures}.items())[:MAX_TOLD]
    return KnownPhotos(
        photos=len(files),
        same_file=len(same_files),
        same_picture=len(same_pictures),
        not_compared=sum(each is _LATE for each in found),
        told=tuple(each for _, each in told),
    )


class _Late:
    """There was no time for a photo."""


_LATE = _Late()


def _digest(limits: SourceLimits, file: SourceFile) -> str | None:
    try:
        data = file.read(limits.image.max_bytes + 1)
    except RefusedFileError:
        return None
    return hashlib.sha256(data).hexdigest()


def _find_in_time(
    limits: SourceLimits, finder: Finder, ends_at: float, file: SourceFile
) -> KnownPhoto | _Late | None:
    if time.monotonic() >= ends_at:
        return _LATE
    try:
        _, picture = read_photo(file, limits)
    except (RefusedFileError, UnreadableImageError):
        return None
    return finder.find_picture(file.name, picture.pixels)


def _shrink(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture as its small rendition would show it."""
    return decode(encode_jpeg(pixels, max_side_px=SIDE_PX), STORED_LIMITS).pixels
