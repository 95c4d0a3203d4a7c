"""Staff see their own batches. Another's answers as one that is not there, whatever is guessed."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.actors import PERMISSIONS, Actor
from core.errors import CatalogError, ConflictError, NotFoundError
from core.services import (
    dashboard,
    exports,
    images,
    imports,
    jobs,
    limits,
    publishing,
    story,
    uploads,
)
from core.services.imports import ImportReport
from core.settings import Settings
from tests.identity.conftest import add_user
from tests.worker.catalog import draw_photos

MISSING = 999


class Case:
    """Two of the staff, a batch of the first's, and what to ask services with."""

    def __init__(self, engine: sa.Engine, settings: Settings, photos: Path) -> None:
        self.engine, self.settings, self.photos = engine, settings, photos
        self.owner = add_user(engine, "olga", "staff")
        self.other = add_user(engine, "otto", "staff")
        self.reviewer = add_user(engine, "rita", "reviewer")
        self.manager = add_user(engine, "mara", "manager")
        self.report = self.bring(self.owner, "spring")
        self.upload_id = uploads.start_upload(settings, actor=self.owner)
        with engine.connect() as connection:
            self.sha256: str = connection.exec_driver_sql("SELECT sha256 FROM images").scalar_one()

    def bring(self, actor: Actor, name: str) -> ImportReport:
        return imports.import_path(
            self.engine, self.settings, actor=actor, path=self.photos, batch_name=name
        )


@pytest.fixture
def case(any_engine: sa.Engine, any_settings: Settings, tmp_path: Path) -> Case:
    draw_photos(tmp_path / "photos", count=1)
    return Case(any_engine, any_settings, tmp_path / "photos")


Ask = Callable[[Case, Actor, int], object]

BY_BATCH: dict[str, Ask] = {
    "get_batch": lambda c, actor, id_: dashboard.get_batch(c.engine, actor=actor, batch_id=id_),
    "get_readiness": lambda c, actor, id_: publishing.get_readiness(
        c.engine, actor=actor, batch_id=id_
    ),
    "publish_batch": lambda c, actor, id_: publishing.publish_batch(
        c.engine, actor=actor, batch_id=id_
    ),
    "export": lambda c, actor, id_: exports.export(
        c.engine, actor=actor, batch_id=id_, format="csv"
    ),
    "find_batch_id": lambda c, actor, id_: exports.find_batch_id(
        c.engine, actor=actor, batch=str(id_)
    ),
    "get_limit": lambda c, actor, id_: limits.get_limit(
        c.engine, actor=actor, key="blurry", batch_id=id_
    ),
    "list_branches": lambda c, actor, id_: limits.list_branches(
        c.engine, actor=actor, batch_id=id_
    ),
    "classify_batch": lambda c, actor, id_: jobs.classify_batch(
        c.engine, c.settings, actor=actor, batch_id=id_
    ),
}
BY_ID: dict[str, Ask] = BY_BATCH | {
    "publish": lambda c, actor, id_: publishing.publish(c.engine, actor=actor, listing_id=id_),
    "get_story": lambda c, actor, id_: story.get_story(c.engine, actor=actor, listing_id=id_),
    "get_progress": lambda c, actor, id_: jobs.get_progress(c.engine, actor=actor, job_id=id_),
    "cancel": lambda c, actor, id_: jobs.cancel(c.engine, actor=actor, job_id=id_),
}


def problem(ask: Ask, case: Case, actor: Actor, id_: int) -> str:
    with pytest.raises(NotFoundError) as found:
        ask(case, actor, id_)
    return str(found.value).replace(str(id_), "#")


@pytest.mark.parametrize("name", BY_ID)
def test_another_answers_as_one_that_is_not_there(case: Case, name: str) -> None:
    missing = problem(BY_ID[name], case, case.other, MISSING)
    assert problem(BY_ID[name], case, case.other, 1) == missing
    try:
        BY_ID[name](case, case.owner, 1)
    except NotFoundError:
        pytest.fail("the owner does not find it either")
    except CatalogError:
        pass  # it is there, but its state does not allow this


def test_names_and_digests_are_no_way_round(case: Case) -> None:
    with pytest.raises(NotFoundError):
        exports.find_batch_id(case.engine, actor=case.other, batch="spring")
    assert exports.find_batch_id(case.engine, actor=case.owner, batch="spring") == 1
    for actor, is_seen in ((case.owner, True), (case.reviewer, True), (case.other, False)):
        ask = {"actor": actor, "sha256": case.sha256, "size": "thumb"}
        if is_seen:
            assert images.request_rendition(case.engine, case.settings, **ask).result(30).exists()
        else:
            with pytest.raises(NotFoundError, match="no photo"):
                images.request_rendition(case.engine, case.settings, **ask)


def test_another_upload_is_not_there(case: Case) -> None:
    for ask in (
        lambda actor: uploads.get_progress(case.settings, actor=actor, upload_id=case.upload_id),
        lambda actor: uploads.put_file(
            case.settings, actor=actor, upload_id=case.upload_id, name="a.jpg", chunks=[b"x"]
        ),
        lambda actor: uploads.finish_upload(
            case.engine,
            case.settings,
            actor=actor,
            upload_id=case.upload_id,
            batch_name="mine",
        ),
        lambda actor: uploads.discard_upload(case.settings, actor=actor, upload_id=case.upload_id),
    ):
        with pytest.raises(NotFoundError, match="no upload"):
            ask(case.other)
    assert uploads.get_progress(case.settings, actor=case.owner, upload_id=case.upload_id)


def test_lists_and_counts_hold_ones_own(case: Case) -> None:
    for actor, batches in ((case.owner, 1), (case.reviewer, 1), (case.other, 0)):
        engine = case.engine
        assert dashboard.get_overview(engine, actor=actor).batches == batches
        assert len(dashboard.list_batches(engine, actor=actor)) == batches
        assert len(dashboard.list_batch_names(engine, actor=actor)) == batches
        assert len(jobs.list_jobs(engine, actor=actor)) == batches
        assert len(jobs.list_jobs(engine, actor=actor, batch_id=1)) == batches


def test_the_same_photos_brought_in_by_another_name_no_batch(case: Case) -> None:
    assert case.bring(case.owner, "again").already_imported
    assert case.bring(case.manager, "again").batch_name == "spring"
    with pytest.raises(ConflictError) as refused:
        case.bring(case.other, "again")
    assert "spring" not in str(refused.value)


def test_who_reviews_sees_every_batch() -> None:
    for role, permissions in PERMISSIONS.items():
        assert "review" not in permissions or "oversee" in permissions, role
        assert "dashboards" not in permissions or "oversee" in permissions, role
