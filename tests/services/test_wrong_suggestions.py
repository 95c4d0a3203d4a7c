"""Checks with a suggestion that is wrong: what is seen of them, and that they do no harm."""

from dataclasses import replace
from uuid import uuid4

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import StaleError
from core.services import decisions, story
from core.services.decisions import NewDecision
from db.engine import reading, transaction
from db.rows import CheckAnswerRow, DecisionRow, FlagRow, ListingImageRow, ModelVersionRow
from db.states import DecisionKind, ListingState
from tests.services.checked import BOWL, LAMP, MUG, Shop, add_shop, ids
from tests.services.flagged import DETAILS


@pytest.fixture
def shop(any_engine: sa.Engine, actor: Actor) -> Shop:
    return add_shop(any_engine, actor)


def test_a_wrong_suggestion_stands_first_with_every_model(shop: Shop) -> None:
    listing_id = shop.give_to_omar(planted=1.0)
    seen = shop.get(shop.omar, listing_id)
    assert seen.state == ListingState.NEEDS_REVIEW
    assert seen.suggested is not None
    assert seen.suggested.path == LAMP, "the only one below a tenth"
    assert [choice.category.path for choice in seen.choices] == [LAMP, BOWL, MUG]
    (opinion,) = seen.photos[0].opinions
    assert [(each.category.path, each.probability) for each in opinion.top] == [
        (LAMP, 0.8),
        (BOWL, 0.15),
        (MUG, 0.05),
    ]


@pytest.mark.parametrize("kind", [DecisionKind.ACCEPT, DecisionKind.CORRECT])
def test_a_wrong_suggestion_never_becomes_the_category_of_a_listing(
    shop: Shop, kind: DecisionKind
) -> None:
    listing_id = shop.give_to_omar(planted=1.0)
    lamp = shop.categories[LAMP]
    new = NewDecision(str(uuid4()), listing_id, 2, kind, category_id=lamp)
    assert decisions.decide(shop.engine, actor=shop.omar, new=new).kind == DecisionKind.ACCEPT
    with pytest.raises(StaleError):
        decisions.decide(shop.engine, actor=shop.omar, new=replace(new, key=str(uuid4())))
    assert shop.stored(listing_id).decided_category_id == shop.categories[MUG]
    with reading(shop.engine) as session:
        decided = set(session.scalars(sa.select(DecisionRow.category_id)))
        answered = list(session.scalars(sa.select(CheckAnswerRow.category_id)))
    assert (decided, answered) == ({shop.categories[MUG]}, [lamp])


@pytest.mark.parametrize("kind", [DecisionKind.ACCEPT, DecisionKind.CORRECT])
@pytest.mark.parametrize("answered", [False, True])
def test_nor_where_the_first_took_theirs_back_meanwhile(
    shop: Shop, kind: DecisionKind, answered: bool
) -> None:
    listing_id = shop.listing_ids[0]
    first = shop.decide(shop.rita, listing_id, MUG)
    shop.set_shares(planted=1.0)
    shop.take(shop.omar)
    lamp = shop.categories[LAMP]
    assert shop.get(shop.omar, listing_id).suggested.id == lamp  # type: ignore[union-attr]
    version = 2
    if answered:
        shop.undo(shop.omar, shop.decide(shop.omar, listing_id, LAMP).key)
        version = 4  # as the screen counts
    shop.undo(shop.rita, first.key)
    late = NewDecision(str(uuid4()), listing_id, version, kind, category_id=lamp)
    with pytest.raises(StaleError):
        decisions.decide(shop.engine, actor=shop.omar, new=late)
    assert shop.stored(listing_id).decided_category_id is None


def test_a_flag_that_is_raised_later_does_not_name_the_right_category(shop: Shop) -> None:
    listing_id = shop.give_to_omar(planted=1.0)
    with transaction(shop.engine) as session:
        photo_id = session.scalars(
            sa.select(ListingImageRow.id).where(ListingImageRow.listing_id == listing_id)
        ).one()
        session.add_all(
            FlagRow(
                listing_id=listing_id, listing_image_id=photo_id, kind=kind, severity="warn",
                score=0.5, detail=DETAILS[kind],
            )
            for kind in ("claimed_mismatch", "dark")
        )  # fmt: skip
    assert [flag.kind for flag in shop.get(shop.omar, listing_id).flags] == ["dark"]
    assert len(shop.get(shop.rita, listing_id).flags) == 2
    told = story.get_story(shop.engine, actor=shop.omar, listing_id=listing_id).events
    assert [event.kind for event in told] == ["uploaded"]


def test_only_what_a_person_accepted_gets_a_wrong_suggestion(shop: Shop) -> None:
    shop.decide(shop.rita, shop.listing_ids[0], BOWL)
    shop.decide(shop.rita, shop.listing_ids[1], None)
    shop.set_shares(planted=1.0)
    assert ids(shop.take(shop.omar)) == list(shop.listing_ids[2:4])


def test_a_category_that_a_model_does_not_know_is_not_suggested(shop: Shop) -> None:
    with transaction(shop.engine) as session:  # it could not say where it sees it
        session.execute(sa.update(ModelVersionRow).values(labels=[MUG, BOWL]))
    shop.decide(shop.rita, shop.listing_ids[0], MUG)
    shop.set_shares(planted=1.0)
    assert shop.listing_ids[0] not in ids(shop.take(shop.omar))
