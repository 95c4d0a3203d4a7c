"""Photos to search by, embedded as the worker does it: no worker process."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import NotFoundError
from core.services import lookups
from core.services.active_models import ModelCache
from core.services.copies import KnownPrints
from core.services.lookups import Lookup
from core.settings import Settings
from core.worker.kinds import TASK_KINDS
from core.worker.workplace import Workplace
from db.engine import reading, transaction
from db.rows import LookupRow
from db.states import LookupState
from tests.services.queues import add_reviewer
from tests.worker import catalog


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    (path,) = catalog.draw_photos(tmp_path_factory.mktemp("photo"), count=1)
    return path.read_bytes()


def work(engine: sa.Engine, settings: Settings) -> int:
    place = Workplace(engine, settings, ModelCache(engine, settings), KnownPrints(engine))
    pending = lookups.list_pending(engine)
    for lookup_id, _ in pending:
        TASK_KINDS["lookup"].run(place, lookup_id)
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
    assert kept_files(settings) == []
    again = lookups.request(engine, settings, actor=actor, data=b"no picture")
    assert (again.id, again.state) == (lookup.id, LookupState.PENDING)


def test_what_was_embedded_meanwhile_does_not_fail(
    engine: sa.Engine, settings: Settings, actor: Actor, photo: bytes
) -> None:
    lookup = lookups.request(engine, settings, actor=actor, data=photo)
    work(engine, settings)
    lookups.fail(engine, lookup_id=lookup.id, error="the photo is gone")
    assert look(engine, actor, lookup).state == LookupState.DONE


def test_what_is_a_day_old_is_deleted_when_another_photo_comes(
    engine: sa.Engine, settings: Settings, actor: Actor, photo: bytes
) -> None:
    old, known, young = (
        lookups.request(engine, settings, actor=actor, data=photo + bytes(count))
        for count in range(3)
    )
    day_ago = datetime.now(UTC) - timedelta(days=1, minutes=1)
    with transaction(engine) as session:
        session.get_one(LookupRow, old.id).created_at = day_ago
        row = session.get_one(LookupRow, known.id)
        row.created_at, row.state, row.space, row.vector = day_ago, "done", "s", b"v"
        again = session.get_one(LookupRow, young.id)
        again.created_at = day_ago + timedelta(hours=1)
        again.state, again.vector = "done", b"v"  # in the space of now: there is none
    lookups.request(engine, settings, actor=actor, data=photo + bytes(2))
    with transaction(engine) as session:
        assert session.get_one(LookupRow, young.id).created_at > day_ago + timedelta(hours=2)
    stale, *_ = sorted(kept_files(settings))
    os.utime(stale, (day_ago.timestamp(), day_ago.timestamp()))
    new = lookups.request(engine, settings, actor=actor, data=b"another")
    with reading(engine) as session:
        left = session.scalars(sa.select(LookupRow.id).order_by(LookupRow.id)).all()
    assert left == [young.id, new.id]
    assert stale not in kept_files(settings)
    assert len(kept_files(settings)) == 2
    with pytest.raises(NotFoundError, match="hand it in again"):
        look(engine, actor, known)


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
