"""The limit of a photo check, without a browser."""

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.services import limits
from db.engine import transaction
from db.rows import BatchRow, ImageRow, ListingImageRow, ListingRow, MeasuresRow
from db.states import ListingState
from tests.flags.cases import SOUND_MEASURES
from tests.pages.drawing import draw, words

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
