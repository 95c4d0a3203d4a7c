"""Groups of duplicates, and settling them."""

import io

import numpy as np
import pytest
import sqlalchemy as sa
from PIL import Image
from sqlalchemy import select

from core.actors import Actor
from core.errors import ForbiddenError, NotFoundError
from core.services import decisions, differences, duplicates
from core.services.decisions import NewDecision
from core.services.duplicates import DuplicateGroup
from core.settings import Settings
from db.engine import reading
from db.rows import DecisionRow, FlagRow, ListingRow, MatchRow
from db.states import DecisionKind, ListingState
from tests.services.copied import add_shown, as_file, compare_all
from tests.services.flagged import add_batch
from tests.similarity.conftest import HEIGHT_PX, WIDTH_PX, draw_photo

PHOTO, OTHER = draw_photo(1), draw_photo(2)


@pytest.fixture
def batch_id(any_engine: sa.Engine, actor: Actor) -> int:
    return add_batch(any_engine, actor)


@pytest.fixture
def ids(any_engine: sa.Engine, any_settings: Settings, batch_id: int) -> dict[str, int]:
    """Three listings with one picture, two with another, in files of their own."""
    marked = PHOTO.copy()
    marked[100:130, 50:150] = 255
    files = {
        "small": as_file(PHOTO[::2, ::2]),
        "large": as_file(PHOTO),
        "marked": as_file(marked, quality=60),
        "other": as_file(OTHER),
        "again": as_file(OTHER, quality=50),
        "alone": as_file(draw_photo(3)),
    }
    found = add_shown(any_engine, any_settings, batch_id, files)
    compare_all(any_engine, any_settings)
    return found


def groups(engine: sa.Engine, actor: Actor) -> tuple[DuplicateGroup, ...]:
    return duplicates.list_groups(engine, actor=actor).groups


def skus(group: DuplicateGroup) -> list[str]:
    return [each.sku for each in group.listings]


def states(engine: sa.Engine, ids: dict[str, int], *names: str) -> list[str]:
    with reading(engine) as session:
        return [session.get_one(ListingRow, ids[name]).state for name in names]


def flagged(engine: sa.Engine) -> set[int]:
    with reading(engine) as session:
        kind = FlagRow.kind == "near_duplicate"
        return set(session.scalars(select(FlagRow.listing_id).where(kind)))


def test_the_largest_group_comes_first_and_in_it_the_best(any_engine, actor, ids):
    found = duplicates.list_groups(any_engine, actor=actor)
    assert [skus(group) for group in found.groups] == [
        ["large", "marked", "small"],
        ["other", "again"],
    ]
    assert (found.total, found.compared, found.waiting) == (2, 6, 0)
    assert [group.why for group in found.groups] == ["the least compressed file"] * 2
    assert {pair.label for pair in found.groups[0].pairs} == {"The same picture"}
    scores = [pair.score for pair in found.groups[0].pairs]
    assert scores == sorted(scores, reverse=True)


def test_a_group_is_found_by_any_of_its_images_also_when_it_has_grown(
    any_engine, any_settings, actor, batch_id, ids
):
    largest = groups(any_engine, actor)[0]
    add_shown(any_engine, any_settings, batch_id, {"new": as_file(PHOTO, quality=35)})
    compare_all(any_engine, any_settings)
    (found,) = duplicates.list_groups(any_engine, actor=actor, group_id=largest.id).groups
    assert "new" in skus(found)
    assert duplicates.list_groups(any_engine, actor=actor, group_id=10**9).groups == ()


def test_keeping_one_rejects_the_others_by_decisions_that_can_be_taken_back(any_engine, actor, ids):
    group = groups(any_engine, actor)[0]
    settled = duplicates.keep_one(any_engine, actor=actor, group=group, listing_id=ids["marked"])
    assert (len(settled.rejected), settled.refused) == (2, ())
    assert states(any_engine, ids, "small", "large", "marked") == [
        ListingState.REJECTED,
        ListingState.REJECTED,
        ListingState.NEEDS_REVIEW,
    ]
    assert len(groups(any_engine, actor)) == 1
    assert ids["marked"] not in flagged(any_engine)
    with reading(any_engine) as session:
        assert set(session.scalars(select(DecisionRow.kind))) == {DecisionKind.REJECT}

    assert duplicates.take_back(any_engine, actor=actor, settled=settled) == ()
    assert states(any_engine, ids, "small", "large") == [ListingState.NEEDS_REVIEW] * 2
    assert len(groups(any_engine, actor)) == 2


