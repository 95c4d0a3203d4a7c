"""Other photos of what may be the same product."""

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy import select

from core.actors import Actor
from core.errors import ConflictError, ForbiddenError
from core.services import same_products
from core.services.same_products import MIN_COSINE, Suggestion
from core.settings import Settings
from db.engine import reading, transaction
from db.rows import FlagRow, ListingImageRow, ListingRow, MatchRow
from db.states import ListingState
from tests.services.embedded import AXES, add_listings
from tests.services.flagged import add_batch


def at(cosine: float, axis: int = 1) -> np.ndarray:
    """One vector that far from the first axis."""
    vector: np.ndarray = (cosine * AXES[0] + np.sqrt(1 - cosine**2) * AXES[axis])[None]
    return vector


@pytest.fixture
def ids(any_engine: sa.Engine, actor: Actor) -> dict[str, int]:
    """A mug to review, others more and less like it, and one that was rejected."""
    batch_id = add_batch(any_engine, actor)
    vectors = {"mug": at(1), "alike": at(0.95), "limit": at(0.8, 2), "gone": at(0.96, 3)}
    found = {
        name: add_listings(any_engine, batch_id, name, vector)[0]
        for name, vector in vectors.items()
    }
    with transaction(any_engine) as session:
        session.get_one(ListingRow, found["gone"]).state = ListingState.REJECTED
    return found


@pytest.fixture
def look(any_engine: sa.Engine, any_settings: Settings, actor: Actor):
    def look(by: Actor = actor) -> tuple[Suggestion, ...]:
        return same_products.list_suggestions(any_engine, any_settings, actor=by)

    return look


def test_what_is_alike_enough_is_suggested_once_and_flags_nobody(any_engine, ids, look):
    (found,) = look()
    assert {found.first.listing_id, found.second.listing_id} == {ids["mug"], ids["alike"]}
    assert found.score == pytest.approx(0.95, abs=0.01)
    assert found.score >= MIN_COSINE
    with reading(any_engine) as session:
        assert session.scalars(select(FlagRow)).all() == []
        assert session.scalars(select(MatchRow)).all() == []


def test_another_product_is_remembered_and_can_be_taken_back(any_engine, actor, ids, look):
    (found,) = look()
    same_products.dismiss(any_engine, actor=actor, suggestion=found)
    assert look() == ()
    with reading(any_engine) as session:
        (kept,) = session.scalars(select(MatchRow))
        assert (kept.kind, kept.state, kept.settled_by) == (
            "same_product", "not_duplicate", actor.id,
        )  # fmt: skip
    with pytest.raises(ConflictError):
        same_products.dismiss(any_engine, actor=actor, suggestion=found)
    same_products.take_back(any_engine, actor=actor, suggestion=found)
    assert look() == (found,)


def test_copies_are_no_suggestion(any_engine, ids, look):
    with transaction(any_engine) as session:
        images = session.scalars(
            select(ListingImageRow.image_id)
            .where(ListingImageRow.listing_id.in_([ids["mug"], ids["alike"]]))
            .order_by(ListingImageRow.image_id)
        ).all()
        session.add(
            MatchRow(
                first_image_id=images[0], second_image_id=images[1], kind="same_picture", score=0.9
            )
        )
    assert look() == ()


def test_without_anything_to_review_nothing_is_suggested(any_engine, any_settings, actor, look):
    assert look() == ()


def test_only_reviewers_are_shown_any(any_engine, actor, ids, look):
    staff = Actor(actor.id, "stan", "staff")
    (found,) = look()
    with pytest.raises(ForbiddenError):
        look(staff)
    for act in (same_products.dismiss, same_products.take_back):
        with pytest.raises(ForbiddenError):
            act(any_engine, actor=staff, suggestion=found)
