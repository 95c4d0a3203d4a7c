"""Listings to draw a queue from."""

from collections.abc import Mapping, Sequence
from itertools import product

import sqlalchemy as sa

from core.actors import Actor
from db.engine import transaction
from db.queries.categories import ensure_paths
from db.rows import (
    BatchRow,
    FlagRow,
    ImageRow,
    ListingImageRow,
    ListingRow,
    UserRow,
)
from db.states import FlagSeverity, ListingState, Role

SELLERS = ("Kera", "Nordwind")
PATHS = ("Home > Bowl", "Home > Mug")
FLAGS = ((), ("blurry",), ("blurry", "dark"))


def add_reviewer(engine: sa.Engine, name: str) -> Actor:
    with transaction(engine) as session:
        row = UserRow(name=name, role=Role.REVIEWER)
        session.add(row)
        session.flush()
        return Actor(id=row.id, name=row.name, role=row.role)


def add_listings(engine: sa.Engine, actor: Actor, *, count: int, **values: object) -> Sequence[int]:
    """Add listings of one batch without photos; later ones are less doubtful."""
    with transaction(engine) as session:
        batch = BatchRow(name="many", content_digest="m" * 64, created_by=actor.id)
        session.add(batch)
        session.flush()
        rows = [
            ListingRow(
                batch_id=batch.id,
                sku=f"M-{number:03}",
                state=ListingState.NEEDS_REVIEW,
                doubt=1.0 - number / count,
                **values,
            )
            for number in range(count)
        ]
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


def add_photo(engine: sa.Engine, listing_id: int, *, content: str, flags: Sequence[str]) -> int:
    """Add a main photo with open flags; photos of one content show the same file."""
    sha256 = content.ljust(64, "0")
    with transaction(engine) as session:
        image = session.scalar(sa.select(ImageRow).where(ImageRow.sha256 == sha256))
        if image is None:
            image = ImageRow(sha256=sha256, size_bytes=1, width_px=1, height_px=1, format="PNG")
            session.add(image)
            session.flush()
        photo = ListingImageRow(
            listing_id=listing_id, image_id=image.id, position=0, file_name="a.png"
        )
        session.add(photo)
        session.flush()
        session.add_all(
            FlagRow(
                listing_id=listing_id,
                listing_image_id=photo.id,
                kind=kind,
                severity=FlagSeverity.WARN,
                score=0.5,
                detail={"value": 0.1, "limit": 0.2},
            )
            for kind in flags
        )
        return photo.id


def add_mixture(engine: sa.Engine, actor: Actor) -> Mapping[int, tuple[str, ...]]:
    """Add listings of every mixture of what a queue is filtered by; return their open flags."""
    with transaction(engine) as session:
        categories = ensure_paths(session, PATHS)
        batches = [
            BatchRow(name=name, content_digest=name.ljust(64, "d"), created_by=actor.id)
            for name in ("spring", "autumn")
        ]
        session.add_all(batches)
        session.flush()
        found: dict[ListingRow, tuple[str, ...]] = {}
        mixture = product(batches, (*PATHS, None), SELLERS, FLAGS)
        for number, (batch, path, seller, flags) in enumerate(mixture):
            row = ListingRow(
                batch_id=batch.id,
                sku=f"X-{number}",
                seller=seller,
                state=ListingState.NEEDS_REVIEW,
                doubt=(number * 7 % 36) // 3 / 12,  # some are equal
                suggested_category_id=categories[path] if path else None,
                effort="photo" if flags else "plain",
            )
            session.add(row)
            found[row] = flags
        session.flush()
        listings = {row.id: flags for row, flags in found.items()}
    for id_, flags in listings.items():
        if flags:
            add_photo(engine, id_, content=str(id_), flags=flags)
    return listings
