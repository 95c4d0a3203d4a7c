"""Limits that are held against opinions and copies, and the table of where values come from."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import nan

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import InvalidInputError
from core.flags import FLAG_LIMITS
from core.services import chunks, copy_flags, limits
from core.services.jobs import JOB_PERMISSIONS
from core.services.limit_sources import SOURCES
from core.services.states import UNDECIDED
from db.engine import reading, transaction
from db.queries.categories import ensure_paths
from db.queries.explanations import list_agreed
from db.queries.flag_values import replace_values
from db.queries.matches import insert_matches
from db.queries.models import list_usable_ids
from db.rows import FlagRow, ListingImageRow, ListingRow, ModelVersionRow, PredictionRow
from db.states import FlagState, ListingState, ModelState
from tests.services.embedded import add_listings, near
from tests.services.flagged import add_batch
from tests.services.test_limits import work_off

MUG, LAMP = PATHS = ("Home > Mug", "Home > Lamp")


@pytest.fixture
def batch_id(any_engine: sa.Engine, actor: Actor) -> int:
    return add_batch(any_engine, actor)


def flagged(engine: sa.Engine, kind: str) -> list[int]:
    with reading(engine) as session:
        query = sa.select(FlagRow.listing_id).where(
            FlagRow.kind == kind, FlagRow.state == FlagState.OPEN
        )
        return sorted(session.scalars(query))


def move(
    engine: sa.Engine, actor: Actor, key: str, value: float | None, branch: str | None = None
) -> list[int]:
    """Move a limit and do what follows; return the listings that are flagged then."""
    limits.set_limit(engine, actor=actor, key=key, value=value, branch=branch)
    work_off(engine)
    return flagged(engine, FLAG_LIMITS[key].flag)


def add_opinions(
    engine: sa.Engine, listing_ids: Sequence[int], sureness: Sequence[float], *, other: str = LAMP
) -> None:
    """One model says mug of all and is sure, the other says lamp and is as sure as given."""
    with transaction(engine) as session:
        ids = ensure_paths(session, list(PATHS))
        photos = dict(
            session.execute(
                sa.select(ListingImageRow.listing_id, ListingImageRow.id).where(
                    ListingImageRow.listing_id.in_(listing_ids)
                )
            ).all()
        )
        for arch, path, sure in (("resnet50", MUG, None), ("vit", other, sureness)):
            version = ModelVersionRow(
                arch=arch,
                digest=arch.ljust(64, "0"),
                file_name="a",
                file_bytes=1,
                parameters=1,
                labels=list(PATHS),
                metrics={},
                state=ModelState.ACTIVE,
            )
            session.add(version)
            session.flush()
            for listing_id, probability in zip(listing_ids, sure or [0.95] * 9, strict=False):
                top = [{"category_id": ids[path], "probability": probability}]
                session.add(
                    PredictionRow(
                        listing_image_id=photos[listing_id],
                        model_version_id=version.id,
                        top=top,
                        **top[0],
                    )
                )


def test_every_limit_has_a_source_and_every_source_a_job():
    assert {row.source for row in FLAG_LIMITS.values()} == SOURCES.keys()
    for source in SOURCES.values():
        assert source.job in JOB_PERMISSIONS
        assert (source.gather is None) != (source.ask is None)
        assert (source.job == "flags") == (source.gather is not None)


def test_the_limit_of_disagreement_is_how_sure_the_less_sure_model_is(any_engine, actor, batch_id):
    ids = add_listings(any_engine, batch_id, "a", near(0, 4))
    add_opinions(any_engine, ids, [0.9, 0.6, 0.3])

    view = limits.get_limit(any_engine, actor=actor, key="models_disagree", batch_id=batch_id)

    assert [(photo.listing_id, photo.value) for photo in view.photos] == [
        (ids[0], 0.9),
        (ids[1], 0.6),
        (ids[2], 0.3),
    ]
    assert (view.limit, view.listings, view.job) == (0.5, 4, "flags")
    assert len(view.list_beyond(0.6)) == 2
    assert move(any_engine, actor, "models_disagree", 0.3) == ids[:3]
    assert move(any_engine, actor, "models_disagree", 0.7) == ids[:1]
    assert move(any_engine, actor, "models_disagree", None) == ids[:2]


def test_the_limit_of_evidence_is_held_against_what_was_kept_of_the_heat_maps(
    any_engine, actor, batch_id
):
    ids = add_listings(any_engine, batch_id, "a", near(0, 4))
    add_opinions(any_engine, ids, [0.9] * 4, other=MUG)
    with transaction(any_engine) as session:
        versions = list_usable_ids(session)
        photos = list_agreed(session, batch_id=batch_id, version_ids=versions, states=UNDECIDED)
        assert [session.get_one(ListingImageRow, id_).listing_id for id_ in photos] == list(ids)
        values = dict(zip(photos, [0.05, 0.3, nan], strict=False))  # the last was not compared
        replace_values(session, kind="evidence_differs", photo_ids=photos, values=values)

    view = limits.get_limit(any_engine, actor=actor, key="evidence_differs", batch_id=batch_id)

    assert [(photo.listing_id, photo.value) for photo in view.photos] == [
        (ids[0], 0.05),
        (ids[1], 0.3),
    ]
    assert view.job == "flags"
    assert move(any_engine, actor, "evidence_differs", 0.31) == ids[:2]
    assert move(any_engine, actor, "evidence_differs", None) == ids[:1]
    with transaction(any_engine) as session:  # a model has had a say since
        for row in session.scalars(sa.select(PredictionRow)):
            row.created_at = datetime.now(UTC)
    assert move(any_engine, actor, "evidence_differs", 0.31) == []


def test_a_branch_with_a_limit_of_its_own_is_left_out_of_the_wider_one(any_engine, actor, batch_id):
    lamps = add_listings(any_engine, batch_id, "lamp", near(0, 2), claimed=LAMP)
    mugs = add_listings(any_engine, batch_id, "mug", near(1, 2), claimed=MUG)
    add_opinions(any_engine, [*lamps, *mugs], [0.9, 0.6, 0.9, 0.6])

    assert move(any_engine, actor, "models_disagree", 0.8, branch=MUG) == [*lamps, mugs[0]]

    view = limits.get_limit(any_engine, actor=actor, key="models_disagree", batch_id=batch_id)
    assert [photo.listing_id for photo in view.photos] == list(lamps)
    assert (view.limit, view.listings, view.elsewhere) == (0.5, 2, 2)
    own = limits.get_limit(
        any_engine, actor=actor, key="models_disagree", batch_id=batch_id, branch=MUG
    )
    assert (own.limit, own.listings, own.elsewhere) == (0.8, 2, 0)


def test_a_copy_is_flagged_from_the_limit_of_its_branch(any_engine, actor, batch_id):
    first, near_copy, far_copy = add_listings(any_engine, batch_id, "a", near(0, 3))
    with transaction(any_engine) as session:
        images = dict(
            session.execute(sa.select(ListingImageRow.listing_id, ListingImageRow.image_id)).all()
        )
        values = [
            {
                "first_image_id": images[first],
                "second_image_id": images[other],
                "kind": "same_picture",
                "score": score,
            }
            for other, score in ((near_copy, 0.95), (far_copy, 0.7))
        ]
        insert_matches(session, values=values)
        copy_flags.renew(session, image_ids=images.values())
    assert flagged(any_engine, "near_duplicate") == [first, near_copy, far_copy]

    view = limits.get_limit(any_engine, actor=actor, key="near_duplicate", batch_id=batch_id)
    assert sorted(photo.value for photo in view.photos) == [0.7, 0.95, 0.95]
    assert view.limit == 0.65
    assert move(any_engine, actor, "near_duplicate", 0.8) == [first, near_copy]
    with transaction(any_engine) as session:  # what is found later honours it, too
        copy_flags.renew(session, image_ids=images.values())
    assert flagged(any_engine, "near_duplicate") == [first, near_copy]


def test_opinions_of_decided_listings_move_no_flag(any_engine, actor, batch_id):
    ids = add_listings(any_engine, batch_id, "a", near(0, 2))
    add_opinions(any_engine, ids, [0.9, 0.9])
    with transaction(any_engine) as session:
        session.get_one(ListingRow, ids[0]).state = ListingState.REJECTED
    assert move(any_engine, actor, "models_disagree", 0.6) == [ids[1]]


def test_the_worker_is_asked_to_judge_what_is_not_stored(any_engine, actor, batch_id):
    add_listings(any_engine, batch_id, "a", near(0, 2), claimed=MUG)
    for key, kind in (("claimed_mismatch", "claims"), ("unknown_product", "recognition")):
        assert list(chunks.list_unfinished(any_engine, kind=kind)) == []
        assert limits.ask_values(any_engine, actor=actor, key=key) is not None
        assert list(chunks.list_unfinished(any_engine, kind=kind)) != []


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("near_duplicate", 0.5, "'Same picture' is 0.5; it must be from 0.65 to 1"),
        ("models_disagree", 50.0, "is 50; it must be from 0 to 1 .probability"),
        ("claimed_mismatch", 10.0, "is 10; it must be from 0 to 0.5"),
        ("unknown_product", -0.1, "is -0.1; it must be from 0 to 0.5"),
        ("dark", 35.0, "'Too dark' is 35; it must be from 0 to 1 .of white"),
        ("small", float("inf"), "is inf; it must be from 0 to 10000 .px"),
    ],
)
def test_a_limit_out_of_its_range_is_refused(any_engine, actor, key, value, message):
    with pytest.raises(InvalidInputError, match=message):
        limits.set_limit(any_engine, actor=actor, key=key, value=value)
