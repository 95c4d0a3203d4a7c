"""Listings with embeddings of few dimensions, decided and to review."""

import hashlib
from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from db.engine import transaction
from db.queries.categories import ensure_paths
from db.rows import EmbeddingRow, ImageRow, ListingImageRow, ListingRow, MeasuresRow
from db.states import ListingState
from tests.flags.cases import SOUND_MEASURES

SPACE = "a-space"
AXES = np.eye(16)


def near(axis: int, count: int, *, seed: int = 0) -> np.ndarray:
    """Unit vectors about one axis, (count, 16)."""
    vectors = AXES[axis] + np.random.default_rng((seed, axis)).normal(0, 0.12, (count, 16))
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def add_listings(
    engine: sa.Engine,
    batch_id: int,
    name: str,
    vectors: np.ndarray,
    *,
    category: str | None = None,
    claimed: str | None = None,
    space: str = SPACE,
) -> Sequence[int]:
    """Add a listing a vector, decided where it has a category; return their ids."""
    with transaction(engine) as session:
        claimed_id = ensure_paths(session, [claimed])[claimed] if claimed else None
        category_id = ensure_paths(session, [category])[category] if category else None
        ids = []
        for number, vector in enumerate(vectors):
            listing = ListingRow(
                batch_id=batch_id,
                sku=f"{name}-{number}",
                state=ListingState.CORRECTED if category else ListingState.NEEDS_REVIEW,
                decided_category_id=category_id,
                claimed_category_id=claimed_id,
                doubt=1.0,
            )
            image = ImageRow(
                sha256=hashlib.sha256(f"{name} {number} {batch_id}".encode()).hexdigest(),
                size_bytes=1,
                width_px=9,
                height_px=9,
                format="PNG",
            )
            session.add_all([listing, image])
            session.flush()
            session.add_all(
                [
                    ListingImageRow(
                        listing_id=listing.id, image_id=image.id, position=0, file_name="a"
                    ),
                    MeasuresRow(image_id=image.id, record=SOUND_MEASURES.as_record()),
                    EmbeddingRow(
                        image_id=image.id,
                        space=space,
                        dim=len(vector),
                        vector=vector.astype("<f2").tobytes(),
                    ),
                ]
            )
            ids.append(listing.id)
        return ids


def add_known(engine: sa.Engine, batch_id: int, *, count: int = 40) -> None:
    """Add decided listings of three categories."""
    for axis, name in enumerate(("Mug", "Lamp", "Chair")):
        add_listings(engine, batch_id, name, near(axis, count, seed=7), category=f"Home > {name}")
