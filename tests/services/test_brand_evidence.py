"""Listings held against the register, and what people make of the cards."""

import io
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
import sqlalchemy as sa
from PIL import Image

from core.actors import Actor
from core.errors import ForbiddenError, NotFoundError, StaleError
from core.services import brand_checks, brand_drawings, brand_evidence, brands, jobs
from core.services.brand_evidence import EvidenceCard
from core.services.states import EvidenceOutcome, ListingState, ReferenceKind
from core.settings import Settings
from db.engine import reading, transaction
from db.rows import BrandEvidenceRow, BrandOutcomeRow, ListingRow
from tests.services.flagged import add_batch
from tests.services.protected import (
    ANOTHER,
    ENTRY,
    LOGO,
    OWN,
    add_reference,
    add_voltek,
    check_all,
    offer,
    print_logo,
)
from tests.similarity.conftest import draw_photo

STAFF = Actor(1, "sam", "staff")
CONFIRMED, UNFOUNDED = EvidenceOutcome.CONFIRMED, EvidenceOutcome.UNFOUNDED


@pytest.fixture
def batch_id(any_engine: sa.Engine, actor: Actor) -> int:
    return add_batch(any_engine, actor)


def cards(engine: sa.Engine, actor: Actor, *, settled: bool = False) -> dict[str, EvidenceCard]:
    """By SKU and kind."""
    found = brand_evidence.list_cards(engine, actor=actor, is_settled=settled).cards
    return {f"{card.sku} {card.kind}": card for card in found}


def settle(engine: sa.Engine, actor: Actor, card: EvidenceCard, outcome: EvidenceOutcome) -> None:
    brand_evidence.settle(
        engine, actor=actor, evidence_id=card.id, judged_at=card.judged_at, outcome=outcome
    )


def test_each_kind_of_evidence_comes_to_its_card(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, batch_id: int
) -> None:
    engine, settings = any_engine, any_settings
    offer(engine, settings, batch_id, {"own": print_logo()}, seller=OWN, price=Decimal(50))
    offer(engine, settings, batch_id, {"taken": print_logo(photo=2)}, seller=ANOTHER)
    changed = print_logo(replace(LOGO, word="VALTEK"), photo=3)
    offer(engine, settings, batch_id, {"changed": changed}, seller=OWN)
    cheap = {"title": "Voltek lamp", "seller": OWN, "price": Decimal(5)}
    offer(engine, settings, batch_id, {"cheap": draw_photo(4)}, **cheap)
    brand_id = add_voltek(engine, settings, actor)
    add_reference(engine, settings, actor, brand_id, ReferenceKind.PHOTO, print_logo(photo=2))
    assert check_all(engine, settings) == 1

    found = cards(engine, actor)
    assert found.keys() == {
        "taken logo_elsewhere",
        "taken copied_photo",
        "changed changed_logo",
        "cheap odd_price",
    }
    taken = found["taken copied_photo"]
    assert (taken.brand, taken.reference, taken.is_changed) == ("Voltek", "photo", False)
    assert f"Seller: {ANOTHER}" in taken.facts
    assert found["changed changed_logo"].is_changed
    assert "A region is something else" in found["changed changed_logo"].facts
    cheap_card = found["cheap odd_price"]
    assert cheap_card.reference is None
    assert "Price: 5.00; usual from 20.00 to 80.00" in cheap_card.facts


def test_evidence_follows_the_register_and_is_withdrawn_not_deleted(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, batch_id: int
) -> None:
    offer(any_engine, any_settings, batch_id, {"taken": print_logo()}, seller=ANOTHER)
    brand_id = add_voltek(any_engine, any_settings, actor)
    check_all(any_engine, any_settings)
    first = cards(any_engine, actor)["taken logo_elsewhere"]

    allowed = replace(ENTRY, sellers=(OWN, ANOTHER))
    brands.change_brand(any_engine, actor=actor, brand_id=brand_id, entry=allowed)
    assert check_all(any_engine, any_settings) == 1
    assert cards(any_engine, actor) == {}
    with reading(any_engine) as session:
        assert session.get_one(BrandEvidenceRow, first.id).withdrawn_at is not None

    brands.change_brand(any_engine, actor=actor, brand_id=brand_id, entry=ENTRY)
    check_all(any_engine, any_settings)
    assert cards(any_engine, actor)["taken logo_elsewhere"].id == first.id

    unwatched = replace(ENTRY, is_watched=False)
    brands.change_brand(any_engine, actor=actor, brand_id=brand_id, entry=unwatched)
    check_all(any_engine, any_settings)
    assert cards(any_engine, actor) == {}


