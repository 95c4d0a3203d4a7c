"""A shop with two reviewers and listings that every model has looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

import sqlalchemy as sa

from core.actors import Actor
from core.services import decisions, queue
from core.services.decisions import DecisionOutcome, NewDecision
from core.services.queue import QueueFilter
from core.services.review import ReviewListing, get_listing
from db.engine import reading, transaction
from db.queries.categories import ensure_paths
from db.rows import (
    CheckSharesRow,
    DecisionRow,
    ListingRow,
    ModelVersionRow,
    PredictionRow,
    UserRow,
)
from db.states import DecisionKind, Role
from tests.services.flagged import BOWL, MUG, add_batch, add_flagged
from tests.services.queues import add_reviewer

LAMP = "Home > Lamp"
SAYS = {MUG: 0.8, BOWL: 0.15, LAMP: 0.05}


@dataclass(frozen=True, slots=True)
class Shop:
    """rita decides first, omar is checked, mona manages; every listing is a mug by suggestion."""

    engine: sa.Engine
    rita: Actor
    omar: Actor
    mona: Actor
    listing_ids: Sequence[int]
    categories: dict[str, int]

    def set_shares(self, *, second: float = 0.0, hidden: float = 0.0, planted: float = 0.0) -> None:
        """Set any shares, those too that no manager may."""
        with transaction(self.engine) as session:
            session.add(CheckSharesRow(second=second, hidden=hidden, planted=planted))

    def take(self, actor: Actor, limit: int = 2, **only: object) -> tuple[ReviewListing, ...]:
        view = QueueFilter(**only)  # type: ignore[arg-type]
        return queue.take_next(
            self.engine, actor=actor, only=view, policy="oldest", limit=limit
        ).listings

    def get(self, actor: Actor, listing_id: int) -> ReviewListing:
        return get_listing(self.engine, actor=actor, listing_id=listing_id)

    def decide(
        self, actor: Actor, listing_id: int, path: str | None, *, key: str | None = None
    ) -> DecisionOutcome:
        """Take a category, or none to reject, as the actor's screen would send it."""
        seen = self.get(actor, listing_id)
        category_id = None if path is None else self.categories[path]
        kind = DecisionKind.REJECT if path is None else DecisionKind.CORRECT
        if seen.suggested is not None and seen.suggested.id == category_id:
            kind = DecisionKind.ACCEPT
        new = NewDecision(
            key=key or str(uuid4()),
            listing_id=listing_id,
            listing_version=seen.version,
            kind=kind,
            category_id=category_id,
            active_ms=1000,
            shown={"suggestions": [], "model_versions": [], "flags": []},
        )
        return decisions.decide(self.engine, actor=actor, new=new)

    def undo(self, actor: Actor, decision_key: str) -> DecisionOutcome:
        return decisions.undo(self.engine, actor=actor, key=str(uuid4()), decision_key=decision_key)

    def stored(self, listing_id: int) -> ListingRow:
        with reading(self.engine) as session:
            row = session.get_one(ListingRow, listing_id)
            session.expunge(row)
            return row

    def count_decisions(self) -> int:
        with reading(self.engine) as session:
            return session.scalar(sa.select(sa.func.count()).select_from(DecisionRow)) or 0

    def give_to_omar(self, **shares: float) -> int:
        """Let rita accept the first listing, and omar be given it as a check; return its id."""
        listing_id = self.listing_ids[0]
        self.decide(self.rita, listing_id, MUG)
        self.set_shares(**shares)
        assert listing_id in ids(self.take(self.omar))
        return listing_id

    def second_look(self, path: str | None, answer: str | None) -> int:
        """Let rita decide and omar, who is given the same listing, answer; return its id."""
        self.set_shares(second=1.0)
        before = {listing.id for listing in self.take(self.rita, 1)}
        (listing_id,) = before
        self.decide(self.rita, listing_id, path)
        assert listing_id in {listing.id for listing in self.take(self.omar)}
        self.decide(self.omar, listing_id, answer)
        return listing_id


def ids(listings: tuple[ReviewListing, ...]) -> list[int]:
    return [listing.id for listing in listings]


def add_shop(engine: sa.Engine, actor: Actor, count: int = 6) -> Shop:
    rita, omar = (add_reviewer(engine, name) for name in ("rita", "omar"))
    batch_id = add_batch(engine, actor)
    flagged = [add_flagged(engine, batch_id, f"M-{number}", []) for number in range(count)]
    with transaction(engine) as session:
        manager = UserRow(name="mona", role=Role.MANAGER)
        version = ModelVersionRow(
            arch="vit", digest="v" * 64, file_name="v", file_bytes=1, parameters=1,
            labels=list(SAYS), metrics={},
        )  # fmt: skip
        session.add_all([manager, version])
        session.flush()
        categories = dict(ensure_paths(session, list(SAYS)))
        top = [{"category_id": categories[path], "probability": p} for path, p in SAYS.items()]
        session.add_all(
            PredictionRow(
                listing_image_id=each.photo_id,
                model_version_id=version.id,
                category_id=categories[MUG],
                probability=SAYS[MUG],
                top=top,
            )
            for each in flagged
        )
        mona = Actor(manager.id, manager.name, manager.role)
    return Shop(engine, rita, omar, mona, [each.listing_id for each in flagged], categories)
