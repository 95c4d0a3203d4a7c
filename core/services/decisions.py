"""Decisions: one append-only row for each act of a reviewer, and the listing moved with it.

The client draws a decision's key, so one that is sent twice is kept once. It also names
the version of the listing that it was made on, so one that comes too late is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import ConflictError, InvalidInputError, NotFoundError, StaleError
from core.flags import CATEGORY_FLAGS
from core.services import checks, leases, ledger, merged_photos, priorities
from db.engine import transaction
from db.queries import review as queries
from db.queries.checks import HandedOut
from db.rows import CheckAnswerRow, DecisionRow, ListingRow
from db.states import CheckKind, DecisionKind, FlagState, ListingState

# Where a decision of a kind leads. A skip leaves the listing where it is.
DECIDED_STATES: Mapping[DecisionKind, ListingState] = {
    DecisionKind.ACCEPT: ListingState.ACCEPTED,
    DecisionKind.CORRECT: ListingState.CORRECTED,
    DecisionKind.REJECT: ListingState.REJECTED,
}
OPEN_STATES = (ListingState.NEEDS_REVIEW, ListingState.AUTO_ACCEPTED)


@dataclass(frozen=True, slots=True)
class NewDecision:
    """What a reviewer did.

    Attributes:
        key: UUID drawn by the client.
        listing_version: Version of the listing that the reviewer saw.
        category_id: For accept the suggested category, for correct another one.
        active_ms: Time the reviewer looked at the listing, idle time left out.
        shown: What the reviewer saw: suggestions, model versions, flags.
    """

    key: str
    listing_id: int
    listing_version: int
    kind: DecisionKind
    category_id: int | None = None
    active_ms: int = 0
    shown: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DecisionOutcome:
    """A decision that is kept, and where its listing stands now."""

    key: str
    kind: DecisionKind
    listing_id: int
    category_id: int | None
    listing_state: ListingState
    listing_version: int
    at: datetime


def decide(
    engine: sa.Engine, *, actor: Actor, new: NewDecision, in_review: bool = True
) -> DecisionOutcome:
    """Keep one decision; the same one again changes nothing and answers the same.

    Where the listing is a check that the actor was given, it is an answer and no decision.

    Args:
        in_review: The listing was on the review screen, where it may be a check; elsewhere it is
            seen as it stands, and what is decided stays so.

    Raises:
        ConflictError: The key was used for something else.
        ForbiddenError: The actor may not review.
        InvalidInputError: The kind does not go with the category.
        NotFoundError: No such listing or category.
        LeasedError: Somebody else has the listing before them.
        StaleError: The listing changed since the reviewer saw it.
    """
    require(actor, "review")
    with transaction(engine) as session:
        return decide_within(session, actor=actor, new=new, in_review=in_review)


def decide_within(
    session: Session, *, actor: Actor, new: NewDecision, in_review: bool
) -> DecisionOutcome:
    """Do what ``decide`` does, in the caller's transaction; the caller checked the permission."""
    _check(new)
    listing = _lock_listing(session, new.listing_id)
    kept = queries.find_decision(session, key=new.key)
    if kept is None:
        handed = checks.list_handed(session, actor=actor, listing=listing) if in_review else ()
        answer = _answer(session, listing, new, actor, handed)
        if answer is not None:
            return _answered(answer, listing, new)
        _require_current(session, listing, new)
        leases.require_free(session, actor=actor, listing=listing)
        is_hidden = checks.is_hidden(session, listing=listing, handed=handed)
        kept = _keep(session, listing, new, actor, is_hidden=is_hidden)
    _require_same(kept, actor=actor, listing_id=listing.id, undoes_id=None)
    _require_same_choice(kept, new)
    return _outcome(kept, listing)


def undo(engine: sa.Engine, *, actor: Actor, key: str, decision_key: str) -> DecisionOutcome:
    """Take a decision back by a new one; the listing returns to the queue.

    Args:
        key: UUID of the undoing, drawn by the client.
        decision_key: Key of the decision to take back.

    Raises:
        ConflictError: It is an undoing itself, or was undone already.
        ForbiddenError: The actor may not review.
        NotFoundError: No decision has this key.
        StaleError: The listing was decided anew or published since.
    """
    require(actor, "review")
    with transaction(engine) as session:
        undone = queries.find_decision(session, key=decision_key)
        if undone is None:
            return _undo_answer(session, actor, key=key, answer_key=decision_key)
        listing = _lock_listing(session, undone.listing_id)
        kept = queries.find_decision(session, key=key)
        if kept is None:
            _require_undoable(session, listing, undone)
            kept = _keep_undoing(session, listing, undone, key=key, actor=actor)
        _require_same(kept, actor=actor, listing_id=listing.id, undoes_id=undone.id)
        return _outcome(kept, listing)


