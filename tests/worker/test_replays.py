"""A batch shown to a version that is not in use, with a real, tiny network."""

from pathlib import Path
from threading import Event

import sqlalchemy as sa

from core.actors import Actor
from core.services import jobs, replays, review
from core.services.active_models import ModelCache
from core.services.chunks import list_unfinished
from core.settings import Settings
from core.worker.tasks import run_task
from core.worker.workplace import Workplace
from tests.worker import catalog


def run_all(place: Workplace, kind: str) -> None:
    for chunk_id, _ in list_unfinished(place.engine, kind=kind):
        run_task(place, kind, chunk_id)


def test_a_replay_shows_the_difference_and_touches_nothing(
    engine: sa.Engine, settings: Settings, actor: Actor, tmp_path: Path
) -> None:
    place = Workplace(engine, settings, ModelCache(engine, settings), Event())
    retired = catalog.add_model(engine, settings, actor, seed=1)
    catalog.add_model(engine, settings, actor, seed=0)
    catalog.draw_photos(tmp_path / "photos", count=3)
    batch_id, _ = catalog.import_photos(engine, settings, actor, tmp_path / "photos")
    run_all(place, "classification")
    before = [review.get_listing(engine, actor=actor, listing_id=id_) for id_ in (1, 2, 3)]

    ask = {"actor": actor, "batch_id": batch_id, "version_id": retired.id}
    assert replays.compare(engine, **ask).unseen == 3
    job_id = replays.ask(engine, settings, **ask)
    assert job_id is not None
    run_all(place, "replay")

    done = jobs.get_progress(engine, actor=actor, job_id=job_id)
    assert (done.state, done.done, done.failed) == ("done", 3, 0)
    found = replays.compare(engine, **ask)
    assert found.unseen == 0
    assert sum(found.counts.values()) == 3
    assert {each.now for each in found.differences} <= set(catalog.LABELS)
    assert replays.ask(engine, settings, **ask) is None
    after = [review.get_listing(engine, actor=actor, listing_id=id_) for id_ in (1, 2, 3)]
    assert after == before
