"""Unknown products, from stored embeddings to a new category and what it suggests."""

from uuid import uuid4

import numpy as np
import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import ForbiddenError, InvalidInputError
from core.services import chunks, limits, new_products, renewals, review
from core.services.new_products import Chosen, NewProducts
from core.services.recognition import KnownCache
from db.engine import reading, transaction
from db.queries import embeddings as embedding_queries
from db.rows import DecisionRow, FlagRow, ListingRow, ModelVersionRow
from db.states import FlagState, ListingState, ModelState
from tests.services.embedded import SPACE, add_known, add_listings, near
from tests.services.flagged import add_batch

PATH = "Home > Kettle"


@pytest.fixture
def batch_id(any_engine: sa.Engine, actor: Actor) -> int:
    return add_batch(any_engine, actor)


def look(engine: sa.Engine, actor: Actor) -> NewProducts:
    """Renew what is unknown and recognised, as the worker does; return the groups."""
    if not list(chunks.list_unfinished(engine, kind="recognition")):
        renewals.ask_renewal(engine, actor=actor)
    known = KnownCache(engine)
    for chunk_id, _ in chunks.list_unfinished(engine, kind="recognition"):
        chunk = chunks.begin(engine, chunk_id=chunk_id)
        assert chunk
        renewals.renew_chunk(engine, chunk=chunk, known=known)
    return new_products.list_groups(engine, actor=actor)


def choose(found: NewProducts, group: int = 0) -> list[Chosen]:
    listings = found.groups[group].listings
    return [Chosen(each.id, each.version, str(uuid4())) for each in listings]


def suggested(engine: sa.Engine, actor: Actor, listing_id: int) -> tuple[str | None, str]:
    listing = review.get_listing(engine, actor=actor, listing_id=listing_id)
    return listing.suggested and listing.suggested.path, listing.source


def test_what_is_like_no_category_is_flagged_and_grouped_with_its_like(any_engine, actor, batch_id):
    add_known(any_engine, batch_id)
    kettles = add_listings(any_engine, batch_id, "kettle", near(9, 3))
    receipts = add_listings(any_engine, batch_id, "receipt", near(12, 2))
    add_listings(any_engine, batch_id, "mug", near(0, 4))

    found = look(any_engine, actor)

    assert [[each.id for each in group.listings] for group in found.groups] == [kettles, receipts]
    assert found.listings == 5
    assert {near.path for near in found.groups[0].nearest} <= {
        "Home > Mug",
        "Home > Lamp",
        "Home > Chair",
    }
    assert all(near.sha256 for near in found.groups[0].nearest)


def test_with_few_decided_photos_nothing_is_unknown(any_engine, actor, batch_id):
    add_known(any_engine, batch_id, count=16)  # 48
    add_listings(any_engine, batch_id, "kettle", near(9, 3))

    found = look(any_engine, actor)

    assert found.groups == ()
    assert (found.known, found.needed) == (48, 50)


def test_five_examples_make_a_category_that_is_suggested_for_the_sixth(any_engine, actor, batch_id):
    add_known(any_engine, batch_id)
    kettles = add_listings(any_engine, batch_id, "kettle", near(9, 5))
    found = look(any_engine, actor)

    opened = new_products.open_category(
        any_engine, actor=actor, path=" Home>Kettle ", chosen=choose(found)
    )
    sixth, mug = (
        *add_listings(any_engine, batch_id, "sixth", near(9, 1, seed=1)),
        *add_listings(any_engine, batch_id, "mug", near(0, 1, seed=1)),
    )
    renewals.ask_renewal(any_engine, actor=actor)
    found = look(any_engine, actor)

    assert (opened.path, len(opened.decided), opened.refused) == (PATH, 5, ())
    assert (opened.examples, opened.missing) == (5, 0)
    assert found.groups == ()
    assert suggested(any_engine, actor, sixth) == (PATH, "examples")
    assert suggested(any_engine, actor, mug) == ("Home > Mug", "examples")  # there is no model
    with reading(any_engine) as session:
        row = session.get_one(ListingRow, sixth)
        assert 0 < row.doubt < 0.5
        states = session.scalars(sa.select(ListingRow.state).where(ListingRow.id.in_(kettles)))
        assert set(states) == {ListingState.CORRECTED}
        flags = session.scalars(sa.select(FlagRow.state))
        assert set(flags) == {FlagState.CONFIRMED}


def test_four_examples_do_not_speak_for_a_category(any_engine, actor, batch_id):
    add_known(any_engine, batch_id)
    add_listings(any_engine, batch_id, "kettle", near(9, 4))
    found = look(any_engine, actor)
    opened = new_products.open_category(any_engine, actor=actor, path=PATH, chosen=choose(found))
    (fifth,) = add_listings(any_engine, batch_id, "fifth", near(9, 1, seed=1))
    renewals.ask_renewal(any_engine, actor=actor)
    look(any_engine, actor)

    assert opened.missing == 1
    assert suggested(any_engine, actor, fifth) == (None, "models")


def test_an_opening_can_be_taken_back_and_so_are_its_suggestions(any_engine, actor, batch_id):
    add_known(any_engine, batch_id)
    add_listings(any_engine, batch_id, "kettle", near(9, 5))
    opened = new_products.open_category(
        any_engine, actor=actor, path=PATH, chosen=choose(look(any_engine, actor))
    )
    (sixth,) = add_listings(any_engine, batch_id, "sixth", near(9, 1, seed=1))
    renewals.ask_renewal(any_engine, actor=actor)
    look(any_engine, actor)
    assert suggested(any_engine, actor, sixth) == (PATH, "examples")

    assert new_products.take_back(any_engine, actor=actor, keys=opened.decided) == ()
    found = look(any_engine, actor)

    assert suggested(any_engine, actor, sixth) == (None, "models")
    assert [len(group.listings) for group in found.groups] == [6]
    with reading(any_engine) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(DecisionRow)) == 10


