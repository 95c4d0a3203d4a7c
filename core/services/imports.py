"""Import photos as a batch: all that is good, or nothing."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import ConflictError, InvalidInputError
from core.ingest import (
    REASONS,
    Collection,
    Product,
    Refusal,
    RefusedFileError,
    open_source,
)
from core.ingest.files import refusal
from core.services import jobs
from core.services.batches import sees
from core.services.known_photos import Finder
from core.services.photo_intake import (
    Duplicates,
    OnProgress,
    StoredPhoto,
    refuse_known,
    source_limits,
    take_in,
)
from core.settings import Settings
from db.engine import reading, transaction
from db.queries import batches, categories, listings

MAX_BATCH_NAME_LENGTH = 200


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of an import.

    Attributes:
        batch_name: The name it stands under; an earlier one when ``already_imported``.
        accepted: Photos of the batch.
        refused: Files that did not come in, ordered by name, those left out as known too.
        job_id: The classification job that was added with the batch.
        known: Photos that came in, though the catalogue had the same files already.
    """

    batch_id: int
    batch_name: str
    accepted: int
    refused: tuple[Refusal, ...]
    already_imported: bool
    job_id: int | None
    known: int = 0


@dataclass(frozen=True, slots=True)
class _Listing:
    product: Product
    photos: tuple[StoredPhoto, ...]


def import_path(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    path: Path,
    batch_name: str,
    claim: Literal["none", "folder"] = "none",
    duplicates: Duplicates = "keep",
    on_progress: OnProgress | None = None,
) -> ImportReport:
    """Import a folder, a zip, a manifest or a photo.

    Args:
        claim: "folder" takes the folders of a file as its claimed category.
        duplicates: What becomes of photos that the catalogue has already.

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
            duplicates=duplicates,
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
    duplicates: Duplicates = "keep",
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
    finder = Finder(engine, settings, actor)
    photos, refused = take_in(settings, collection, finder, duplicates, on_progress or _no_progress)
    taken, left_out, digest = _leave_out(
        engine, _with_photos(collection.products, photos), duplicates
    )
    refusals = tuple(
        sorted((*collection.refusals, *refused, *left_out), key=lambda each: each.name)
    )
    if not taken:
        raise InvalidInputError(_nothing_taken(refusals))
    batch = {
        "name": name,
        "content_digest": digest,
        "source": _storable(source),
        "refusals": [asdict(each) for each in refusals],
        "created_by": actor.id,
    }
    files = {photo.name: photo.sha256 for listing in taken for photo in listing.photos}
    known = len(finder.find_files(files))
    with transaction(engine) as session:
        report = _add_batch(session, actor, batch, taken, refusals, settings.chunk_size)
    return report if report.already_imported else replace(report, known=known)


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
    claim = categories.normalise_path(path)
    names = claim.split(categories.SEPARATOR)
    for what, text, limit in (
        ("its claimed category", claim, categories.MAX_PATH_LENGTH),
        ("of its claimed category the name", max(names, key=len), categories.MAX_NAME_LENGTH),
    ):
        if len(text) > limit:
            raise RefusedFileError(
                "long_category", what=what, text=text, length=len(text), limit=limit
            )
    return claim


def _with_photos(
    products: Sequence[Product], photos: Mapping[str, StoredPhoto]
) -> tuple[_Listing, ...]:
    """Return the listings that keep at least one photo."""
    kept = (
        _Listing(
            product, tuple(photos[each.name] for each in product.photos if each.name in photos)
        )
        for product in products
    )
    return tuple(listing for listing in kept if listing.photos)


def _leave_out(
    engine: sa.Engine, offered: tuple[_Listing, ...], duplicates: Duplicates
) -> tuple[tuple[_Listing, ...], Sequence[Refusal], str]:
    """Return the listings without what is left out, why it is, and the batch's digest.

    An import that is repeated knows its own photos: where its batch stands, nothing is left out,
    and the digest leads to it.
    """
    photos = {photo.name: photo for listing in offered for photo in listing.photos}
    left_out = {name: why for name, photo in photos.items() if (why := refuse_known(photo))}
    whole = _content_digest(offered)
    if not left_out:
        return offered, (), whole
    without = hashlib.sha256(f"{whole} {duplicates}".encode()).hexdigest()
    with reading(engine) as session:
        for digest in (whole, without):
            if batches.find_by_digest(session, digest) is not None:
                return offered, (), digest
    kept = {name: photo for name, photo in photos.items() if name not in left_out}
    products = [listing.product for listing in offered]
    return _with_photos(products, kept), tuple(left_out.values()), without


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
