"""The page of a limit, without a browser."""

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from core.actors import Actor
from core.flags import FLAG_LIMITS
from core.mislabel import MIN_CONFIRMED
from core.services import chunks, claims, limits, renewals
from core.services.limit_sources import SOURCES
from core.services.recognition import KnownCache
from db.engine import reading, transaction
from db.rows import BatchRow, FlagRow, ImageRow, ListingImageRow, ListingRow, MeasuresRow
from db.states import ListingState
from pages.limits import NOTHING_TO_COMPARE
from tests.flags.cases import SOUND_MEASURES
from tests.pages.drawing import draw, words
from tests.services.embedded import add_known, add_listings, near
from tests.services.flagged import add_batch, add_flagged

BRIGHTNESSES = (0.2, 0.4, 0.6)


@pytest.fixture
def batch_id(engine: sa.Engine, actor: Actor) -> int:
    """Three listings to review, from dark to light."""
    with transaction(engine) as session:
        batch = BatchRow(name="May", content_digest="d" * 64, created_by=actor.id)
        session.add(batch)
        session.flush()
        for number, brightness in enumerate(BRIGHTNESSES):
            image = ImageRow(
                sha256=f"{number}" * 64, size_bytes=1, width_px=9, height_px=9, format="PNG"
            )
            listing = ListingRow(
                batch_id=batch.id, sku=f"S-{number}", state=ListingState.NEEDS_REVIEW
            )
            session.add_all([image, listing])
            session.flush()
            record = SOUND_MEASURES.as_record() | {"brightness": brightness}
            session.add(MeasuresRow(image_id=image.id, record=record))
            session.add(
                ListingImageRow(listing_id=listing.id, image_id=image.id, position=0, file_name="a")
            )
        return batch.id


def test_a_typed_limit_tells_what_it_would_flag_and_can_be_used(engine, actor, batch_id):
    app = draw("batches", batch=str(batch_id), check="dark")
    assert "Would flag 1 of 3 listings" in words(app)

    app.number_input[0].set_value(0.5).run()
    assert "Would flag 2 of 3 listings**, 1 at the limit that holds" in words(app)
    next(button for button in app.button if button.label == "Use this limit").click().run()

    view = limits.get_limit(engine, actor=actor, key="dark", batch_id=batch_id)
    assert [change.value for change in view.changes] == [0.5]
    assert app.dataframe[0].value["Who"].tolist() == [actor.name]


def test_a_batch_that_was_never_measured_says_how_to_measure_it(engine, batch_id):
    with transaction(engine) as session:
        session.execute(sa.delete(MeasuresRow))
    app = draw("batches", batch=str(batch_id), check="dark")
    assert "Classify again" in words(app)


def test_a_check_that_does_not_exist_shows_the_batch(batch_id):
    assert "May" in words(draw("batches", batch=str(batch_id), check="darkness"))


def test_a_check_out_of_its_range_cannot_be_typed(batch_id):
    app = draw("batches", batch=str(batch_id), check="dark")
    assert (app.number_input[0].min, app.number_input[0].max) == (0.0, 1.0)


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def judge(engine: sa.Engine, kind: str) -> None:
    """Do what the worker does."""
    known = KnownCache(engine)
    for chunk_id, _ in chunks.list_unfinished(engine, kind=kind):
        chunk = chunks.begin(engine, chunk_id=chunk_id)
        assert chunk
        if kind == "recognition":
            renewals.renew_chunk(engine, chunk=chunk, known=known)
        else:
            claims.renew_batch(engine, chunk=chunk)


def test_unknown_products_are_looked_for_from_the_page_and_their_share_is_moved(engine, actor):
    batch_id = add_batch(engine, actor)
    add_known(engine, batch_id)
    add_listings(engine, batch_id, "kettle", near(9, 3))
    app = draw("batches", batch=str(batch_id), check="unknown_product")
    assert "No open photo here has been held against decided ones yet" in words(app)

    press(app, "Look now")
    judge(engine, "recognition")
    app.run()
    assert "Would flag 3 of 3 listings" in words(app)
    assert "Of new photos of known products, expect 2% to be flagged as well." in words(app)

    app.number_input[0].set_value(0.001).run()
    assert "expect 0.1% to be flagged as well" in words(app)
    assert "Would flag 0 of 3 listings**, 3 at the limit that holds" in words(app)
    press(app, "Use this limit")
    judge(engine, "recognition")
    view = limits.get_limit(engine, actor=actor, key="unknown_product", batch_id=batch_id)
    assert [change.value for change in view.changes] == [0.001]
    with reading(engine) as session:
        assert session.scalar(sa.select(FlagRow.id)) is None


def test_the_promise_of_claims_is_moved_and_their_margin_is_one_step_away(engine, actor):
    reviewed = add_batch(engine, actor, "reviewed")
    for axis, path in enumerate(("Home > Mug", "Home > Lamp")):
        vectors = near(axis, MIN_CONFIRMED // 2 + 1, seed=7)
        add_listings(engine, reviewed, path[-4:], vectors, category=path, claimed=path)
    batch_id = add_batch(engine, actor)
    add_listings(engine, batch_id, "right", near(0, 20, seed=8), claimed="Home > Mug")
    add_listings(engine, batch_id, "wrong", near(1, 4, seed=8), claimed="Home > Mug")
    claims.ask_check(engine, actor=actor, batch_id=batch_id)
    judge(engine, "claims")

    app = draw("batches", batch=str(batch_id), check="claimed_mismatch")
    assert "Would flag 4 of 24 listings" in words(app)
    assert "in a batch, expect at most 10% unfounded." in words(app)
    app.number_input[0].set_value(0.075).run()
    press(app, "Use this limit")
    judge(engine, "claims")

    assert "expect at most 7.5% unfounded" in words(draw("batches", batch=str(batch_id)))
    assert "To the limit: Claimed category differs, by margin" in words(app)
    margin = draw("batches", batch=str(batch_id), check="claimed_mismatch_margin")
    assert "a share is promised for them" in words(margin)


def test_every_source_says_what_it_means_to_have_nothing_to_compare():
    assert set(NOTHING_TO_COMPARE) == set(SOURCES)


@pytest.mark.parametrize("key", FLAG_LIMITS)
def test_every_limit_has_its_page(batch_id, key):
    app = draw("batches", batch=str(batch_id), check=key)
    assert app.title[0].value == FLAG_LIMITS[key].label
    assert app.number_input[0].value == pytest.approx(FLAG_LIMITS[key].limit)


def test_each_flag_with_a_limit_leads_to_it_and_the_exact_one_does_not(engine, actor):
    batch_id = add_batch(engine, actor)
    flagged = add_flagged(engine, batch_id, "A-1", ["dark", "claimed_mismatch"])
    with transaction(engine) as session:
        session.add(
            FlagRow(
                listing_id=flagged.listing_id,
                listing_image_id=flagged.photo_id,
                kind="exact_duplicate",
                severity="warn",
                score=1.0,
                detail={"listing_ids": [9]},
            )
        )
    app = draw("batches", batch=str(batch_id))
    keys = {button.key for button in app.button if button.label == "Limit"}
    assert keys == {"limit-dark", "limit-claimed_mismatch"}
