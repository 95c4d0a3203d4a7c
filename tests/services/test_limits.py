"""Limits of quality checks, from what they would catch to the flags that follow."""

import math

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import ForbiddenError, InvalidInputError, NotFoundError
from core.quality import QUALITY_CHECKS
from core.services import chunks, limits
from db.engine import reading, transaction
from db.queries import categories
from db.rows import (
    BatchRow,
    FlagRow,
    ImageRow,
    JobChunkRow,
    ListingImageRow,
    ListingRow,
    MeasuresRow,
)
from db.states import FlagState, ListingState
from tests.flags.cases import SOUND_MEASURES

BRIGHTNESSES = {"A": 0.2, "B": 0.4, "C": 0.6, "D": 0.2}


@pytest.fixture
def batch_id(any_engine, actor):
    """Listings of four brightnesses; A and B are mugs, C is a lamp, D was decided."""
    with transaction(any_engine) as session:
        ids = categories.ensure_paths(session, ["Home > Mug", "Home > Lamp"])
        batch = BatchRow(name="May", content_digest="0" * 64, created_by=actor.id)
        session.add(batch)
        session.flush()
        for number, (sku, brightness) in enumerate(BRIGHTNESSES.items()):
            image = ImageRow(
                sha256=f"{number}" * 64, size_bytes=1, width_px=9, height_px=9, format="PNG"
            )
            listing = ListingRow(
                batch_id=batch.id,
                sku=sku,
                state=ListingState.ACCEPTED if sku == "D" else ListingState.NEEDS_REVIEW,
                claimed_category_id=ids["Home > Mug"] if sku in "AB" else None,
                suggested_category_id=ids["Home > Lamp"],
            )
            session.add_all([image, listing])
            session.flush()
            record = SOUND_MEASURES.as_record() | {"brightness": brightness}
            session.add_all(
                [
                    MeasuresRow(image_id=image.id, record=record),
                    ListingImageRow(
                        listing_id=listing.id, image_id=image.id, position=0, file_name="a"
                    ),
                ]
            )
        return batch.id


def work_off(engine: sa.Engine) -> None:
    """Do all chunks of flags that wait, as the worker does."""
    for chunk_id, _ in chunks.list_unfinished(engine, kind="flags"):
        chunk = chunks.begin(engine, chunk_id=chunk_id)
        if chunk:
            limits.renew_flags(engine, chunk=chunk)


def flagged(engine: sa.Engine, state: FlagState = FlagState.OPEN) -> list[str]:
    query = (
        sa.select(ListingRow.sku)
        .join(FlagRow, FlagRow.listing_id == ListingRow.id)
        .where(FlagRow.kind == "dark", FlagRow.state == state)
        .order_by(ListingRow.sku)
    )
    with reading(engine) as session:
        return list(session.scalars(query))


def test_a_check_tells_what_any_limit_would_catch(any_engine, actor, batch_id):
    view = limits.get_limit(any_engine, actor=actor, key="dark", batch_id=batch_id)

    assert view.limit == QUALITY_CHECKS["dark"].limit
    assert [photo.value for photo in view.photos] == [0.2, 0.2, 0.4, 0.6]
    assert view.listings == 4
    assert [photo.sku for photo in view.list_beyond(0.4)] == ["A", "D"]


def test_every_branch_of_a_batch_may_have_a_limit(any_engine, actor, batch_id):
    branches = limits.list_branches(any_engine, actor=actor, batch_id=batch_id)
    assert branches == ("Home", "Home > Lamp", "Home > Mug")


def test_a_branch_shows_its_own_photos_by_claim_and_else_by_suggestion(any_engine, actor, batch_id):
    view = limits.get_limit(
        any_engine, actor=actor, key="dark", batch_id=batch_id, branch="Home > Lamp"
    )
    assert [photo.sku for photo in view.photos] == ["D", "C"]


def test_a_batch_that_does_not_exist_is_named(any_engine, actor):
    with pytest.raises(NotFoundError, match="no batch 99"):
        limits.get_limit(any_engine, actor=actor, key="dark", batch_id=99)


def test_flags_of_undecided_listings_follow_a_limit(any_engine, actor, batch_id):
    limits.set_limit(any_engine, actor=actor, key="dark", value=0.5)
    assert flagged(any_engine) == []
    work_off(any_engine)
    assert flagged(any_engine) == ["A", "B"]

    limits.set_limit(any_engine, actor=actor, key="dark", value=0.7, branch="Home > Lamp")
    work_off(any_engine)
    assert flagged(any_engine) == ["A", "B", "C"]

    limits.set_limit(any_engine, actor=actor, key="dark", value=None)
    work_off(any_engine)
    assert flagged(any_engine) == ["A", "C"]


def test_a_flag_that_somebody_judged_is_not_raised_again(any_engine, actor, batch_id):
    limits.set_limit(any_engine, actor=actor, key="dark", value=0.3)
    work_off(any_engine)
    with transaction(any_engine) as session:
        session.execute(sa.update(FlagRow).values(state=FlagState.DISMISSED))

    limits.set_limit(any_engine, actor=actor, key="dark", value=0.25)
    work_off(any_engine)

    assert flagged(any_engine) == []
    assert flagged(any_engine, FlagState.DISMISSED) == ["A"]


def test_each_change_is_kept_with_who_made_it(any_engine, actor, batch_id):
    limits.set_limit(any_engine, actor=actor, key="dark", value=0.5)
    limits.set_limit(any_engine, actor=actor, key="dark", value=None, branch="Home")

    view = limits.get_limit(any_engine, actor=actor, key="dark", batch_id=batch_id)

    assert [(change.changed_by, change.category, change.value) for change in view.changes] == [
        (actor.name, "Home", None),
        (actor.name, None, 0.5),
    ]
    assert view.limit == 0.5


def test_without_undecided_listings_there_is_nothing_to_renew(any_engine, actor):
    assert limits.set_limit(any_engine, actor=actor, key="dark", value=0.5) is None
    with reading(any_engine) as session:
        assert session.scalar(sa.select(JobChunkRow.id)) is None


def test_what_cannot_be_set_is_refused(any_engine, actor, batch_id):
    with pytest.raises(InvalidInputError, match="no limit 'darkness'"):
        limits.set_limit(any_engine, actor=actor, key="darkness", value=0.5)
    with pytest.raises(InvalidInputError, match="nan"):
        limits.set_limit(any_engine, actor=actor, key="dark", value=math.nan)
    with pytest.raises(InvalidInputError, match="no category 'Garden'"):
        limits.set_limit(any_engine, actor=actor, key="dark", value=0.5, branch="Garden")
    reviewer = Actor(actor.id, "rita", "reviewer")
    with pytest.raises(ForbiddenError, match="may not tune"):
        limits.set_limit(any_engine, actor=reviewer, key="dark", value=0.5)
