"""Predictions against decisions, on SQLite and on Postgres."""

import uuid
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor
from core.errors import ForbiddenError
from core.services.evaluations import Narrowing
from core.services.live_accuracy import LiveAccuracy, list_live_accuracy
from db.engine import transaction
from db.queries.categories import ensure_paths
from db.rows import (
    BatchRow,
    DecisionRow,
    ImageRow,
    ListingImageRow,
    ListingRow,
    PredictionRow,
)
from db.states import DecisionKind, ListingState
from tests.services.evaluated import add_version

MUG, BOWL = "Home > Mugs", "Home > Bowls"
HOME, TEA_MUG, MILK = "Home", "Home > Mugs > Tea", "Milk"
SUNDAY = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
MONDAY = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
NEXT_SUNDAY = datetime(2026, 3, 8, 23, 59, tzinfo=UTC)


class Shop:
    """A batch of listings, each decided at some time, with what versions said of it."""

    def __init__(self, engine: sa.Engine, actor: Actor) -> None:
        self.engine, self.actor, self.count = engine, actor, 0
        with transaction(engine) as session:
            self.ids = ensure_paths(session, [MUG, BOWL, HOME, TEA_MUG, MILK])
            batch = BatchRow(name="spring", content_digest="d" * 64, created_by=actor.id)
            session.add(batch)
            session.flush()
            self.batch_id = batch.id

    def add(self, decided: str, at: datetime, said: dict[int, str], **options: bool) -> None:
        """Add a decided listing.

        Args:
            said: Predicted category by version id.
            options: ``undone`` takes the decision back, ``second_photo`` adds a photo that
                every version has wrong.
        """
        with transaction(self.engine) as session:
            listing = self._add_listing(session, decided, undone=options.get("undone", False))
            self._add_photo(session, listing, said, position=0)
            if options.get("second_photo"):
                self._add_photo(session, listing, dict.fromkeys(said, BOWL), position=1)
            first = self._decide(session, listing, at, DecisionKind.ACCEPT, decided)
            if options.get("undone"):
                self._decide(session, listing, at, DecisionKind.UNDO, None, undoes_id=first)

    def _add_listing(self, session: Session, decided: str, *, undone: bool) -> ListingRow:
        self.count += 1
        listing = ListingRow(
            batch_id=self.batch_id,
            sku=f"A-{self.count}",
            state=ListingState.NEEDS_REVIEW if undone else ListingState.ACCEPTED,
            decided_category_id=None if undone else self.ids[decided],
        )
        session.add(listing)
        session.flush()
        return listing

    def _add_photo(
        self, session: Session, listing: ListingRow, said: dict[int, str], *, position: int
    ) -> None:
        sha256 = f"{listing.id * 10 + position:064x}"
        image = ImageRow(sha256=sha256, size_bytes=1, width_px=1, height_px=1, format="JPEG")
        session.add(image)
        session.flush()
        photo = ListingImageRow(
            listing_id=listing.id, image_id=image.id, position=position, file_name="a.jpg"
        )
        session.add(photo)
        session.flush()
        for version_id, category in said.items():
            session.add(
                PredictionRow(
                    listing_image_id=photo.id,
                    model_version_id=version_id,
                    category_id=self.ids[category],
                    probability=0.9,
                    top=[],
                )
            )

    def _decide(
        self,
        session: Session,
        listing: ListingRow,
        at: datetime,
        kind: DecisionKind,
        category: str | None,
        *,
        undoes_id: int | None = None,
    ) -> int:
        decision = DecisionRow(
            key=str(uuid.uuid4()),
            listing_id=listing.id,
            listing_version=1,
            user_id=self.actor.id,
            kind=kind,
            category_id=self.ids[category] if category else None,
            undoes_id=undoes_id,
            created_at=at,
        )
        session.add(decision)
        session.flush()
        return decision.id


@pytest.fixture
def shop(any_engine: sa.Engine, actor: Actor) -> Shop:
    return Shop(any_engine, actor)


@pytest.fixture
def versions(any_engine: sa.Engine) -> tuple[int, int]:
    return add_version(any_engine, "resnet50"), add_version(any_engine, "vit")


