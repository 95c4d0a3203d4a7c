"""Checks: listings given quietly to a second reviewer, without a suggestion, or with a wrong one.

A check is drawn when listings are given out, and is kept as a row before anybody sees it. What a
reviewer makes of a second look or of a wrong suggestion is an answer of its own: the listing, which
somebody else has decided, stays as it is, and may be published meanwhile.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import ConflictError, InvalidInputError, NotFoundError, StaleError
from core.flags import CATEGORY_FLAGS
from core.people import CHECK_KINDS
from core.people.checks import choose_wrong, is_drawn, mingle, shuffled
from core.services.database import LOCAL_USER
from core.services.leases import OPEN_STATES
from core.services.suggestions import by_category
from db.engine import reading, transaction
from db.queries import checks as queries
from db.queries import review as review_queries
from db.queries.checks import DECIDING, Decided, HandedOut
from db.queries.queue import QueueFilter
from db.queries.upsert import insert_missing
from db.rows import CheckAnswerRow, CheckRow, CheckSharesRow, ListingRow, ModelVersionRow
from db.states import CheckKind, DecisionKind, ListingState

MAX_SHARE = 0.2
MAX_WAITING = 4  # checks that a reviewer has before them at once
TRIES = 5  # listings that are looked at for a suggestion that is surely wrong

Check = Mapping[str, Any]
"""What stands in a ``CheckRow``."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How many of the listings that are given out are checks, by kind: 0 to ``MAX_SHARE``."""

    second: float = CHECK_KINDS["second"].share
    hidden: float = CHECK_KINDS["hidden"].share
    planted: float = CHECK_KINDS["planted"].share

    @property
    def is_on(self) -> bool:
        return max(self.second, self.hidden, self.planted) > 0


OFF = Shares(0.0, 0.0, 0.0)


def get_shares(engine: sa.Engine, *, actor: Actor) -> Shares:
    """Return the shares that hold.

    Raises:
        ForbiddenError: The actor may not review.
    """
    require(actor, "review")
    with reading(engine) as session:
        return read_shares(session)


def set_shares(engine: sa.Engine, *, actor: Actor, shares: Shares) -> None:
    """Set the shares from now on; all 0 is off.

    Raises:
        ForbiddenError: The actor may not set thresholds.
        InvalidInputError: A share is below 0 or above ``MAX_SHARE``.
    """
    require(actor, "tune")
    for field in fields(shares):
        share = getattr(shares, field.name)
        if not 0 <= share <= MAX_SHARE:
            raise InvalidInputError(
                f"{CHECK_KINDS[field.name].label}: {100 * share:g}% is not from 0 to "
                f"{100 * MAX_SHARE:g}%"
            )
    with transaction(engine) as session:
        session.add(
            CheckSharesRow(
                second=shares.second,
                hidden=shares.hidden,
                planted=shares.planted,
                user_id=actor.id,
            )
        )


def are_on_for(engine: sa.Engine, *, actor: Actor) -> bool:
    """Whether the actor may be given checks, which is to be said where they decide.

    Raises:
        ForbiddenError: The actor may not review.
    """
    return is_checked(actor) and get_shares(engine, actor=actor).is_on


def is_checked(actor: Actor) -> bool:
    """Whether there is anybody to compare with: without accounts there is one user alone."""
    return actor.name != LOCAL_USER


def _is_on_for(session: Session, actor: Actor) -> bool:
    return is_checked(actor) and read_shares(session).is_on


def read_shares(session: Session) -> Shares:
    row = queries.find_shares(session)
    return Shares() if row is None else Shares(row.second, row.hidden, row.planted)


# ---- giving out ----------------------------------------------------------------------


def give_out(
    session: Session,
    *,
    actor: Actor,
    listing_ids: Sequence[int],
    only: QueueFilter,
    by_flag: bool,
    is_start: bool,
) -> list[int]:
    """Return the listings that an actor is given, with the checks that go with them.

    Args:
        by_flag: The queue is one of flags: it has no checks.
        is_start: It is the beginning of a queue: checks that wait for an answer come again.
    """
    if not _is_on_for(session, actor):
        return list(listing_ids)
    if by_flag:
        return list(listing_ids)
    queries.lock_reviewer(session, user_id=actor.id)  # their other requests draw after this one
    shares = read_shares(session)
    _hide(session, actor, [id_ for id_ in listing_ids if is_drawn("hidden", id_, shares.hidden)])
    if only.state != ListingState.NEEDS_REVIEW:
        return list(listing_ids)
    waiting = queries.list_waiting(session, user_id=actor.id, only=only, limit=MAX_WAITING)
    given = [check.listing_id for check in waiting] if is_start else []
    busy = {check.kind for check in waiting}
    for kind, draw in (("second", _draw_second), ("planted", _draw_planted)):
        share = getattr(shares, kind)
        drawn = next((id_ for id_ in listing_ids if is_drawn(kind, id_, share)), None)
        check = None
        if drawn is not None and kind not in busy:
            check = draw(session, actor, only, drawn)
        if check is not None and _insert(session, [check]):
            given.append(check["listing_id"])
    return mingle(listing_ids, given)