def replace_standing(
    session: Session,
    *,
    actor: Actor,
    listing_id: int,
    category_id: int | None,
    first_id: int,
    check_id: int,
) -> None:
    """Take back what a listing stands on and decide it anew, unless it says the same already.

    Args:
        category_id: None rejects the listing.
        first_id: The decision that the check is on.
        check_id: The check whose two answers this settles.

    Raises:
        StaleError: The listing was published, is undecided, or somebody decided it since.
    """
    listing = _lock_listing(session, listing_id)
    made = [row for row, _ in queries.list_decisions(session, listing_ids=[listing_id])]
    undone = {row.undoes_id for row in made}
    standing = [row for row in made if row.kind in DECIDED_STATES and row.id not in undone]
    if not standing:
        raise StaleError(_what_happened(session, listing))
    last = standing[-1]
    if last.category_id == category_id:
        return
    if last.id != first_id and last.shown.get("settles") != check_id:
        raise StaleError(_what_happened(session, listing))
    _require_undoable(session, listing, last)
    _keep_undoing(session, listing, last, key=str(uuid4()), actor=actor)
    new = NewDecision(
        key=str(uuid4()),
        listing_id=listing_id,
        listing_version=listing.version,
        kind=DecisionKind.REJECT if category_id is None else DecisionKind.CORRECT,
        category_id=category_id,
        shown={"suggestions": [], "model_versions": [], "flags": [], "settles": check_id},
    )
    _keep(session, listing, new, actor, is_hidden=False)


def _check(new: NewDecision) -> None:
    if new.kind == DecisionKind.UNDO:
        raise InvalidInputError("undo names a decision, not a listing")
    needs_category = new.kind in (DecisionKind.ACCEPT, DecisionKind.CORRECT)
    if needs_category != (new.category_id is not None):
        rule = "needs a" if needs_category else "takes no"
        raise InvalidInputError(f"{new.kind} {rule} category, got {new.category_id!r}")


def _lock_listing(session: Session, listing_id: int) -> ListingRow:
    listing = queries.find_listing_for_update(session, listing_id=listing_id)
    if listing is None:
        raise NotFoundError(f"no listing {listing_id}")
    return listing


def _require_current(session: Session, listing: ListingRow, new: NewDecision) -> None:
    if new.category_id is not None and not queries.map_category_paths(
        session, ids=[new.category_id]
    ):
        raise NotFoundError(f"no category {new.category_id}")
    if listing.version != new.listing_version or listing.state not in OPEN_STATES:
        raise StaleError(_what_happened(session, listing))
    if new.kind == DecisionKind.ACCEPT and new.category_id != listing.suggested_category_id:
        raise StaleError(f"the suggestion for {listing.sku!r} has changed; look at it again")


def _kept_kind(listing: ListingRow, new: NewDecision) -> DecisionKind:
    """A correction to the suggested category is an acceptance."""
    if new.kind == DecisionKind.CORRECT and new.category_id == listing.suggested_category_id:
        return DecisionKind.ACCEPT
    return new.kind


def _keep(
    session: Session, listing: ListingRow, new: NewDecision, actor: Actor, *, is_hidden: bool
) -> DecisionRow:
    kind = _kept_kind(listing, new)
    row = DecisionRow(
        key=new.key,
        listing_id=listing.id,
        listing_version=listing.version,
        user_id=actor.id,
        kind=kind,
        category_id=new.category_id,
        shown=dict(new.shown) | ({"check": CheckKind.HIDDEN.value} if is_hidden else {}),
        active_ms=new.active_ms,
        effort=listing.effort if _is_timed(kind, new) else None,
    )
    ledger.append(session, row)
    if kind in DECIDED_STATES:
        _move(session, listing, DECIDED_STATES[kind], category_id=new.category_id)
    if new.category_id is not None:
        _turn_category_flags(session, listing, FlagState.OPEN, FlagState.CONFIRMED)
    leases.end(session, actor=actor, listing=listing)
    if kind in DECIDED_STATES:
        priorities.refresh(session, listing_ids=[listing.id])
    return row


def _is_timed(kind: DecisionKind, new: NewDecision) -> bool:
    """Whether it tells how long a listing takes: what is decided by the page does not."""
    alone = new.shown.get("view") != "page"
    return kind in DECIDED_STATES and new.active_ms > 0 and alone


def _keep_undoing(
    session: Session, listing: ListingRow, undone: DecisionRow, *, key: str, actor: Actor
) -> DecisionRow:
    row = DecisionRow(
        key=key,
        listing_id=listing.id,
        listing_version=listing.version,
        user_id=actor.id,
        kind=DecisionKind.UNDO,
        undoes_id=undone.id,
    )
    ledger.append(session, row)
    if undone.kind in DECIDED_STATES:
        _move(session, listing, ListingState.NEEDS_REVIEW, category_id=None)
        _turn_category_flags(session, listing, FlagState.CONFIRMED, FlagState.OPEN)
        merged_photos.give_back(session, decision_id=undone.id)
        priorities.refresh(session, listing_ids=[listing.id])
    leases.take(session, actor=actor, listing_ids=[listing.id])  # it is on screen again
    return row


