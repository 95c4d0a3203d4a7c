"""Import photos as a batch: all that is good, or nothing."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import ConflictError, InvalidInputError, UnreadableImageError
from core.imaging import ImageLimits
from core.ingest import (
    REASONS,
    Collection,
    Product,
    Refusal,
    RefusedFileError,
    SourceFile,
    SourceLimits,
    open_source,
    read_photo,
)
from core.ingest.files import refusal
from core.services import jobs
from core.services.batches import sees
from core.services.categories import check_path
from core.settings import Settings
from core.storage import ImageStore
from db.engine import transaction
from db.queries import batches, categories, listings

MAX_BATCH_NAME_LENGTH = 200

OnProgress = Callable[[int, int], None]
"""Called with photos read so far and in all, in the caller's thread."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of an import.

    Attributes:
        batch_name: The name it stands under; an earlier one when ``already_imported``.
        accepted: Photos of the batch.
        refused: Files that did not come in, ordered by name.
        job_id: The classification job that was added with the batch.
    """

    batch_id: int
    batch_name: str
    accepted: int
    refused: tuple[Refusal, ...]
    already_imported: bool
    job_id: int | None


@dataclass(frozen=True, slots=True)
class _Photo:
    """A photo that lies in the store."""

    name: str
    sha256: str
    size_bytes: int
    width_px: int
    height_px: int
    format: str


@dataclass(frozen=True, slots=True)
class _Listing:
    product: Product
    photos: tuple[_Photo, ...]


def import_path(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    path: Path,
    batch_name: str,
    claim: Literal["none", "folder"] = "none",
    on_progress: OnProgress | None = None,
) -> ImportReport:
    """Import a folder, a zip, a manifest or a photo.

    Args:
        claim: "folder" takes the folders of a file as its claimed category.

    Raises:
        ForbiddenError: The actor may not upload.
        NotFoundError: Nothing is at the path.
        InvalidInputError: No file can be taken, or the manifest or the name cannot be used.
        ConflictError: Another batch has the name, or is somebody else's with this content.
    """
    require(actor, "upload")
    with open_source(path, source_limits(settings), claim_folder=claim == "folder") as collection:
        return import_collection(
            engine,
            settings,
            actor=actor,
            collection=collection,
            batch_name=batch_name,
            source=str(path),
            on_progress=on_progress,
        )


def import_collection(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    collection: Collection,
    batch_name: str,
    source: str,
    on_progress: OnProgress | None = None,
) -> ImportReport:
    """Import what a source offers. Raises as ``import_path`` does.

    Photos go to the store first, each decoded once to be sure of it; then one transaction
    adds the batch, its listings and its job. A kill before that leaves only files which
    nothing refers to, and which the next try takes up.
    """
    require(actor, "upload")
    name = _checked_name(batch_name)
    _check_count(collection, settings)
    collection = _with_claims(collection)
    photos, refused = _store_photos(settings, collection, on_progress or _no_progress)
    taken = _with_photos(collection.products, photos)
    refusals = tuple(sorted((*collection.refusals, *refused), key=lambda each: each.name))
    if not taken:
        raise InvalidInputError(_nothing_taken(refusals))
    batch = {
        "name": name,
        "content_digest": _content_digest(taken),
        "source": _storable(source),
        "refusals": [asdict(each) for each in refusals],
        "created_by": actor.id,
    }
    with transaction(engine) as session:
        return _add_batch(session, actor, batch, taken, refusals, settings.chunk_size)


def source_limits(settings: Settings) -> SourceLimits:
    return SourceLimits(
        image=ImageLimits(max_bytes=settings.max_file_bytes, max_pixels=settings.max_image_pixels),
        max_files=settings.max_batch_files,
        max_zip_bytes=settings.max_zip_bytes,
        max_zip_ratio=settings.max_zip_ratio,
    )


def _no_progress(_done: int, _total: int) -> None:
    pass


def _checked_name(batch_name: str) -> str:
    name = " ".join(batch_name.split())
    if not 0 < len(name) <= MAX_BATCH_NAME_LENGTH or not name.isprintable():
        raise InvalidInputError(
            f"a batch's name has 1 to {MAX_BATCH_NAME_LENGTH} printable characters,"
            f" not {len(name)}: {name[:80]!r}"
        )
    return name


def _check_count(collection: Collection, settings: Settings) -> None:
    count = sum(len(product.photos) for product in collection.products)
    limit = settings.max_batch_files
    if count > limit:
        raise InvalidInputError(f"{count:,} photos in one batch; at most {limit:,} are taken")


def _with_claims(collection: Collection) -> Collection:
    """Write the claims as the tree does; refuse the photos under those it cannot hold."""
    products: list[Product] = []
    refusals = [*collection.refusals]
    for product in collection.products:
        try:
            products.append(replace(product, claimed_category=_claim(product.claimed_category)))
        except RefusedFileError as error:
            refusals.extend(refusal(photo.name, error) for photo in product.photos)
    return Collection(tuple(products), tuple(refusals))


def _claim(path: str) -> str:
    """Return a claimed category as the tree writes it; empty when it names nothing.

    Raises:
        RefusedFileError: ``long_category``.
    """
    if not categories.normalise_path(path):
        return ""
    try:
        return check_path(path)
    except InvalidInputError as error:
        raise RefusedFileError("long_category", problem=str(error)) from error


def _store_photos(
    settings: Settings, collection: Collection, on_progress: OnProgress
) -> tuple[Mapping[str, _Photo], Sequence[Refusal]]:
    """Read, decode and store every photo, side by side; return them by name, and refusals.

    Only names and digests are kept, so memory does not grow with the number of photos.
    """
    files = {photo.name: photo for product in collection.products for photo in product.photos}
    store = ImageStore(settings.images_dir, settings.cache_dir)
    store_one = partial(_store_or_refuse, store, source_limits(settings))
    photos: dict[str, _Photo] = {}
    refusals: list[Refusal] = []
    with _threads(settings.decode_threads) as threads:
        for done, outcome in enumerate(threads.map(store_one, files.values()), start=1):
            if isinstance(outcome, _Photo):
                photos[outcome.name] = outcome
            else:
                refusals.append(outcome)
            on_progress(done, len(files))
    return photos, refusals


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that drop what they have not begun when the block is left by an exception."""
    threads = ThreadPoolExecutor(count, thread_name_prefix="import")
    try:
        yield threads
    finally:
        threads.shutdown(cancel_futures=True)


