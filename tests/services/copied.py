"""Listings that show photos of each other, classified as far as copies need it."""

import io
from collections.abc import Mapping

import numpy as np
import sqlalchemy as sa
from PIL import Image

from core.services import copies, copy_flags
from core.services.copies import KnownPrints
from core.settings import Settings
from core.similarity.fingerprints import VERSION, take_fingerprint
from core.storage import ImageStore
from db.engine import transaction
from db.queries.fingerprints import insert_fingerprints
from db.rows import ImageRow, ListingImageRow, ListingRow, MeasuresRow
from db.states import ListingState
from tests.flags.cases import SOUND_MEASURES


def as_file(pixels: np.ndarray, *, quality: int = 95) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def add_shown(
    engine: sa.Engine, settings: Settings, batch_id: int, files: Mapping[str, bytes]
) -> dict[str, int]:
    """Add a listing a file, by SKU, with what classification takes of it; return their ids."""
    store = ImageStore.of(settings)
    found = {}
    for sku, data in files.items():
        with transaction(engine) as session:
            sha256 = store.put(data)
            image = session.scalar(sa.select(ImageRow).where(ImageRow.sha256 == sha256))
            if image is None:
                image = _add_image(session, sha256, data)
            listing = ListingRow(
                batch_id=batch_id, sku=sku, title=sku, state=ListingState.NEEDS_REVIEW
            )
            session.add(listing)
            session.flush()
            photo = ListingImageRow(
                listing_id=listing.id, image_id=image.id, position=0, file_name=sku
            )
            session.add(photo)
            session.flush()
            if shared := copy_flags.note_shared(session, image_ids=[image.id]):
                copy_flags.renew(session, image_ids=shared)
            found[sku] = listing.id
    return found


def compare_all(engine: sa.Engine, settings: Settings, known: KnownPrints | None = None) -> int:
    """Do what the worker does with the fingerprints that wait; return how many those were."""
    known = known or KnownPrints(engine)
    pending = copies.list_pending(engine)
    for fingerprint_id, _ in pending:
        copies.compare(engine, settings, fingerprint_id=fingerprint_id, known=known)
    return len(pending)


def _add_image(session: sa.orm.Session, sha256: str, data: bytes) -> ImageRow:
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    height, width = pixels.shape[:2]
    image = ImageRow(
        sha256=sha256, size_bytes=len(data), width_px=width, height_px=height, format="JPEG"
    )
    session.add(image)
    session.flush()
    session.add(MeasuresRow(image_id=image.id, record=SOUND_MEASURES.as_record()))
    taken = take_fingerprint(pixels)
    value = {"image_id": image.id, "pixels_sha256": taken.pixels_sha256, "hashes": taken.pack()}
    insert_fingerprints(session, values=[value], version=VERSION)
    return image