def test_a_listing_that_somebody_decided_first_is_left_out(any_engine, actor, batch_id):
    add_known(any_engine, batch_id)
    add_listings(any_engine, batch_id, "kettle", near(9, 3))
    chosen = choose(look(any_engine, actor))
    with transaction(any_engine) as session:
        session.get_one(ListingRow, chosen[0].listing_id).version += 1

    opened = new_products.open_category(any_engine, actor=actor, path=PATH, chosen=chosen)

    assert len(opened.decided) == 2
    assert "kettle-0" in opened.refused[0]


def test_other_spaces_are_never_mixed_in(any_engine, actor, batch_id):
    add_known(any_engine, batch_id)
    add_listings(any_engine, batch_id, "old", near(9, 3), space="an-older-space")
    add_listings(any_engine, batch_id, "kettle", near(9, 2))

    found = look(any_engine, actor)

    assert [len(group.listings) for group in found.groups] == [2]


def test_what_cannot_be_opened_is_refused(any_engine, actor, batch_id):
    chosen = [Chosen(1, 1, str(uuid4()))]
    with pytest.raises(InvalidInputError, match="names no category"):
        new_products.open_category(any_engine, actor=actor, path=" > ", chosen=chosen)
    with pytest.raises(InvalidInputError, match="201 characters"):
        new_products.open_category(any_engine, actor=actor, path="x" * 201, chosen=chosen)
    with pytest.raises(InvalidInputError, match="NUL"):
        new_products.open_category(any_engine, actor=actor, path="a\0", chosen=chosen)
    with pytest.raises(InvalidInputError, match="no listing"):
        new_products.open_category(any_engine, actor=actor, path=PATH, chosen=[])
    staff = Actor(actor.id, "sam", "staff")
    with pytest.raises(ForbiddenError, match="may not categorise"):
        new_products.open_category(any_engine, actor=staff, path=PATH, chosen=chosen)
    with pytest.raises(ForbiddenError, match="may not categorise"):
        new_products.list_groups(any_engine, actor=staff)


def test_the_embeddings_of_a_space_are_read_page_by_page(any_engine, actor, batch_id):
    vectors = near(3, 5)
    add_listings(any_engine, batch_id, "a", vectors)
    add_listings(any_engine, batch_id, "b", near(3, 2), space="another")
    read, after_id = [], 0
    with reading(any_engine) as session:
        while page := embedding_queries.list_embeddings(
            session, space=SPACE, after_id=after_id, limit=2
        ):
            assert len(page) <= 2
            read += page
            after_id = page[-1].id
    assert len({each.image_id for each in read}) == 5
    stored = np.stack([np.frombuffer(each.vector, "<f2") for each in read])
    np.testing.assert_array_equal(stored, vectors.astype(np.float16))


def test_a_moved_rate_of_unknown_products_moves_the_flags(any_engine, actor, batch_id):
    add_known(any_engine, batch_id)
    add_listings(any_engine, batch_id, "kettle", near(9, 3))
    add_listings(any_engine, batch_id, "mug", near(0, 20, seed=3))
    assert look(any_engine, actor).listings == 3
    view = see(any_engine, actor, batch_id)
    assert (view.listings, len(view.photos)) == (23, 3)  # the others are recognised by examples

    add_model_of(any_engine, ["Home > Mug", "Home > Lamp", "Home > Chair"])
    assert look(any_engine, actor).listings == 3
    view = see(any_engine, actor, batch_id)
    assert (view.listings, len(view.photos)) == (23, 23)
    assert (view.limit, view.job) == (0.02, "recognition")
    caught = view.list_beyond(0.4)
    assert len(view.list_beyond(0.02)) == 3 < len(caught)

    limits.set_limit(any_engine, actor=actor, key="unknown_product", value=0.4)

    assert look(any_engine, actor).listings == len(caught)
    with reading(any_engine) as session:
        assert {detail["rate"] for detail in session.scalars(sa.select(FlagRow.detail))} == {0.4}
    limits.set_limit(any_engine, actor=actor, key="unknown_product", value=0.001)
    assert look(any_engine, actor).listings == 0


def see(engine: sa.Engine, actor: Actor, batch_id: int) -> limits.LimitView:
    return limits.get_limit(engine, actor=actor, key="unknown_product", batch_id=batch_id)


def add_model_of(engine: sa.Engine, labels: list[str]) -> None:
    """Add an active version that can name these, and has seen nothing yet."""
    with transaction(engine) as session:
        session.add(
            ModelVersionRow(
                arch="resnet50",
                digest="f" * 64,
                file_name="a",
                file_bytes=1,
                parameters=1,
                labels=labels,
                metrics={},
                state=ModelState.ACTIVE,
            )
        )


def test_the_limit_of_unknown_products_goes_by_the_claim(any_engine, actor, batch_id):
    add_known(any_engine, batch_id)
    add_listings(any_engine, batch_id, "kettle", near(9, 3), claimed="Home > Mug")
    add_listings(any_engine, batch_id, "receipt", near(12, 2))
    limits.set_limit(any_engine, actor=actor, key="unknown_product", value=0.0, branch="Home > Mug")

    assert look(any_engine, actor).listings == 2

    view = limits.get_limit(
        any_engine, actor=actor, key="unknown_product", batch_id=batch_id, branch="Home > Mug"
    )
    assert (view.limit, view.listings, view.list_beyond(0.0)) == (0.0, 3, ())
