"""Publishing, on SQLite and on Postgres: open flags that block are never passed."""

import logging
from collections.abc import Mapping

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from core.actors import Actor
from core.errors import ConflictError, ForbiddenError, NotFoundError
from core.services import publishing, verdicts
from core.services.publishing import Readiness
from db.engine import reading
from db.rows import ListingRow, PublicationRow
from db.states import DecisionKind, ListingState
from tests.services.flagged import Flagged, add_batch, add_flagged, decide

FLAGS = {
    "sound": [],
    "warned": ["blurry"],
    "cut": ["truncated"],
    "both": ["truncated", "claimed_mismatch"],
}


@pytest.fixture
def batch(any_engine: sa.Engine, actor: Actor) -> Mapping[str, Flagged]:
    """Accepted listings with ``FLAGS``, one that is open and one that is rejected, by SKU."""
    batch_id = add_batch(any_engine, actor)
    found = {sku: add_flagged(any_engine, batch_id, sku, kinds) for sku, kinds in FLAGS.items()}
    for flagged in found.values():
        decide(any_engine, actor, flagged)
    found["open"] = add_flagged(any_engine, batch_id, "open", [])
    found["rejected"] = add_flagged(any_engine, batch_id, "rejected", [])
    decide(any_engine, actor, found["rejected"], kind=DecisionKind.REJECT)
    return found


def published(engine: sa.Engine) -> dict[str, int]:
    """Return the versions of the listings that are published, by SKU, as was kept of it, too."""
    query = select(ListingRow).where(ListingRow.state == ListingState.PUBLISHED)
    with reading(engine) as session:
        rows = {row.id: row for row in session.scalars(query)}
        kept = session.scalars(select(PublicationRow)).all()
        assert {row.listing_id for row in kept} == rows.keys()
        return {rows[row.listing_id].sku: row.listing_version for row in kept}


def test_what_is_decided_and_not_blocked_is_ready(
    any_engine: sa.Engine, actor: Actor, batch: Mapping[str, Flagged]
) -> None:
    batch_id = batch["sound"].batch_id
    found = publishing.get_readiness(any_engine, actor=actor, batch_id=batch_id)
    assert found == Readiness(2, 2, {"truncated": 2})
    assert found.what_stays.startswith("2 decided listings stay behind")
    assert "Truncated file (2)" in found.what_stays


def test_a_batch_is_published_but_for_what_a_flag_blocks(
    any_engine: sa.Engine,
    actor: Actor,
    batch: Mapping[str, Flagged],
    caplog: pytest.LogCaptureFixture,
) -> None:
    other = add_flagged(any_engine, add_batch(any_engine, actor, "other"), "other", [])
    decide(any_engine, actor, other)
    batch_id = batch["sound"].batch_id
    with caplog.at_level(logging.INFO):
        count, left = publishing.publish_batch(any_engine, actor=actor, batch_id=batch_id)
    assert (count, left.ready, left.blocked) == (2, 0, 2)
    assert published(any_engine) == {"sound": 3, "warned": 3}
    assert f"{actor.name} published 2 listings of batch {batch_id}" in caplog.text
    assert publishing.publish_batch(any_engine, actor=actor, batch_id=batch_id) == (0, left)


def test_a_listing_that_is_blocked_is_refused_with_its_flags_by_name(
    any_engine: sa.Engine, actor: Actor, batch: Mapping[str, Flagged]
) -> None:
    with pytest.raises(ConflictError, match=r"'both' .*: Truncated file;"):
        publishing.publish(any_engine, actor=actor, listing_id=batch["both"].listing_id)
    assert published(any_engine) == {}


def test_a_listing_can_be_published_once_its_flag_is_said_to_be_wrong(
    any_engine: sa.Engine, actor: Actor, batch: Mapping[str, Flagged]
) -> None:
    cut = batch["cut"]
    verdicts.judge(
        any_engine, actor=actor, listing_image_id=cut.photo_id, kind="truncated", is_wrong=True
    )
    publishing.publish(any_engine, actor=actor, listing_id=cut.listing_id)
    assert published(any_engine) == {"cut": 3}
    with pytest.raises(ConflictError, match="'cut' is published"):
        publishing.publish(any_engine, actor=actor, listing_id=cut.listing_id)


@pytest.mark.parametrize("sku", ["open", "rejected"])
def test_only_what_is_accepted_or_corrected_is_published(
    any_engine: sa.Engine, actor: Actor, batch: Mapping[str, Flagged], sku: str
) -> None:
    with pytest.raises(ConflictError, match="only what is accepted or corrected"):
        publishing.publish(any_engine, actor=actor, listing_id=batch[sku].listing_id)


def test_a_reviewer_may_not_publish(
    any_engine: sa.Engine, actor: Actor, batch: Mapping[str, Flagged]
) -> None:
    reviewer = Actor(id=actor.id, name="rita", role="reviewer")
    with pytest.raises(ForbiddenError):
        publishing.publish(any_engine, actor=reviewer, listing_id=batch["sound"].listing_id)
    with pytest.raises(ForbiddenError):
        publishing.publish_batch(any_engine, actor=reviewer, batch_id=batch["sound"].batch_id)
    assert published(any_engine) == {}


def test_what_is_not_there_cannot_be_published(any_engine: sa.Engine, actor: Actor) -> None:
    with pytest.raises(NotFoundError, match="no listing 99"):
        publishing.publish(any_engine, actor=actor, listing_id=99)
    for ask in (publishing.get_readiness, publishing.publish_batch):
        with pytest.raises(NotFoundError, match="no batch 99"):
            ask(any_engine, actor=actor, batch_id=99)
