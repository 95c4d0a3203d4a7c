"""Listings with flags, to judge and to publish."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

import sqlalchemy as sa

from core.actors import Actor
from core.services import decisions
from core.services.decisions import DecisionOutcome, NewDecision
from core.services.review import get_listing
from db.engine import transaction
from db.queries.categories import ensure_paths
from db.rows import BatchRow, FlagRow, ImageRow, ListingImageRow, ListingRow
from db.states import DecisionKind, FlagSeverity, ListingState

MUG, BOWL = "Home > Mug", "Home > Bowl"
CLAIM_DETAIL = {
    "claimed": MUG,
    "claimed_probability": 0.1,
    "likeliest": BOWL,
    "likeliest_probability": 0.9,
}
DETAILS = {
    "blurry": {"value": 0.1, "limit": 0.27},
    "dark": {"value": 0.1, "limit": 0.35},
    "truncated": {"value": 0.5, "limit": 0.01},
    "claimed_mismatch": CLAIM_DETAIL,
}
BLOCKING = ("truncated", "claimed_mismatch")


@dataclass(frozen=True, slots=True)
class Flagged:
    """A listing to review, with one photo."""

    batch_id: int
    listing_id: int
    photo_id: int


def add_batch(engine: sa.Engine, actor: Actor, name: str = "spring") -> int:
    with transaction(engine) as session:
        batch = BatchRow(name=name, content_digest=name.ljust(64, "d"), created_by=actor.id)
        session.add(batch)
        session.flush()
        return batch.id


def add_flagged(engine: sa.Engine, batch_id: int, sku: str, kinds: Sequence[str]) -> Flagged:
    """Add a listing that needs review, a mug by suggestion, with one photo and its open flags."""
    with transaction(engine) as session:
        category_id = ensure_paths(session, [MUG, BOWL])[MUG]
        listing = ListingRow(
            batch_id=batch_id,
            sku=sku,
            state=ListingState.NEEDS_REVIEW,
            doubt=0.5,
            suggested_category_id=category_id,
        )
        image = ImageRow(
            sha256=f"{sku}-{batch_id}".ljust(64, "a"),
            size_bytes=10,
            width_px=4,
            height_px=3,
            format="JPEG",
        )
        session.add_all([listing, image])
        session.flush()
        photo = ListingImageRow(
            listing_id=listing.id, image_id=image.id, position=0, file_name=f"{sku}.jpg"
        )
        session.add(photo)
        session.flush()
        session.add_all(
            FlagRow(
                listing_id=listing.id,
                listing_image_id=photo.id,
                kind=kind,
                severity=FlagSeverity.BLOCK if kind in BLOCKING else FlagSeverity.WARN,
                score=0.5,
                detail=DETAILS[kind],
            )
            for kind in kinds
        )
        return Flagged(batch_id, listing.id, photo.id)


def decide(
    engine: sa.Engine,
    actor: Actor,
    flagged: Flagged,
    *,
    shown: Sequence[str] = (),
    kind: DecisionKind = DecisionKind.ACCEPT,
) -> DecisionOutcome:
    """Decide the listing; ``shown`` are the flags that its reviewer saw."""
    listing = get_listing(engine, actor=actor, listing_id=flagged.listing_id)
    accepts = kind == DecisionKind.ACCEPT
    new = NewDecision(
        key=str(uuid4()),
        listing_id=listing.id,
        listing_version=listing.version,
        kind=kind,
        category_id=listing.suggested.id if accepts and listing.suggested else None,
        shown={"suggestions": [], "model_versions": [], "flags": list(shown)},
    )
    return decisions.decide(engine, actor=actor, new=new)
