"""The brand register."""

from dataclasses import replace
from decimal import Decimal

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnreadableImageError,
)
from core.services import brands, jobs
from core.services.brands import MAX_REFERENCES, BrandEntry
from core.services.states import ReferenceKind
from core.settings import Settings
from core.storage import ImageStore
from db.engine import transaction
from db.rows import BrandReferenceRow
from tests.services.flagged import add_batch
from tests.services.protected import ENTRY, LOGO, add_reference, add_voltek, offer
from tests.similarity.conftest import draw_photo

REVIEWER = Actor(1, "rita", "reviewer")
STAFF = Actor(1, "sam", "staff")


def test_a_brand_is_kept_as_it_was_entered_each_seller_once(
    any_engine: sa.Engine, actor: Actor
) -> None:
    entry = replace(ENTRY, name=" Voltek  ", sellers=("Voltek Shop", "", "voltek  shop", "Nord"))
    brand_id = brands.add_brand(any_engine, actor=actor, entry=entry)
    (found,) = brands.list_brands(any_engine, actor=REVIEWER)
    assert (found.id, found.name, found.sellers) == (brand_id, "Voltek", ("Voltek Shop", "Nord"))
    assert (found.lowest, found.highest) == (Decimal(20), Decimal(80))
    brands.change_brand(
        any_engine, actor=actor, brand_id=brand_id, entry=BrandEntry("Voltek AG", is_watched=False)
    )
    (found,) = brands.list_brands(any_engine, actor=REVIEWER)
    assert (found.name, found.sellers, found.lowest) == ("Voltek AG", (), None)
    assert not found.is_watched


def test_a_brand_stands_once_whatever_the_case(engine: sa.Engine, actor: Actor) -> None:
    brands.add_brand(engine, actor=actor, entry=ENTRY)
    with pytest.raises(ConflictError, match="'Voltek' already"):
        brands.add_brand(engine, actor=actor, entry=BrandEntry("VOLTEK"))
    other = brands.add_brand(engine, actor=actor, entry=BrandEntry("Orbano"))
    with pytest.raises(ConflictError):
        brands.change_brand(engine, actor=actor, brand_id=other, entry=ENTRY)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (BrandEntry("  "), "1 to 200"),
        (BrandEntry("x" * 201), "not 201"),
        (BrandEntry("x", lowest=Decimal(9), highest=Decimal(8)), "9 is above the highest 8"),
        (BrandEntry("x", lowest=Decimal(-1)), "not -1"),
        (BrandEntry("x", tuple(f"seller {n}" for n in range(501))), "not 501"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_value(
    engine: sa.Engine, actor: Actor, entry: BrandEntry, said: str
) -> None:
    with pytest.raises(InvalidInputError, match=said):
        brands.add_brand(engine, actor=actor, entry=entry)
    assert brands.list_brands(engine, actor=actor) == ()


def test_references_are_stored_among_the_photos_and_taken_out_and_back(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor
) -> None:
    brand_id = add_voltek(any_engine, any_settings, actor)
    for _ in range(2):  # the same again
        add_reference(any_engine, any_settings, actor, brand_id, ReferenceKind.PHOTO, draw_photo(1))
    (found,) = brands.list_brands(any_engine, actor=REVIEWER)
    logo, photo = found.references
    assert (logo.kind, photo.kind) == ("logo", "photo")
    assert ImageStore(any_settings.images_dir, any_settings.cache_dir).path(photo.sha256).exists()

    brands.remove_reference(any_engine, actor=actor, reference_id=logo.id)
    (found,) = brands.list_brands(any_engine, actor=REVIEWER)
    assert found.references == (photo,)
    add_reference(any_engine, any_settings, actor, brand_id, ReferenceKind.LOGO, LOGO.on_white())
    (found,) = brands.list_brands(any_engine, actor=REVIEWER)
    assert found.references == (logo, photo)


def test_a_file_that_is_no_picture_is_refused_as_in_an_upload(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    brand_id = add_voltek(engine, settings, actor)
    with pytest.raises(UnreadableImageError):
        brands.add_reference(
            engine,
            settings,
            actor=actor,
            brand_id=brand_id,
            kind=ReferenceKind.LOGO,
            file_name="logo.png",
            data=b"no picture",
        )
    assert len(brands.list_brands(engine, actor=actor)[0].references) == 1


def test_a_full_register_takes_no_more_until_one_is_taken_out(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    brand_id = add_voltek(engine, settings, actor)
    with transaction(engine) as session:
        for number in range(1, MAX_REFERENCES):
            session.add(
                BrandReferenceRow(
                    brand_id=brand_id,
                    kind=ReferenceKind.LOGO,
                    sha256=f"{number:064x}",
                    file_name="logo.png",
                    created_by=actor.id,
                )
            )
    with pytest.raises(ConflictError, match="500 photos and logos"):
        add_reference(engine, settings, actor, brand_id, ReferenceKind.PHOTO, draw_photo(1))
    brands.remove_reference(engine, actor=actor, reference_id=1)
    add_reference(engine, settings, actor, brand_id, ReferenceKind.PHOTO, draw_photo(1))


def test_each_change_asks_for_one_check_of_each_batch(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    first, second, empty = (add_batch(engine, actor, name) for name in ("one", "two", "three"))
    for batch_id in (first, second):
        offer(engine, settings, batch_id, {"a": draw_photo(batch_id)})
    add_voltek(engine, settings, actor)  # a brand, then a reference: the first waits already
    found = jobs.list_jobs(engine, actor=actor)
    assert sorted((job.kind, job.batch_id, job.total) for job in found) == [
        ("brands", first, 1),
        ("brands", second, 1),
    ]
    assert empty


def test_what_is_saved_as_it_was_asks_for_no_check(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    brand_id = add_voltek(engine, settings, actor)
    offer(engine, settings, add_batch(engine, actor), {"a": draw_photo(1)})
    brands.change_brand(engine, actor=actor, brand_id=brand_id, entry=ENTRY)
    assert jobs.list_jobs(engine, actor=actor) == ()
    entry = replace(ENTRY, highest=Decimal(90))
    brands.change_brand(engine, actor=actor, brand_id=brand_id, entry=entry)
    assert len(jobs.list_jobs(engine, actor=actor)) == 1


def test_only_who_may_tune_changes_the_register_and_only_who_may_review_reads_it(
    engine: sa.Engine, settings: Settings, actor: Actor
) -> None:
    brand_id = add_voltek(engine, settings, actor)
    for stranger in (REVIEWER, STAFF):
        with pytest.raises(ForbiddenError):
            brands.add_brand(engine, actor=stranger, entry=BrandEntry("x"))
        with pytest.raises(ForbiddenError):
            brands.change_brand(engine, actor=stranger, brand_id=brand_id, entry=ENTRY)
        with pytest.raises(ForbiddenError):
            brands.remove_reference(engine, actor=stranger, reference_id=1)
        with pytest.raises(ForbiddenError):
            add_reference(engine, settings, stranger, brand_id, ReferenceKind.PHOTO, draw_photo(1))
    with pytest.raises(ForbiddenError):
        brands.list_brands(engine, actor=STAFF)


def test_what_is_not_there_is_said(engine: sa.Engine, settings: Settings, actor: Actor) -> None:
    with pytest.raises(NotFoundError):
        brands.change_brand(engine, actor=actor, brand_id=9, entry=ENTRY)
    with pytest.raises(NotFoundError):
        brands.remove_reference(engine, actor=actor, reference_id=9)
    with pytest.raises(NotFoundError):
        add_reference(engine, settings, actor, 9, ReferenceKind.PHOTO, draw_photo(1))