def summary(found: tuple[LiveAccuracy, ...]) -> list[tuple[int, date, int, float]]:
    return [(each.version_id, each.start, each.listings, each.accuracy.value) for each in found]


def test_weeks_begin_on_monday_and_versions_stand_side_by_side(
    any_engine: sa.Engine, actor: Actor, shop: Shop, versions: tuple[int, int]
) -> None:
    first, second = versions
    shop.add(MUG, SUNDAY, {first: MUG})
    shop.add(MUG, MONDAY, {first: MUG, second: BOWL})
    shop.add(BOWL, NEXT_SUNDAY, {first: MUG, second: BOWL})
    found = list_live_accuracy(any_engine, actor=actor)
    assert summary(found) == [
        (first, date(2026, 2, 23), 1, 1.0),
        (first, date(2026, 3, 2), 2, 0.5),
        (second, date(2026, 3, 2), 2, 0.5),
    ]
    assert found[0].name.startswith("resnet50 ")
    assert found[1].accuracy.low < 0.5 < found[1].accuracy.high


def test_days_can_be_told_apart(
    any_engine: sa.Engine, actor: Actor, shop: Shop, versions: tuple[int, int]
) -> None:
    for at in (SUNDAY, MONDAY):
        shop.add(MUG, at, {versions[0]: MUG})
    found = list_live_accuracy(any_engine, actor=actor, period="day")
    assert [each.start for each in found] == [date(2026, 3, 1), date(2026, 3, 2)]


def test_a_decision_that_was_taken_back_does_not_count(
    any_engine: sa.Engine, actor: Actor, shop: Shop, versions: tuple[int, int]
) -> None:
    shop.add(MUG, MONDAY, {versions[0]: MUG}, undone=True)
    assert list_live_accuracy(any_engine, actor=actor) == ()


def test_a_listing_counts_once_by_its_main_photo(
    any_engine: sa.Engine, actor: Actor, shop: Shop, versions: tuple[int, int]
) -> None:
    shop.add(MUG, MONDAY, {versions[0]: MUG}, second_photo=True)
    (found,) = list_live_accuracy(any_engine, actor=actor)
    assert (found.listings, found.accuracy.value) == (1, 1.0)


def test_filters_leave_out_what_does_not_match(
    any_engine: sa.Engine, actor: Actor, shop: Shop, versions: tuple[int, int]
) -> None:
    first, second = versions
    shop.add(MUG, SUNDAY, {first: MUG, second: MUG})
    shop.add(BOWL, MONDAY, {first: MUG, second: BOWL})

    def starts(**only: object) -> list[tuple[int, date]]:
        found = list_live_accuracy(any_engine, actor=actor, period="day", **only)  # type: ignore[arg-type]
        return [(each.version_id, each.start) for each in found]

    assert starts(since=MONDAY) == [(first, MONDAY.date()), (second, MONDAY.date())]
    assert starts(until=MONDAY) == [(first, SUNDAY.date()), (second, SUNDAY.date())]
    assert starts(narrowing=Narrowing("home BOWL")) == [
        (first, MONDAY.date()),
        (second, MONDAY.date()),
    ]
    assert starts(narrowing=Narrowing("100%")) == []
    assert starts(version_ids=[second]) == [(second, SUNDAY.date()), (second, MONDAY.date())]


def test_a_group_takes_what_stands_directly_under_it_or_is_it(
    any_engine: sa.Engine, actor: Actor, shop: Shop, versions: tuple[int, int]
) -> None:
    for decided in (MUG, BOWL, TEA_MUG, HOME, MILK):
        shop.add(decided, MONDAY, {versions[0]: MUG})

    def count(group: str, words: str = "") -> int:
        narrowing = Narrowing(words, group)
        found = list_live_accuracy(any_engine, actor=actor, narrowing=narrowing)
        return sum(each.listings for each in found)

    assert count(HOME) == 3  # what is filed under the group itself, and two below
    assert count(HOME, "bowl") == 1
    assert count(MUG) == 1
    assert count(MILK) == 1
    assert count("Home > Nothing") == 0


def test_who_may_not_see_dashboards_sees_none(engine: sa.Engine) -> None:
    with pytest.raises(ForbiddenError):
        list_live_accuracy(engine, actor=Actor(id=9, name="rita", role="reviewer"))