def test_what_somebody_decided_meanwhile_is_left_and_named(any_engine, actor, ids):
    group = groups(any_engine, actor)[1]
    new = NewDecision("k" * 36, ids["again"], group.listings[1].version, DecisionKind.REJECT)
    decisions.decide(any_engine, actor=actor, new=new)
    settled = duplicates.keep_one(any_engine, actor=actor, group=group, listing_id=ids["other"])
    assert settled.rejected == ()
    assert "'again' first: reject" in settled.refused[0]


def test_what_is_no_duplicate_is_never_asked_about_again(any_engine, any_settings, actor, ids):
    group = groups(any_engine, actor)[0]
    settled = duplicates.dismiss(any_engine, actor=actor, match_ids=group.match_ids)
    assert [skus(each) for each in groups(any_engine, actor)] == [["other", "again"]]
    assert flagged(any_engine) == {ids["other"], ids["again"]}
    with reading(any_engine) as session:
        kept = session.scalars(select(MatchRow).where(MatchRow.id.in_(group.match_ids))).all()
        assert {(each.state, each.settled_by) for each in kept} == {("not_duplicate", actor.id)}
    with sa.orm.Session(any_engine) as session, session.begin():  # the worker looks once more
        session.execute(sa.text("UPDATE fingerprints SET compared_at = NULL"))
    compare_all(any_engine, any_settings)
    assert len(groups(any_engine, actor)) == 1

    duplicates.take_back(any_engine, actor=actor, settled=settled)
    assert len(groups(any_engine, actor)) == 2
    assert {ids["small"], ids["large"], ids["marked"]} <= flagged(any_engine)


def test_listings_with_the_same_file_are_a_group_without_any_pair_to_show(
    any_engine, any_settings, actor, batch_id
):
    data = as_file(OTHER)
    add_shown(any_engine, any_settings, batch_id, {"a": data, "b": data})
    (group,) = groups(any_engine, actor)
    assert (skus(group), group.pairs) == (["a", "b"], ())
    duplicates.dismiss(any_engine, actor=actor, match_ids=group.match_ids)
    assert groups(any_engine, actor) == ()


def test_a_listing_that_stands_already_is_the_best(any_engine, actor, ids):
    with sa.orm.Session(any_engine) as session, session.begin():
        session.get_one(ListingRow, ids["small"]).state = ListingState.ACCEPTED
    (best, *_) = groups(any_engine, actor)
    assert skus(best) == ["small", "large", "marked"]
    assert best.why == "it stands already"


def test_the_difference_picture_is_red_where_something_was_written(
    any_engine, any_settings, actor, ids
):
    with reading(any_engine) as session:
        matches = session.scalars(select(MatchRow).order_by(MatchRow.id)).all()
        files = {
            row.image_id: row.listing_id
            for row in session.execute(sa.text("SELECT image_id, listing_id FROM listing_images"))
        }
    wanted = {ids["large"], ids["marked"]}
    (match,) = [m for m in matches if {files[m.first_image_id], files[m.second_image_id]} == wanted]
    data = differences.draw_difference(any_engine, any_settings, actor=actor, match_id=match.id)
    shown = np.asarray(Image.open(io.BytesIO(data))).astype(int)
    redness = shown[..., 0] - shown[..., 1]
    scale = shown.shape[1] / WIDTH_PX
    assert shown.shape[0] == round(HEIGHT_PX * scale)
    top, bottom, left, right = (round(each * scale) for each in (105, 125, 60, 140))
    assert redness[top:bottom, left:right].mean() > 60
    assert redness[round(160 * scale) :].mean() < 8


def test_only_reviewers_settle(any_engine, any_settings, actor, ids):
    staff = Actor(actor.id, "stan", "staff")
    group = groups(any_engine, actor)[0]
    with pytest.raises(ForbiddenError):
        duplicates.list_groups(any_engine, actor=staff)
    with pytest.raises(ForbiddenError):
        duplicates.dismiss(any_engine, actor=staff, match_ids=group.match_ids)
    with pytest.raises(ForbiddenError):
        duplicates.keep_one(any_engine, actor=staff, group=group, listing_id=ids["large"])
    with pytest.raises(ForbiddenError):
        differences.draw_difference(any_engine, any_settings, actor=staff, match_id=1)
    with pytest.raises(NotFoundError):
        duplicates.keep_one(any_engine, actor=actor, group=group, listing_id=ids["alone"])
