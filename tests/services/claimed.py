"""Listings with claims, reviewed and open, and the worker's check of them."""

from collections.abc import Sequence

import sqlalchemy as sa

from core.actors import Actor
from core.mislabel import MIN_CONFIRMED
from core.services import chunks, claims
from core.training.data.seen import SeenPictures
from db.engine import reading, transaction
from db.queries.categories import ensure_paths
from db.rows import (
    FlagRow,
    ImageRow,
    ListingImageRow,
    ModelVersionRow,
    PredictionRow,
)
from db.states import FlagState, ModelState
from tests.services.embedded import add_listings, near
from tests.services.flagged import add_batch

MUG, LAMP, CHAIR = PATHS = ("Home > Mug", "Home > Lamp", "Home > Chair")
EACH = MIN_CONFIRMED // 3 + 1


def add_reviewed(engine: sa.Engine, actor: Actor, each: int) -> int:
    batch_id = add_batch(engine, actor, "reviewed")
    for axis, path in enumerate(PATHS):
        add_listings(
            engine, batch_id, path[-4:], near(axis, each, seed=7), category=path, claimed=path
        )
    return batch_id


def add_open(engine: sa.Engine, batch_id: int) -> Sequence[int]:
    """Add twenty rightly claimed mugs and four lamps that are claimed to be mugs."""
    add_listings(engine, batch_id, "right", near(0, 20, seed=8), claimed=MUG)
    return add_listings(engine, batch_id, "wrong", near(1, 4, seed=8), claimed=MUG)


def add_model(
    engine: sa.Engine,
    says: dict[int, str],
    *,
    seen: Sequence[int] | None = (),
    sure: float = 0.98,
    arch: str = "resnet50",
) -> int:
    """Add an active version that says this of listings, trained on the photos of some."""
    with transaction(engine) as session:
        ids = ensure_paths(session, list(PATHS))
        main = {
            listing_id: (photo_id, sha256)
            for listing_id, photo_id, sha256 in session.execute(
                sa.select(ListingImageRow.listing_id, ListingImageRow.id, ImageRow.sha256).join(
                    ImageRow, ImageRow.id == ListingImageRow.image_id
                )
            )
        }
        record = seen is not None and {
            "seen": SeenPictures.of(main[each][1] for each in seen).pack()
        }
        version = ModelVersionRow(
            arch=arch,
            digest=arch.ljust(64, "0"),
            file_name="a",
            file_bytes=1,
            parameters=1,
            labels=list(PATHS),
            metrics={"training": {"data": record}} if record else {},
            state=ModelState.ACTIVE,
        )
        session.add(version)
        session.flush()
        for listing_id, path in says.items():
            top = [{"category_id": ids[path], "probability": sure}]
            session.add(
                PredictionRow(
                    listing_image_id=main[listing_id][0],
                    model_version_id=version.id,
                    top=top,
                    **top[0],
                )
            )
        return version.id


def work(engine: sa.Engine) -> None:
    """Do what the worker does."""
    for chunk_id, _ in chunks.list_unfinished(engine, kind=claims.JOB):
        chunk = chunks.begin(engine, chunk_id=chunk_id)
        assert chunk
        claims.renew_batch(engine, chunk=chunk)


def check(engine: sa.Engine, actor: Actor, batch_id: int) -> list[FlagRow]:
    claims.ask_check(engine, actor=actor, batch_id=batch_id)
    work(engine)
    with reading(engine) as session:
        flags = session.scalars(
            sa.select(FlagRow)
            .where(FlagRow.kind == claims.KIND, FlagRow.state == FlagState.OPEN)
            .order_by(FlagRow.listing_id)
        ).all()
        session.expunge_all()
        return list(flags)
