"""What a batch's page promises of flags on claims, without a browser."""

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.mislabel import MIN_CONFIRMED
from core.services import chunks, claims
from db.engine import transaction
from db.rows import FlagRow
from tests.pages.drawing import draw, words
from tests.services.embedded import add_listings, near
from tests.services.flagged import add_batch, add_flagged

MUG, LAMP = "Home > Mug", "Home > Lamp"


def check(engine: sa.Engine) -> None:
    for chunk_id, _ in chunks.list_unfinished(engine, kind=claims.JOB):
        chunk = chunks.begin(engine, chunk_id=chunk_id)
        assert chunk
        claims.renew_batch(engine, chunk=chunk)


@pytest.fixture
def batch_id(engine: sa.Engine, actor: Actor) -> int:
    """Four lamps that are claimed to be mugs among twenty mugs; enough others are reviewed."""
    reviewed = add_batch(engine, actor, "reviewed")
    for axis, path in enumerate((MUG, LAMP)):
        vectors = near(axis, MIN_CONFIRMED // 2 + 1, seed=7)
        add_listings(engine, reviewed, path[-4:], vectors, category=path, claimed=path)
    batch_id = add_batch(engine, actor)
    add_listings(engine, batch_id, "right", near(0, 20, seed=8), claimed=MUG)
    add_listings(engine, batch_id, "wrong", near(1, 4, seed=8), claimed=MUG)
    return batch_id


def test_the_page_says_how_many_flags_to_expect_unfounded(engine, actor, batch_id):
    claims.ask_check(engine, actor=actor, batch_id=batch_id)
    check(engine)

    app = draw("batches", batch=str(batch_id))
    assert "Of these 4 flags, expect at most 10% unfounded." in words(app)

    with transaction(engine) as session:
        first = session.scalars(sa.select(FlagRow).order_by(FlagRow.id)).first()
        assert first
        first.state = "confirmed"
    assert "3 of them are still open" in words(app.run())


def test_claims_are_checked_again_by_a_button(engine, batch_id):
    add_flagged(engine, batch_id, "early", ["claimed_mismatch"])
    app = draw("batches", batch=str(batch_id))
    assert "Enough claims are reviewed" in words(app)

    next(button for button in app.button if button.label == "Check claims again").click().run()

    assert not app.exception
    assert len(list(chunks.list_unfinished(engine, kind=claims.JOB))) == 1


def test_with_too_few_reviewed_claims_the_page_says_how_many_are_missing(engine, actor):
    batch_id = add_batch(engine, actor)
    add_flagged(engine, batch_id, "A-1", ["claimed_mismatch"])

    app = draw("batches", batch=str(batch_id))

    assert f"and {MIN_CONFIRMED} are missing" in words(app)
    assert "Check claims again" not in [button.label for button in app.button]
