"""The story of a listing, on SQLite and on Postgres."""

from uuid import uuid4

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import NotFoundError
from core.services import decisions, publishing, story, verdicts
from core.services.story import EVENT_KINDS
from db.engine import transaction
from db.rows import PredictionRow
from tests.identity.conftest import add_user
from tests.services.evaluated import add_version
from tests.services.flagged import BOWL, MUG, Flagged, add_batch, add_flagged, decide
from tests.services.queues import add_reviewer


@pytest.fixture
def mug(any_engine: sa.Engine, actor: Actor) -> Flagged:
    """A blurry mug that a model has looked at."""
    mug = add_flagged(any_engine, add_batch(any_engine, actor), "M-1", ["blurry"])
    version_id = add_version(any_engine, "custom_cnn")
    with transaction(any_engine) as session:
        category_id = session.execute(sa.text("SELECT suggested_category_id FROM listings"))
        id_ = category_id.scalar_one()
        session.add(
            PredictionRow(
                listing_image_id=mug.photo_id,
                model_version_id=version_id,
                category_id=id_,
                probability=0.87,
                top=[{"category_id": id_, "probability": 0.87}],
            )
        )
    return mug


def test_everything_is_told_in_its_order(any_engine: sa.Engine, actor: Actor, mug: Flagged) -> None:
    rita = add_reviewer(any_engine, "rita")
    first = decide(any_engine, rita, mug)
    decisions.undo(any_engine, actor=rita, key=str(uuid4()), decision_key=first.key)
    verdicts.judge(
        any_engine, actor=rita, listing_image_id=mug.photo_id, kind="blurry", is_wrong=True
    )
    decide(any_engine, rita, mug)
    publishing.publish(any_engine, actor=actor, listing_id=mug.listing_id)
    found = story.get_story(any_engine, actor=actor, listing_id=mug.listing_id)
    told = [(event.kind, event.by, event.words) for event in found.events]
    assert told == [
        ("uploaded", actor.name, "Brought in with spring"),
        ("flagged", "", "Flagged: Blurry"),
        ("classified", "", f"Custom CNN suggested {MUG}"),
        ("decided", "rita", f"Accepted as {MUG}"),
        ("decided", "rita", f"Took back: Accepted as {MUG}"),
        ("verdict", "rita", "Called the flag wrong: Blurry"),
        ("decided", "rita", f"Accepted as {MUG}"),
        ("published", actor.name, "Published"),
    ]
    assert found.events[2].detail.startswith("87% sure; version ")
    assert [event.detail for event in found.events if event.kind == "decided"] == [
        "taken back later",
        "",
        "",
    ]
    assert {event.kind for event in found.events} == set(EVENT_KINDS) - {"merged"}
    assert found.listing.state == "published"


def test_a_decision_tells_its_time_and_its_queue(
    any_engine: sa.Engine, actor: Actor, mug: Flagged
) -> None:
    new = decisions.NewDecision(
        key=str(uuid4()),
        listing_id=mug.listing_id,
        listing_version=1,
        kind=decisions.DecisionKind.SKIP,
        active_ms=4200,
        shown={"policy": "oldest"},
    )
    decisions.decide(any_engine, actor=actor, new=new)
    event = story.get_story(any_engine, actor=actor, listing_id=mug.listing_id).events[-1]
    assert event.words == "Skipped"
    assert event.detail.startswith("looked at for 4.2 s; from the queue '")


def test_staff_are_told_of_their_own_listings_only(any_engine: sa.Engine) -> None:
    olga = add_user(any_engine, "olga", "staff")
    otto = add_user(any_engine, "otto", "staff")
    mug = add_flagged(any_engine, add_batch(any_engine, olga), "M-1", [])
    assert story.get_story(any_engine, actor=olga, listing_id=mug.listing_id)
    for actor, listing_id in ((otto, mug.listing_id), (olga, 999)):
        with pytest.raises(NotFoundError, match=f"no listing {listing_id}"):
            story.get_story(any_engine, actor=actor, listing_id=listing_id)
    ask = {"batch_id": mug.batch_id, "sku": " M-1 "}
    assert story.find_listing_id(any_engine, actor=olga, **ask) == mug.listing_id
    assert story.find_listing_id(any_engine, actor=olga, batch_id=1, sku=BOWL) is None
    with pytest.raises(NotFoundError):
        story.find_listing_id(any_engine, actor=otto, **ask)
