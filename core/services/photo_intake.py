"""Photos that come: each is read, decoded to be sure of it, and stored, several side by side."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import UnreadableImageError
from core.imaging import ImageLimits
from core.ingest import (
    Collection,
    Refusal,
    RefusedFileError,
    SourceFile,
    SourceLimits,
    read_photo,
)
from core.ingest.files import refusal
from core.services.known_photos import Finder, KnownPhoto
from core.settings import Settings
from core.storage import ImageStore

Duplicates = Literal["keep", "skip_same_bytes", "skip"]
"""Of photos that the catalogue has: bring all in, leave out the same files, or all copies."""

OnProgress = Callable[[int, int], None]
"""Called with photos read so far and in all, in the caller's thread."""


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A photo that was read and, unless it is left out, lies in the store.

    Attributes:
        known: For what in the catalogue it is left out; None where it comes in.
    """

    name: str
    sha256: str
    size_bytes: int
    width_px: int
    height_px: int
    format: str
    known: KnownPhoto | None


@dataclass(frozen=True, slots=True)
class _Intake:
    """What is done with each file."""

    store: ImageStore
    limits: SourceLimits
    finder: Finder
    duplicates: Duplicates

    def take(self, file: SourceFile) -> StoredPhoto | Refusal:
        try:
            return self._store(file)
        except (RefusedFileError, UnreadableImageError) as error:
            return refusal(file.name, error)

    def _store(self, file: SourceFile) -> StoredPhoto:
        data, picture = read_photo(file, self.limits)
        height_px, width_px, _ = picture.pixels.shape
        sha256 = hashlib.sha256(data).hexdigest()
        known = self._find(file.name, sha256, picture.pixels)
        if known is None:
            self.store.put(data)
        return StoredPhoto(
            name=file.name,
            sha256=sha256,
            size_bytes=len(data),
            width_px=width_px,
            height_px=height_px,
            format=picture.format,
            known=known,
        )

    def _find(self, name: str, sha256: str, pixels: NDArray[np.uint8]) -> KnownPhoto | None:
        if self.duplicates == "keep":
            return None
        known = self.finder.find_files({name: sha256}).get(name)
        if known is None and self.duplicates == "skip":
            return self.finder.find_picture(name, pixels)
        return known


def source_limits(settings: Settings) -> SourceLimits:
    return SourceLimits(
        image=ImageLimits.of(settings),
        max_files=settings.max_batch_files,
        max_zip_bytes=settings.max_zip_bytes,
        max_zip_ratio=settings.max_zip_ratio,
    )


def take_in(
    settings: Settings,
    collection: Collection,
    finder: Finder,
    duplicates: Duplicates,
    on_progress: OnProgress,
) -> tuple[Mapping[str, StoredPhoto], Sequence[Refusal]]:
    """Take every photo in; return them by name, and refusals.

    Only names and digests are kept, so memory does not grow with the number of photos.
    """
    files = {photo.name: photo for product in collection.products for photo in product.photos}
    store = ImageStore.of(settings)
    intake = _Intake(store, source_limits(settings), finder, duplicates)
    photos: dict[str, StoredPhoto] = {}
    refusals: list[Refusal] = []
    with _threads(settings.decode_threads) as threads:
        for done, outcome in enumerate(threads.map(intake.take, files.values()), start=1):
            if isinstance(outcome, StoredPhoto):
                photos[outcome.name] = outcome
            else:
                refusals.append(outcome)
            on_progress(done, len(files))
    return photos, refusals


def refuse_known(photo: StoredPhoto) -> Refusal | None:
    """Return why a photo is left out; None where it comes in."""
    if photo.known is None:
        return None
    kind = "known_file" if photo.known.kind == "same_bytes" else "known_picture"
    return refusal(
        photo.name, RefusedFileError(kind, where=photo.known.where, score=photo.known.score)
    )


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that drop what they have not begun when the block is left by an exception."""
    threads = ThreadPoolExecutor(count, thread_name_prefix="import")
    try:
        yield threads
    finally:
        threads.shutdown(cancel_futures=True)
