"""A batch that is held against the register once it is classified, as the worker does it."""

from pathlib import Path
from threading import Event

import sqlalchemy as sa

from core.actors import Actor
from core.services import brand_evidence, brands, jobs
from core.services.active_models import ModelCache
from core.services.brands import BrandEntry
from core.services.chunks import list_unfinished
from core.settings import Settings
from core.worker.tasks import run_task
from core.worker.workplace import Workplace
from db.engine import transaction
from db.rows import ListingRow
from tests.worker import catalog


def run_all(place: Workplace, kind: str) -> int:
    pending = list_unfinished(place.engine, kind=kind)
    for chunk_id, _ in pending:
        run_task(place, kind, chunk_id)
    return len(pending)


def test_a_classified_batch_is_held_against_the_register_and_again_when_that_changes(
    engine: sa.Engine, settings: Settings, actor: Actor, tmp_path: Path
) -> None:
    place = Workplace(engine, settings, ModelCache(engine, settings), Event())
    catalog.add_model(engine, settings, actor, seed=0)
    catalog.draw_photos(tmp_path / "photos", count=3)
    brand_id = brands.add_brand(engine, actor=actor, entry=BrandEntry("Voltek"))
    catalog.import_photos(engine, settings, actor, tmp_path / "photos")
    with transaction(engine) as session:
        session.execute(sa.update(ListingRow).values(title="Voltek", price=5, seller="Bay"))
    assert run_all(place, "brands") == 0  # before there is anything to look at
    run_all(place, "classification")
    assert run_all(place, "brands") == 1  # for the batch
    assert run_all(place, "brands") == 1  # for its listings
    assert brand_evidence.list_cards(engine, actor=actor).total == 0

    entry = BrandEntry("Voltek", lowest=brands.MAX_PRICE)
    brands.change_brand(engine, actor=actor, brand_id=brand_id, entry=entry)
    (job, *_) = jobs.list_jobs(engine, actor=actor)
    assert (job.kind, job.total) == ("brands", 1)  # the listings are for the worker to look up
    assert run_all(place, "brands") == 1
    assert jobs.get_progress(engine, actor=actor, job_id=job.job_id).total == 3
    assert run_all(place, "brands") == 1
    assert brand_evidence.list_cards(engine, actor=actor).total == 3
    assert {job.state for job in jobs.list_jobs(engine, actor=actor)} == {"done"}


def test_a_batch_classified_without_a_register_asks_for_nothing(
    engine: sa.Engine, settings: Settings, actor: Actor, tmp_path: Path
) -> None:
    place = Workplace(engine, settings, ModelCache(engine, settings), Event())
    catalog.add_model(engine, settings, actor, seed=0)
    catalog.draw_photos(tmp_path / "photos", count=2)
    catalog.import_photos(engine, settings, actor, tmp_path / "photos")
    run_all(place, "classification")
    assert run_all(place, "brands") == 0
    assert [job.kind for job in jobs.list_jobs(engine, actor=actor)] == ["classification"]
