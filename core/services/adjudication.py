"""Where two reviewers said different things of a listing, a manager settles it.

Keeping the second's word takes the first's decision back and decides anew, in the manager's name;
what is published stays as it is, and the word is kept all the same.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.services import decisions
from core.services.review import Category
from db.engine import reading, transaction
from db.queries import checks as queries
from db.queries import review as review_queries
from db.queries.checks import Opinion
from db.rows import CheckVerdictRow, ListingRow
from db.states import CheckSide, ListingState

MAX_LISTED = 50


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody said of a listing; without a category it was rejected."""

    by: str
    category: Category | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A listing of which two said different things.

    Attributes:
        sha256: Of the main photo; None where there is none.
        first: Who decided it; ``second`` was given it as if nobody had.
        kept: Whose word a manager kept, and who did; None while it is open.
    """

    check_id: int
    listing_id: int
    title: str
    batch_name: str
    sha256: str | None
    is_published: bool
    first: Word
    second: Word
    kept: str | None
    settled_by: str | None

    @property
    def kept_word(self) -> Word | None:
        words = {CheckSide.FIRST.value: self.first, CheckSide.SECOND.value: self.second}
        return None if self.kept is None else words[self.kept]


def list_disagreements(
    engine: sa.Engine, *, actor: Actor, settled: bool = False, limit: int = MAX_LISTED
) -> tuple[Disagreement, ...]:
    """Return what is to be settled, or what was settled, the latest first.

    Raises:
        ForbiddenError: The actor may not adjudicate.
    """
    require(actor, "adjudicate")
    with reading(engine) as session:
        found = queries.list_disagreements(session, settled=settled, limit=limit)
        ids = [opinion.check.listing_id for opinion, _, _ in found]
        listings = {
            row.id: (row, batch.name)
            for row, batch in review_queries.list_listings(session, ids=ids)
        }
        photos = {
            photo.listing_id: image.sha256
            for photo, image in review_queries.list_photos(session, listing_ids=ids)
            if photo.position == 0
        }
        paths = _paths(session, [opinion for opinion, _, _ in found])
    return tuple(
        _disagreement(opinion, verdict, by, listings[opinion.check.listing_id], photos, paths)
        for opinion, verdict, by in found
    )


def settle(engine: sa.Engine, *, actor: Actor, check_id: int, keep: str) -> None:
    """Keep the word of one of the two; the listing is decided so. The same again changes nothing.

    Args:
        keep: ``first`` or ``second``.

    Raises:
        ConflictError: Somebody has settled it otherwise.
        ForbiddenError: The actor may not adjudicate.
        InvalidInputError: There is no such side.
        NotFoundError: No two disagree on this check.
        StaleError: The listing has been taken back into the queue, or decided anew, since.
    """
    require(actor, "adjudicate")
    if keep not in set(CheckSide):
        raise InvalidInputError(f"no side {keep!r}; there are {', '.join(CheckSide)}")
    with transaction(engine) as session:
        opinion, listing = _lock(session, check_id)
        last = queries.find_verdict(session, check_id=check_id)
        if last is not None and last[0].kept is not None:
            if last[0].kept == keep:
                return
            raise ConflictError(f"{last[1]} has settled {listing.sku!r} otherwise; take that back")
        _bring_to(session, actor, opinion, listing, keep)
        session.add(CheckVerdictRow(check_id=check_id, kept=keep, user_id=actor.id))


def take_back(engine: sa.Engine, *, actor: Actor, check_id: int) -> None:
    """Open it again; the listing stands as the first had decided it. Again changes nothing.

    Raises:
        ForbiddenError: The actor may not adjudicate.
        NotFoundError: No two disagree on this check.
        StaleError: The listing has been taken back into the queue, or decided anew, since.
    """
    require(actor, "adjudicate")
    with transaction(engine) as session:
        opinion, listing = _lock(session, check_id)
        last = queries.find_verdict(session, check_id=check_id)
        if last is None or last[0].kept is None:
            return
        _bring_to(session, actor, opinion, listing, CheckSide.FIRST)
        session.add(CheckVerdictRow(check_id=check_id, kept=None, user_id=actor.id))


def _lock(session: Session, check_id: int) -> tuple[Opinion, ListingRow]:
    opinion = queries.find_disagreement(session, check_id=check_id)
    if opinion is not None:
        listing = review_queries.find_listing_for_update(
            session, listing_id=opinion.check.listing_id
        )
        # Somebody may have been quicker, and waited for here.
        opinion = queries.find_disagreement(session, check_id=check_id)
        if listing is not None and opinion is not None:
            return opinion, listing
    raise NotFoundError(f"no two disagree on check {check_id} any more; reload the page")


def _bring_to(
    session: Session, actor: Actor, opinion: Opinion, listing: ListingRow, keep: str
) -> None:
    if listing.state == ListingState.PUBLISHED:
        return
    said = opinion.decision if keep == CheckSide.FIRST else opinion.answer
    decisions.replace_standing(
        session,
        actor=actor,
        listing_id=listing.id,
        category_id=said.category_id,
        first_id=opinion.decision.id,
        check_id=opinion.check.id,
    )


def _paths(session: Session, opinions: list[Opinion]) -> dict[int, str]:
    said = [(each.decision.category_id, each.answer.category_id) for each in opinions]
    ids = {id_ for both in said for id_ in both if id_ is not None}
    return review_queries.map_category_paths(session, ids=ids)


def _disagreement(
    opinion: Opinion,
    verdict: CheckVerdictRow | None,
    settled_by: str | None,
    found: tuple[ListingRow, str],
    photos: dict[int, str],
    paths: dict[int, str],
) -> Disagreement:
    def category(id_: int | None) -> Category | None:
        return None if id_ is None else Category(id_, paths[id_])

    listing, batch_name = found
    decision, answer = opinion.decision, opinion.answer
    kept = None if verdict is None else verdict.kept
    return Disagreement(
        check_id=opinion.check.id,
        listing_id=listing.id,
        title=listing.title or listing.sku,
        batch_name=batch_name,
        sha256=photos.get(listing.id),
        is_published=listing.state == ListingState.PUBLISHED,
        first=Word(opinion.first_name, category(decision.category_id), decision.created_at),
        second=Word(opinion.second_name, category(answer.category_id), answer.created_at),
        kept=kept,
        settled_by=settled_by if kept else None,
    )