def _store_or_refuse(store: ImageStore, limits: SourceLimits, file: SourceFile) -> _Photo | Refusal:
    try:
        return _store_photo(store, limits, file)
    except (RefusedFileError, UnreadableImageError) as error:
        return refusal(file.name, error)


def _store_photo(store: ImageStore, limits: SourceLimits, file: SourceFile) -> _Photo:
    data, picture = read_photo(file, limits)
    height_px, width_px, _ = picture.pixels.shape
    return _Photo(
        name=file.name,
        sha256=store.put(data),
        size_bytes=len(data),
        width_px=width_px,
        height_px=height_px,
        format=picture.format,
    )


def _with_photos(products: Sequence[Product], photos: Mapping[str, _Photo]) -> tuple[_Listing, ...]:
    """Return the listings that keep at least one photo."""
    kept = (
        _Listing(
            product, tuple(photos[each.name] for each in product.photos if each.name in photos)
        )
        for product in products
    )
    return tuple(listing for listing in kept if listing.photos)


def _nothing_taken(refusals: Sequence[Refusal]) -> str:
    if not refusals:
        return "there is no photo to import"
    counts = Counter(each.reason for each in refusals).most_common()
    reasons = ", ".join(f"{REASONS[reason].label.lower()} ({count})" for reason, count in counts)
    first = refusals[0]
    return f"nothing was imported: {reasons}; for example {first.name}: {first.message}"


def _content_digest(taken: Sequence[_Listing]) -> str:
    """SHA-256 over all that the listings say and show, whatever their order."""
    listed = sorted(
        json.dumps([*_fields(listing.product), *(photo.sha256 for photo in listing.photos)])
        for listing in taken
    )
    return hashlib.sha256("\n".join(listed).encode()).hexdigest()


def _fields(product: Product) -> list[str]:
    price = "" if product.price is None else str(product.price.quantize(Decimal("0.01")))
    texts = [product.sku, product.title, product.seller, product.brand]
    return [*texts, price, product.claimed_category]


def _storable(source: str) -> str:
    """The source as any database can hold it (a path may have bytes that are no text)."""
    return source.encode(errors="replace").decode()[:1000]


def _add_batch(
    session: Session,
    actor: Actor,
    values: Mapping[str, Any],
    taken: Sequence[_Listing],
    refusals: tuple[Refusal, ...],
    chunk_size: int,
) -> ImportReport:
    """Add the batch with all that belongs to it, or report the one that has its content."""
    is_new = batches.insert_batch(session, values)
    batch = batches.find_by_digest(session, values["content_digest"])
    if batch is None:
        raise ConflictError(f"another batch is called {values['name']!r}; choose another name")
    if not sees(actor, batch):
        raise ConflictError("somebody else has brought in the same photos already; nothing added")
    if is_new:
        _add_listings(session, batch.id, taken)
        jobs.add_classification(session, batch_id=batch.id, actor=actor, chunk_size=chunk_size)
    return ImportReport(
        batch_id=batch.id,
        batch_name=batch.name,
        accepted=batches.count_photos(session, batch_id=batch.id),
        refused=refusals,
        already_imported=not is_new,
        job_id=batches.find_first_job_id(session, batch_id=batch.id),
    )


def _add_listings(session: Session, batch_id: int, taken: Sequence[_Listing]) -> None:
    paths = {each.product.claimed_category for each in taken if each.product.claimed_category}
    category_ids = categories.ensure_paths(session, paths)
    image_ids = listings.ensure_images(session, _image_values(taken))
    rows = [_listing_values(batch_id, each.product, category_ids) for each in taken]
    listing_ids = listings.insert_listings(session, rows)
    listings.insert_listing_images(
        session,
        [
            {
                "listing_id": listing_id,
                "image_id": image_ids[photo.sha256],
                "position": position,
                "file_name": photo.name,
            }
            for listing_id, listing in zip(listing_ids, taken, strict=True)
            for position, photo in enumerate(listing.photos)
        ],
    )


def _image_values(taken: Sequence[_Listing]) -> list[dict[str, Any]]:
    """One row a content, however many files have it."""
    photos = {photo.sha256: photo for listing in taken for photo in listing.photos}
    columns = ("sha256", "size_bytes", "width_px", "height_px", "format")
    return [{name: getattr(photo, name) for name in columns} for photo in photos.values()]


def _listing_values(
    batch_id: int, product: Product, category_ids: Mapping[str, int]
) -> dict[str, Any]:
    return {
        "batch_id": batch_id,
        "sku": product.sku,
        "title": product.title,
        "seller": product.seller,
        "brand": product.brand,
        "price": product.price,
        "claimed_category_id": category_ids.get(product.claimed_category),
    }
