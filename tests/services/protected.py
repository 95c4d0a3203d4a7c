"""A brand with a photo and a logo, and listings that are held against it as the worker does it."""

from decimal import Decimal

import numpy as np
import sqlalchemy as sa

from benchmarks.drawn_logos import LOGOS, TREATMENTS, Logo, paste
from core.actors import Actor
from core.services import brand_checks, brands, chunks
from core.services.brands import BrandEntry
from core.services.chunks import list_unfinished
from core.services.states import ReferenceKind
from core.settings import Settings
from db.engine import transaction
from db.rows import ListingRow
from tests.services.copied import add_shown, as_file
from tests.similarity.conftest import draw_photo

LOGO = next(logo for logo in LOGOS if logo.word == "VOLTEK")
OWN, ANOTHER = "Voltek Shop", "Bargain Bay"
ENTRY = BrandEntry("Voltek", (OWN,), Decimal("20.00"), Decimal("80.00"))


def print_logo(logo: Logo = LOGO, *, photo: int = 1) -> np.ndarray:
    return paste(draw_photo(photo), logo, TREATMENTS["pasted"], np.random.default_rng(3)).pixels


def add_voltek(
    engine: sa.Engine, settings: Settings, actor: Actor, *, entry: BrandEntry = ENTRY
) -> int:
    """Put the brand into the register, with one logo."""
    brand_id = brands.add_brand(engine, actor=actor, entry=entry)
    add_reference(engine, settings, actor, brand_id, ReferenceKind.LOGO, LOGO.on_white())
    return brand_id


def add_reference(
    engine: sa.Engine,
    settings: Settings,
    actor: Actor,
    brand_id: int,
    kind: ReferenceKind,
    pixels: np.ndarray,
) -> None:
    brands.add_reference(
        engine,
        settings,
        actor=actor,
        brand_id=brand_id,
        kind=kind,
        file_name=f"{kind}.jpg",
        data=as_file(pixels),
    )


def offer(
    engine: sa.Engine,
    settings: Settings,
    batch_id: int,
    photos: dict[str, np.ndarray],
    **said: object,
) -> dict[str, int]:
    """Add a listing a photo, by SKU, that say so of themselves; return their ids."""
    files = {sku: as_file(pixels) for sku, pixels in photos.items()}
    ids = add_shown(engine, settings, batch_id, files)
    with transaction(engine) as session:
        session.execute(sa.update(ListingRow).where(ListingRow.id.in_(ids.values())).values(**said))
    return ids


def check_all(engine: sa.Engine, settings: Settings) -> int:
    """Do what the worker does with the checks that wait; return how many chunks of listings."""
    done = 0
    while pending := list_unfinished(engine, kind=brand_checks.JOB):
        for chunk_id, _ in pending:
            chunk = chunks.begin(engine, chunk_id=chunk_id)
            assert chunk is not None
            brand_checks.check_chunk(engine, settings, chunk=chunk, raise_if_stopped=lambda: None)
            done += bool(chunk.items)
    return done