def _hide(session: Session, actor: Actor, listing_ids: Collection[int]) -> None:
    """Leave the suggestion out of these from now on, for this reviewer."""
    if not listing_ids:
        return
    suggested = queries.list_suggested(session, listing_ids=listing_ids)
    values = [
        {
            "listing_id": listing_id,
            "user_id": actor.id,
            "kind": CheckKind.HIDDEN,
            "category_id": category_id,
        }
        for listing_id, category_id in suggested.items()
    ]
    _insert(session, values)


def _insert(session: Session, checks: Sequence[Check]) -> int:
    return insert_missing(session, CheckRow, checks, conflict=["listing_id", "user_id", "kind"])


def _draw_second(session: Session, actor: Actor, only: QueueFilter, by: int) -> Check | None:
    found = queries.list_decided(session, user_id=actor.id, only=only, kinds=DECIDING)
    for decided in _in_turn(found, by=by):
        if queries.lock_unchecked(session, decided=decided):
            return _check(CheckKind.SECOND, actor, decided, decided.suggested_category_id)
    return None


def _draw_planted(session: Session, actor: Actor, only: QueueFilter, by: int) -> Check | None:
    """Plant a wrong suggestion on what somebody else accepted as the models suggested."""
    if only.category_id is not None:
        return None  # the wrong category would not be of this queue
    found = queries.list_decided(
        session,
        user_id=actor.id,
        only=only,
        kinds=[DecisionKind.ACCEPT],
        without_flags=CATEGORY_FLAGS,  # their reasons name the right category
    )
    for decided in _in_turn(found, by=by)[:TRIES]:
        wrong = _find_wrong(session, decided)
        if wrong is not None and queries.lock_unchecked(session, decided=decided):
            return _check(CheckKind.PLANTED, actor, decided, wrong)
    return None


def _in_turn(found: Iterable[Decided], *, by: int) -> list[Decided]:
    by_listing = {decided.listing_id: decided for decided in found}
    return [by_listing[id_] for id_ in shuffled(by_listing, by=by)]


def _check(kind: CheckKind, actor: Actor, decided: Decided, category_id: int | None) -> Check:
    return {
        "listing_id": decided.listing_id,
        "user_id": actor.id,
        "kind": kind,
        "decision_id": decided.decision_id,
        "category_id": category_id,
    }


def _find_wrong(session: Session, decided: Decided) -> int | None:
    """Return a category that models and reviewer together say the listing is not of."""
    photos = review_queries.list_photos(session, listing_ids=[decided.listing_id])[:1]
    said = review_queries.list_latest_predictions(
        session, listing_image_ids=[photo.id for photo, _ in photos]
    )
    tops = [by_category(prediction.top) for prediction, _ in said]
    listed = {category_id for top in tops for category_id in top}
    listing = session.get_one(ListingRow, decided.listing_id)
    right = {decided.suggested_category_id, listing.claimed_category_id}
    never = {id_ for id_ in right if id_ is not None}
    paths = review_queries.map_category_paths(session, ids=listed | never)
    # A model draws no Grad-CAM of a category that it does not know, which would tell.
    known = [session.get_one(ModelVersionRow, row.model_version_id).labels for row, _ in said]
    listed = {id_ for id_ in listed if all(paths[id_] in labels for labels in known)}
    means = {id_: sum(top.get(id_, 0.0) for top in tops) / len(tops) for id_ in listed}
    same_branch = {id_ for id_ in listed for its in never if _is_within(paths[id_], paths[its])}
    return choose_wrong(means, never=never | same_branch)


def _is_within(one: str, other: str) -> bool:
    """Whether one path lies on the branch of the other, either way round."""
    return f"{one} > ".startswith(f"{other} > ") or f"{other} > ".startswith(f"{one} > ")


# ---- what a reviewer has before them ---------------------------------------------------


def list_shown(
    session: Session, *, actor: Actor, listings: Iterable[tuple[int, ListingState]]
) -> dict[int, CheckRow]:
    """Return by listing the check that it is for the actor now; none where checks are off."""
    if not _is_on_for(session, actor):
        return {}
    states = dict(listings)
    found = queries.list_handed_out(session, user_id=actor.id, listing_ids=states)
    return {
        check.listing_id: check
        for check, is_answered in found
        if not is_answered
        and (check.kind == CheckKind.HIDDEN) == (states[check.listing_id] in OPEN_STATES)
    }