def test_a_reference_that_was_taken_out_speaks_no_more(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    offer(engine, settings, add_batch(engine, actor), {"taken": print_logo()}, seller=ANOTHER)
    add_voltek(engine, settings, actor)
    check_all(engine, settings)
    (brand,) = brands.list_brands(engine, actor=actor)
    brands.remove_reference(engine, actor=actor, reference_id=brand.references[0].id)
    check_all(engine, settings)
    assert cards(engine, actor) == {}


def test_an_outcome_is_kept_with_who_and_when_and_can_be_taken_back(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, batch_id: int
) -> None:
    offer(any_engine, any_settings, batch_id, {"taken": print_logo()}, seller=ANOTHER)
    brand_id = add_voltek(any_engine, any_settings, actor)
    check_all(any_engine, any_settings)
    (card,) = cards(any_engine, actor).values()

    for _ in range(2):  # the same word again changes nothing
        settle(any_engine, actor, card, CONFIRMED)
    assert cards(any_engine, actor) == {}
    (settled,) = cards(any_engine, actor, settled=True).values()
    assert (settled.outcome, settled.settled_by) == (CONFIRMED, actor.name)
    assert settled.settled_at is not None

    allowed = replace(ENTRY, sellers=(ANOTHER,))
    brands.change_brand(any_engine, actor=actor, brand_id=brand_id, entry=allowed)
    check_all(any_engine, any_settings)  # what was settled stays as it was
    assert cards(any_engine, actor, settled=True) == {"taken logo_elsewhere": settled}

    brand_evidence.take_back(any_engine, actor=actor, evidence_id=card.id)
    assert cards(any_engine, actor).keys() == {"taken logo_elsewhere"}
    with reading(any_engine) as session:
        said = session.scalars(sa.select(BrandOutcomeRow.outcome).order_by(BrandOutcomeRow.id))
        assert said.all() == [CONFIRMED, None]


def test_a_card_that_was_judged_anew_is_to_be_looked_at_again(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, batch_id: int
) -> None:
    offer(any_engine, any_settings, batch_id, {"taken": print_logo()}, seller=ANOTHER)
    brand_id = add_voltek(any_engine, any_settings, actor)
    check_all(any_engine, any_settings)
    (seen,) = cards(any_engine, actor).values()
    entry = replace(ENTRY, lowest=Decimal(1))
    brands.change_brand(any_engine, actor=actor, brand_id=brand_id, entry=entry)
    check_all(any_engine, any_settings)
    with pytest.raises(StaleError, match="judged anew"):
        settle(any_engine, actor, seen, CONFIRMED)
    (card,) = cards(any_engine, actor).values()
    allowed = replace(ENTRY, sellers=(ANOTHER,))
    brands.change_brand(any_engine, actor=actor, brand_id=brand_id, entry=allowed)
    check_all(any_engine, any_settings)
    with pytest.raises(StaleError, match="judged anew"):
        settle(any_engine, actor, card, CONFIRMED)  # it was withdrawn


def test_precision_is_measured_by_kind_from_the_outcomes_that_hold(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, batch_id: int
) -> None:
    photos = {f"cheap {n}": draw_photo(n) for n in range(3)}
    offer(any_engine, any_settings, batch_id, photos, title="A Voltek", price=Decimal(1))
    brands.add_brand(any_engine, actor=actor, entry=ENTRY)
    check_all(any_engine, any_settings)
    assert brand_evidence.measure_precision(any_engine, actor=actor) == {}
    found = list(cards(any_engine, actor).values())
    for card, outcome in zip(found, (CONFIRMED, UNFOUNDED, CONFIRMED), strict=True):
        settle(any_engine, actor, card, outcome)
    settle(any_engine, actor, found[0], UNFOUNDED)
    brand_evidence.take_back(any_engine, actor=actor, evidence_id=found[1].id)
    measured = brand_evidence.measure_precision(any_engine, actor=actor)
    assert measured.keys() == {"odd_price"}
    precision = measured["odd_price"]
    assert (precision.count, precision.hits) == (2, 1)
    assert precision.share.low < 0.5 < precision.share.high


def test_cards_come_in_pages_the_newest_first(
    engine: sa.Engine, settings: Settings, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brand_evidence, "CARDS_A_PAGE", 2)
    photos = {f"cheap {n}": draw_photo(n) for n in range(3)}
    offer(engine, settings, add_batch(engine, actor), photos, title="Voltek", price=Decimal(1))
    brands.add_brand(engine, actor=actor, entry=ENTRY)
    check_all(engine, settings)
    page = brand_evidence.list_cards(engine, actor=actor)
    assert (len(page.cards), page.total, page.has_more) == (2, 3, True)
    rest = brand_evidence.list_cards(engine, actor=actor, before_id=page.cards[-1].id)
    assert (len(rest.cards), rest.has_more) == (1, False)
    assert page.cards[0].id > page.cards[1].id > rest.cards[0].id


def test_rejected_listings_are_not_held_against_the_register(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    photos = {"gone": draw_photo(1)}
    ids = offer(engine, settings, add_batch(engine, actor), photos, title="Voltek", price=1)
    with transaction(engine) as session:
        session.get_one(ListingRow, ids["gone"]).state = ListingState.REJECTED
    brands.add_brand(engine, actor=actor, entry=ENTRY)
    assert check_all(engine, settings) == 0


def test_a_batch_is_looked_at_in_pieces_and_one_that_is_all_rejected_meanwhile_in_none(
    engine: sa.Engine, settings: Settings, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brand_checks, "LISTINGS_A_CHUNK", 2)
    photos = {f"cheap {n}": draw_photo(n) for n in range(3)}
    offer(engine, settings, add_batch(engine, actor), photos, title="Voltek", price=Decimal(1))
    brand_id = brands.add_brand(engine, actor=actor, entry=ENTRY)
    assert check_all(engine, settings) == 2
    assert len(cards(engine, actor)) == 3
    entry = replace(ENTRY, sellers=())
    brands.change_brand(engine, actor=actor, brand_id=brand_id, entry=entry)
    with transaction(engine) as session:
        session.execute(sa.update(ListingRow).values(state=ListingState.REJECTED))
    assert check_all(engine, settings) == 0
    assert {job.state for job in jobs.list_jobs(engine, actor=actor)} == {"done"}


def test_no_evidence_on_a_listing_is_open_while_that_is_rejected(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    photos = {"gone": draw_photo(1), "there": draw_photo(2)}
    ids = offer(engine, settings, add_batch(engine, actor), photos, title="Voltek", price=1)
    brands.add_brand(engine, actor=actor, entry=ENTRY)
    check_all(engine, settings)
    settle(engine, actor, cards(engine, actor)["there odd_price"], CONFIRMED)
    with transaction(engine) as session:
        session.execute(sa.update(ListingRow).values(state=ListingState.REJECTED))
    found = brand_evidence.list_cards(engine, actor=actor)
    assert (found.cards, found.total) == ((), 0)
    assert cards(engine, actor, settled=True).keys() == {"there odd_price"}
    with transaction(engine) as session:  # taken back
        session.get_one(ListingRow, ids["gone"]).state = ListingState.NEEDS_REVIEW
    assert cards(engine, actor).keys() == {"gone odd_price"}


def test_a_photo_that_is_gone_leaves_what_the_words_say(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    batch_id = add_batch(engine, actor)
    offer(engine, settings, batch_id, {"a": print_logo()}, title="Voltek", price=1, seller=ANOTHER)
    listing_photo = next(settings.images_dir.rglob("*/*/*"))
    add_voltek(engine, settings, actor)
    listing_photo.unlink()
    check_all(engine, settings)
    assert cards(engine, actor).keys() == {"a odd_price"}


def test_the_drawings_show_the_place_and_the_changed_region_in_red(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    changed = print_logo(replace(LOGO, word="VALTEK"))
    offer(engine, settings, add_batch(engine, actor), {"a": changed}, seller=OWN)
    add_voltek(engine, settings, actor)
    check_all(engine, settings)
    (card,) = cards(engine, actor).values()
    for drawing in brand_drawings.DRAWINGS:
        data = brand_drawings.draw(
            engine, settings, actor=actor, evidence_id=card.id, drawing=drawing
        )
        pixels = np.asarray(Image.open(io.BytesIO(data))).astype(int)
        red = (pixels[..., 0] > 170) & (pixels[..., 1:].max(axis=2) < 90)
        assert (0.0005 < red.mean() < 0.3) == (drawing != "detail"), drawing
    with pytest.raises(NotFoundError, match="'sketch'"):
        brand_drawings.draw(engine, settings, actor=actor, evidence_id=card.id, drawing="sketch")


def test_an_original_is_decoded_once_whatever_is_drawn_of_it(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    changed = print_logo(replace(LOGO, word="VALTEK"))
    offer(engine, settings, add_batch(engine, actor), {"a": changed}, seller=OWN)
    add_voltek(engine, settings, actor)
    check_all(engine, settings)
    (card,) = cards(engine, actor).values()
    first, *others = brand_drawings.DRAWINGS
    brand_drawings.draw(engine, settings, actor=actor, evidence_id=card.id, drawing=first)
    for original in settings.images_dir.rglob("*"):
        if original.is_file():
            original.write_bytes(b"not to be read again")
    for drawing in others:
        brand_drawings.draw(engine, settings, actor=actor, evidence_id=card.id, drawing=drawing)


def test_evidence_of_words_alone_has_no_drawing(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    batch_id = add_batch(engine, actor)
    offer(engine, settings, batch_id, {"a": draw_photo(1)}, title="Voltek", price=1)
    brands.add_brand(engine, actor=actor, entry=ENTRY)
    check_all(engine, settings)
    (card,) = cards(engine, actor).values()
    with pytest.raises(NotFoundError):
        brand_drawings.draw(engine, settings, actor=actor, evidence_id=card.id, drawing="photo")


def test_only_who_may_review_sees_and_settles(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    with pytest.raises(ForbiddenError):
        brand_evidence.list_cards(engine, actor=STAFF)
    with pytest.raises(ForbiddenError):
        brand_evidence.measure_precision(engine, actor=STAFF)
    with pytest.raises(ForbiddenError):
        brand_evidence.settle(
            engine, actor=STAFF, evidence_id=1, judged_at=datetime.now(UTC), outcome=CONFIRMED
        )
    with pytest.raises(ForbiddenError):
        brand_drawings.draw(engine, settings, actor=STAFF, evidence_id=1, drawing="photo")
    with pytest.raises(NotFoundError):
        brand_evidence.take_back(engine, actor=actor, evidence_id=1)
