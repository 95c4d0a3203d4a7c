"""From drawn photos to a suggestion that only five examples speak for."""

import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from core.actors import Actor
from core.sample.catalog import photograph
from core.sample.plan import plan_catalog
from core.sample.products import PRODUCTS
from core.services import chunks, classification, decisions, review
from core.services.active_models import ModelCache
from core.services.decisions import NewDecision
from core.services.renewals import MORE_REVIEWED
from core.settings import Settings
from db.engine import reading, transaction
from db.queries.categories import ensure_paths
from db.rows import (
    BatchRow,
    EmbeddingRow,
    FlagRow,
    FlagValueRow,
    ListingImageRow,
    ListingRow,
)
from db.states import DecisionKind
from tests.services.embedded import add_known, add_listings, near
from tests.services.flagged import add_batch, add_flagged, decide
from tests.worker import catalog
from tests.worker.conftest import Workers

SEED, PHOTOS = 3, 8
MUG, LAMP, CHAIR = "Home > Mug", "Home > Lamp", "Home > Chair"
EXAMPLES = 5


def draw_products(folder: Path, numbers: range) -> None:
    """Draw sound photos of three products; a file is called after its category."""
    folder.mkdir(parents=True)
    shots = [shot for shot in plan_catalog(SEED, PHOTOS) if not shot.sku]
    for category in (MUG, LAMP, CHAIR):
        mine = [shot for shot in shots if PRODUCTS[shot.product].category == category]
        for number in numbers:
            name = f"{category.rpartition(' ')[2]}-{number}.jpg"
            (folder / name).write_bytes(photograph(mine[number]))


@pytest.fixture
def classify(engine: sa.Engine, settings: Settings) -> Callable[[], None]:
    models = ModelCache(engine, settings)

    def classify() -> None:
        for chunk_id, _ in chunks.list_unfinished(engine, kind="classification"):
            chunk = chunks.begin(engine, chunk_id=chunk_id)
            assert chunk
            classification.classify_chunk(
                engine, settings, chunk=chunk, models=models, raise_if_stopped=lambda: None
            )

    return classify


def decide_all(engine: sa.Engine, actor: Actor) -> None:
    """Correct each listing to the category that its file is called after."""
    with transaction(engine) as session:
        ids = ensure_paths(session, [MUG, LAMP, CHAIR])
        listings = [(row.id, row.sku, row.version) for row in session.scalars(select(ListingRow))]
    for listing_id, sku, version in listings:
        new = NewDecision(
            key=str(uuid4()),
            listing_id=listing_id,
            listing_version=version,
            kind=DecisionKind.CORRECT,
            category_id=ids[f"Home > {sku.partition('-')[0]}"],
        )
        decisions.decide(engine, actor=actor, new=new)


def test_the_sixth_photo_of_a_product_that_no_model_knows_is_suggested_it(
    engine: sa.Engine,
    settings: Settings,
    actor: Actor,
    tmp_path: Path,
    classify: Callable[[], None],
) -> None:
    catalog.add_model(engine, settings, actor, labels=(MUG, LAMP))
    draw_products(tmp_path / "first", range(EXAMPLES))
    catalog.import_photos(engine, settings, actor, tmp_path / "first", name="first")
    classify()
    decide_all(engine, actor)

    draw_products(tmp_path / "second", range(EXAMPLES, EXAMPLES + 1))
    catalog.import_photos(engine, settings, actor, tmp_path / "second", name="second")
    classify()

    with reading(engine) as session:
        query = select(ListingRow).join(BatchRow, BatchRow.id == ListingRow.batch_id)
        new = {row.sku: row.id for row in session.scalars(query.where(BatchRow.name == "second"))}
        assert len(set(session.scalars(select(EmbeddingRow.space)))) == 1
        held = session.execute(
            select(ListingImageRow.listing_id, FlagValueRow.value).join(
                ListingImageRow, ListingImageRow.id == FlagValueRow.listing_image_id
            )
        )
        # Too few are decided to say how unlike them these are; before, nothing was.
        assert {tuple(row) for row in held} == {(listing_id, None) for listing_id in new.values()}
    found = {
        sku: review.get_listing(engine, actor=actor, listing_id=listing_id)
        for sku, listing_id in new.items()
    }
    chair = found.pop("Chair-5.jpg")
    assert chair.suggested
    assert (chair.suggested.path, chair.source) == (CHAIR, "examples")
    assert {(listing.source, listing.suggested.path == CHAIR) for listing in found.values()} == {
        ("models", False)
    }


def test_a_worker_looks_for_unknown_products_by_itself_once_enough_is_reviewed(
    engine: sa.Engine, settings: Settings, actor: Actor, workers: Workers
) -> None:
    batch_id = add_batch(engine, actor)
    add_known(engine, batch_id)
    kettles = add_listings(engine, batch_id, "kettle", near(9, 3))
    for number in range(MORE_REVIEWED):
        decide(engine, actor, add_flagged(engine, batch_id, f"new-{number}", []))

    worker = workers.start(settings.model_copy(update={"worker_silent_s": 1.0}))

    until = time.monotonic() + 120
    flagged: list[int] = []
    while not flagged and time.monotonic() < until:
        time.sleep(0.2)
        with reading(engine) as session:
            query = select(FlagRow.listing_id).where(FlagRow.kind == "unknown_product")
            flagged = sorted(session.scalars(query))
    assert flagged == list(kettles), worker.said
    assert worker.terminate() == 0