# ---- answers -----------------------------------------------------------------------------


def keep_answer(
    session: Session,
    *,
    actor: Actor,
    listing: ListingRow,
    handed: Sequence[HandedOut],
    key: str,
    kind: DecisionKind,
    category_id: int | None,
    active_ms: int,
) -> CheckAnswerRow | None:
    """Keep what the actor says of a listing that is a check; None where it is none.

    The same key again answers the same.

    Args:
        handed: What checks of the actor the listing is or was.

    Raises:
        ConflictError: The key was used for something else.
        NotFoundError: No such category.
        StaleError: The actor has answered already, or the suggestion is another.
    """
    kept = queries.find_answer(session, key=key)
    if kept is not None:
        answer, check = kept
        same = (check.listing_id, check.user_id, answer.kind, answer.category_id)
        if same != (listing.id, actor.id, _kind_of(check, kind, category_id), category_id):
            raise ConflictError(f"the key {key!r} belongs to another decision; draw a new one")
        return answer
    mine = next((each for each in handed if each.check.kind != CheckKind.HIDDEN), None)
    if mine is None:
        return None
    if mine.is_answered:
        raise StaleError(f"you decided {listing.sku!r} already; look at it again")
    _require_choice(session, listing, mine.check, kind, category_id)
    answer = CheckAnswerRow(
        check_id=mine.check.id,
        key=key,
        kind=_kind_of(mine.check, kind, category_id),
        category_id=category_id,
        active_ms=active_ms,
    )
    session.add(answer)
    session.flush()
    return answer


def take_back(
    session: Session, *, actor: Actor, key: str, answer_key: str
) -> tuple[CheckAnswerRow, ListingRow]:
    """Take an answer back by a new row, so that the check waits again.

    Raises:
        ConflictError: It is an undoing itself, or was undone already.
        NotFoundError: The actor gave no answer of this key.
        StaleError: Two disagreed, and a manager has settled it.
    """
    found = queries.find_answer(session, key=answer_key)
    if found is None or found[1].user_id != actor.id:
        raise NotFoundError(f"no decision {answer_key!r}; it may not have been sent yet")
    answer, check = found
    listing = review_queries.find_listing_for_update(session, listing_id=check.listing_id)
    if listing is None:
        raise NotFoundError(f"no listing {check.listing_id}")
    again = queries.find_answer(session, key=key)
    if again is not None and again[0].undoes_id == answer.id:
        return again[0], listing
    if again is not None:
        raise ConflictError(f"the key {key!r} belongs to another decision; draw a new one")
    if answer.kind == DecisionKind.UNDO:
        raise ConflictError("an undoing cannot be undone; decide the listing again instead")
    if queries.is_undone(session, answer_id=answer.id):
        raise ConflictError(f"the decision on {listing.sku!r} was undone already")
    verdict = queries.find_verdict(session, check_id=check.id)
    if verdict is not None and verdict[0].kept is not None:
        raise StaleError(f"{verdict[1]} has settled {listing.sku!r} since")
    undoing = CheckAnswerRow(
        check_id=check.id, key=key, kind=DecisionKind.UNDO, undoes_id=answer.id
    )
    session.add(undoing)
    session.flush()
    return undoing, listing


def list_handed(session: Session, *, actor: Actor, listing: ListingRow) -> Sequence[HandedOut]:
    """Return what checks of the actor a listing is or was."""
    if not is_checked(actor):
        return ()
    return queries.list_handed_out(session, user_id=actor.id, listing_ids=[listing.id])


def is_hidden(session: Session, *, listing: ListingRow, handed: Sequence[HandedOut]) -> bool:
    """Whether it was shown without its suggestion to whom it was handed so."""
    kinds = {each.check.kind for each in handed}
    is_open = listing.state in OPEN_STATES
    return CheckKind.HIDDEN in kinds and is_open and read_shares(session).is_on


def _kind_of(check: CheckRow, kind: DecisionKind, category_id: int | None) -> DecisionKind:
    """Return what an answer is kept as: who takes the category that was shown accepts it."""
    is_shown = category_id is not None and category_id == check.category_id
    return DecisionKind.ACCEPT if is_shown else kind


def _require_choice(
    session: Session,
    listing: ListingRow,
    check: CheckRow,
    kind: DecisionKind,
    category_id: int | None,
) -> None:
    if category_id is not None and not review_queries.map_category_paths(
        session, ids=[category_id]
    ):
        raise NotFoundError(f"no category {category_id}")
    if kind == DecisionKind.ACCEPT and category_id != check.category_id:
        raise StaleError(f"the suggestion for {listing.sku!r} has changed; look at it again")
