"""A past batch under another model version, on SQLite and on Postgres."""

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import ForbiddenError, NotFoundError
from core.services import jobs, replays
from core.settings import Settings
from db.engine import transaction
from db.queries.categories import ensure_paths
from db.rows import PredictionRow, ReplayRow
from tests.services.evaluated import add_version
from tests.services.flagged import BOWL, MUG, add_batch, add_flagged, decide

VASE = "Home > Vase"


class Past:
    """A batch of suggested mugs, and what a later version says of them."""

    def __init__(self, engine: sa.Engine, actor: Actor) -> None:
        self.engine, self.actor = engine, actor
        self.batch_id = add_batch(engine, actor)
        self.version_id = add_version(engine, "custom_cnn", state="candidate")

    def add(self, sku: str, said: str | None, *, decided: str | None = None, kept: bool = False):
        """Add a mug; ``kept`` says it by a replay, else it is a prediction in use."""
        flagged = add_flagged(self.engine, self.batch_id, sku, [])
        if decided == MUG:
            decide(self.engine, self.actor, flagged)
        with transaction(self.engine) as session:
            ids = ensure_paths(session, [MUG, BOWL, VASE])
            if decided not in (None, MUG):
                session.execute(
                    sa.text(
                        "UPDATE listings SET decided_category_id = :decided,"
                        " state = 'corrected', version = version + 1 WHERE id = :id"
                    ),
                    {"decided": ids[decided], "id": flagged.listing_id},
                )
            if said is None:
                return
            values = {
                "listing_image_id": flagged.photo_id,
                "model_version_id": self.version_id,
                "category_id": ids[said],
                "probability": 0.75,
            }
            session.add(ReplayRow(**values) if kept else PredictionRow(**values, top=[]))

    def compare(self) -> replays.Replay:
        return replays.compare(
            self.engine, actor=self.actor, batch_id=self.batch_id, version_id=self.version_id
        )


@pytest.fixture
def past(any_engine: sa.Engine, actor: Actor) -> Past:
    return Past(any_engine, actor)


def test_each_listing_has_an_outcome(past: Past) -> None:
    past.add("same", MUG, decided=BOWL)
    past.add("better", BOWL, decided=BOWL)
    past.add("worse", BOWL, decided=MUG, kept=True)
    past.add("other", VASE, decided=BOWL)
    past.add("open", VASE)
    past.add("unseen", None, decided=MUG)
    found = past.compare()
    assert found.counts == dict.fromkeys(replays.OUTCOMES, 1)
    assert found.unseen == 1
    assert [(each.sku, each.outcome) for each in found.differences] == [
        (key, key) for key in ("worse", "other", "open", "better")
    ]
    worse = found.differences[0]
    assert (worse.before, worse.now, worse.decided) == (MUG, BOWL, MUG)
    assert worse.probability == 0.75


def test_differences_are_taken_along(past: Past) -> None:
    past.add("M-1", VASE)
    _, line = replays.differences_csv(past.compare()).splitlines()
    assert line == f"M-1,open,{MUG},{VASE},0.75,"


def test_only_what_the_version_has_not_seen_is_asked_for(
    past: Past, any_settings: Settings
) -> None:
    past.add("seen", MUG)
    ask = {"actor": past.actor, "batch_id": past.batch_id, "version_id": past.version_id}
    assert replays.ask(past.engine, any_settings, **ask) is None
    past.add("unseen", None)
    job_id = replays.ask(past.engine, any_settings, **ask)
    assert job_id is not None
    asked = jobs.get_progress(past.engine, actor=past.actor, job_id=job_id)
    assert (asked.kind, asked.total, asked.batch_id) == ("replay", 1, past.batch_id)
    assert replays.ask(past.engine, any_settings, **ask) == job_id
    jobs.cancel(past.engine, actor=past.actor, job_id=job_id)
    assert replays.ask(past.engine, any_settings, **ask) not in (None, job_id)


def test_who_may_not_see_dashboards_replays_nothing(past: Past, any_settings: Settings) -> None:
    reviewer = Actor(past.actor.id, "rita", "reviewer")
    ask = {"batch_id": past.batch_id, "version_id": past.version_id}
    with pytest.raises(ForbiddenError):
        replays.compare(past.engine, actor=reviewer, **ask)
    with pytest.raises(ForbiddenError):
        replays.ask(past.engine, any_settings, actor=reviewer, **ask)
    with pytest.raises(NotFoundError, match="no model version 99"):
        replays.compare(past.engine, actor=past.actor, batch_id=past.batch_id, version_id=99)
    with pytest.raises(NotFoundError, match="no batch 99"):
        replays.compare(past.engine, actor=past.actor, batch_id=99, version_id=past.version_id)