def _turn_category_flags(
    session: Session, listing: ListingRow, from_state: FlagState, to_state: FlagState
) -> None:
    """Close, or open again, the flags that ask for what was decided; the others stay."""
    queries.move_flags(
        session,
        listing_id=listing.id,
        kinds=CATEGORY_FLAGS,
        from_state=from_state,
        to_state=to_state,
    )


def _move(
    session: Session, listing: ListingRow, state: ListingState, *, category_id: int | None
) -> None:
    session.flush()
    queries.move_listing(session, listing=listing, state=state, category_id=category_id)


def _require_undoable(session: Session, listing: ListingRow, undone: DecisionRow) -> None:
    if undone.kind == DecisionKind.UNDO:
        raise ConflictError("an undoing cannot be undone; decide the listing again instead")
    if queries.find_undoing(session, decision_id=undone.id) is not None:
        raise ConflictError(f"the decision on {listing.sku!r} was undone already")
    moved = undone.kind in DECIDED_STATES
    if listing.version != undone.listing_version + moved or listing.state == ListingState.PUBLISHED:
        raise StaleError(_what_happened(session, listing))


def _require_same(
    kept: DecisionRow, *, actor: Actor, listing_id: int, undoes_id: int | None
) -> None:
    """Refuse a key that stands for another decision."""
    if (kept.listing_id, kept.user_id, kept.undoes_id) != (listing_id, actor.id, undoes_id):
        raise ConflictError(f"the key {kept.key!r} belongs to another decision; draw a new one")


def _require_same_choice(kept: DecisionRow, new: NewDecision) -> None:
    """Refuse a key that comes back with another choice.

    A correction to what was suggested is kept as accepting it, so those two may differ.
    """
    same_kind = kept.kind == new.kind or {kept.kind, new.kind} <= {
        DecisionKind.ACCEPT,
        DecisionKind.CORRECT,
    }
    if not same_kind or kept.category_id != new.category_id:
        raise ConflictError(
            f"the key {kept.key!r} was sent before with the choice {kept.kind!r}; draw a new one"
        )


def _what_happened(session: Session, listing: ListingRow) -> str:
    """Say who decided what of a listing that changed under a reviewer."""
    decisions = queries.list_decisions(session, listing_ids=[listing.id])
    if not decisions:
        return f"{listing.sku!r} is {listing.state} now and cannot be decided; look at it again"
    last, name = decisions[-1]
    paths = queries.map_category_paths(session, ids=[last.category_id or 0])
    category = f" as {paths[last.category_id]!r}" if last.category_id in paths else ""
    return f"{name} decided {listing.sku!r} first: {last.kind}{category}"


def _answer(
    session: Session,
    listing: ListingRow,
    new: NewDecision,
    actor: Actor,
    handed: Sequence[HandedOut],
) -> CheckAnswerRow | None:
    return checks.keep_answer(
        session,
        actor=actor,
        listing=listing,
        handed=handed,
        key=new.key,
        kind=new.kind,
        category_id=new.category_id,
        active_ms=new.active_ms,
    )


def _answered(answer: CheckAnswerRow, listing: ListingRow, new: NewDecision) -> DecisionOutcome:
    """Return where the listing would stand if it were none but the actor's."""
    kind = DecisionKind(answer.kind)
    return DecisionOutcome(
        key=answer.key,
        kind=kind,
        listing_id=listing.id,
        category_id=answer.category_id,
        listing_state=DECIDED_STATES.get(kind, ListingState.NEEDS_REVIEW),
        listing_version=new.listing_version + (kind in DECIDED_STATES),
        at=answer.created_at,
    )


def _undo_answer(session: Session, actor: Actor, *, key: str, answer_key: str) -> DecisionOutcome:
    answer, listing = checks.take_back(session, actor=actor, key=key, answer_key=answer_key)
    return DecisionOutcome(
        key=answer.key,
        kind=DecisionKind.UNDO,
        listing_id=listing.id,
        category_id=None,
        listing_state=ListingState.NEEDS_REVIEW,
        listing_version=listing.version,
        at=answer.created_at,
    )


def _outcome(decision: DecisionRow, listing: ListingRow) -> DecisionOutcome:
    return DecisionOutcome(
        key=decision.key,
        kind=DecisionKind(decision.kind),
        listing_id=listing.id,
        category_id=decision.category_id,
        listing_state=ListingState(listing.state),
        listing_version=listing.version,
        at=decision.created_at,
    )
