"""Photos to search by, embedded as the worker does it: no worker process."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.services import lookups
from core.services.active_models import ModelCache
from core.services.lookups import Lookup
from core.settings import Settings
from db.engine import transaction
from db.rows import LookupRow
from db.states import LookupState
from tests.services.queues import add_reviewer
from tests.worker import catalog


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    (path,) = catalog.draw_photos(tmp_path_factory.mktemp("photo"), count=1)
    return path.read_bytes()


def work(engine: sa.Engine, settings: Settings) -> int:
    models = ModelCache(engine, settings)
    pending = lookups.list_pending(engine)
    for lookup_id, _ in pending:
        lookups.embed(engine, settings, lookup_id=lookup_id, models=models)
    return len(pending)


def look(engine: sa.Engine, actor: Actor, lookup: Lookup) -> Lookup:
    return lookups.get_lookup(engine, actor=actor, lookup_id=lookup.id)


def kept_files(settings: Settings) -> list[Path]:
    return list((settings.cache_dir / "lookups").iterdir())


def test_a_photo_is_embedded_once_and_its_file_is_not_kept(
    engine: sa.Engine, settings: Settings, actor: Actor, photo: bytes
) -> None:
    lookup = lookups.request(engine, settings, actor=actor, data=photo)
    assert len(kept_files(settings)) == 1
    assert work(engine, settings) == 1
    assert look(engine, actor, lookup).state == LookupState.DONE
    found = lookups.get_vector(engine, actor=actor, lookup_id=lookup.id)
    assert found is not None
    assert (found[0].split("-")[0], len(found[1])) == ("efficientnet_lite0", 2 * 1280)
    assert kept_files(settings) == []
    assert work(engine, settings) == 0


def test_who_knows_a_photo_takes_it_from_nobody_who_waits(
    engine: sa.Engine, settings: Settings, actor: Actor, photo: bytes
) -> None:
    lookups.request(engine, settings, actor=actor, data=photo)
    work(engine, settings)
    rita = add_reviewer(engine, "rita")
    waiting = lookups.request(engine, settings, actor=rita, data=photo)
    lookups.request(engine, settings, actor=actor, data=photo)
    work(engine, settings)
    assert look(engine, rita, waiting).state == LookupState.DONE
    assert kept_files(settings) == []


def test_what_is_no_picture_says_so_and_may_come_again(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    lookup = lookups.request(engine, settings, actor=actor, data=b"no picture")
    work(engine, settings)
    found = look(engine, actor, lookup)
    assert found.state == LookupState.FAILED
    assert found.error
    again = lookups.request(engine, settings, actor=actor, data=b"no picture")
    assert (again.id, again.state) == (lookup.id, LookupState.PENDING)


def test_a_photo_that_killed_the_worker_is_not_tried_again(
    engine: sa.Engine, settings: Settings, actor: Actor, photo: bytes
) -> None:
    lookup = lookups.request(engine, settings, actor=actor, data=photo)
    with transaction(engine) as session:
        session.get_one(LookupRow, lookup.id).error = lookups.DIED
    work(engine, settings)
    assert look(engine, actor, lookup).error == lookups.DIED


def test_without_an_embedder_it_is_said(
    engine: sa.Engine, settings: Settings, actor: Actor, photo: bytes
) -> None:
    lookup = lookups.request(engine, settings, actor=actor, data=photo)
    work(engine, settings.model_copy(update={"embedder": ""}))
    assert "no network to compare photos by" in (look(engine, actor, lookup).error or "")
