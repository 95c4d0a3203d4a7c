"""What comes next by every policy, under every set of filters, on SQLite and on Postgres."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.actors import Actor
from core.errors import InvalidInputError
from core.flags import FLAG_KINDS
from core.queue import POLICIES
from core.services import decisions, priorities, queue, verdicts
from core.services.decisions import NewDecision
from core.services.queue import QueueFilter
from db.engine import reading, transaction
from db.queries.queue import NO_CATEGORY
from db.rows import FlaggedListingRow, FlagRow, ListingRow
from db.states import DecisionKind, FlagState, ListingState
from tests.services.flagged import add_batch, add_flagged, decide
from tests.services.queues import add_listings, add_mixture, add_photo

SECONDS = {"plain": 4.0, "photo": 6.0, "category": 9.0}
FIELDS = ("batch_id", "category_id", "flag", "seller")

# What each policy goes by, the first the highest; a flag is what a listing is found under.
ORDERS: dict[str, Callable[[ListingRow, str], tuple[object, ...]]] = {
    "worth": lambda row, _: (row.expected_errors / SECONDS[row.effort], row.id),
    "doubt": lambda row, _: (row.doubt, row.id),
    "oldest": lambda row, _: (-row.id,),
    "category": lambda row, _: (row.suggested_category_id or 0, row.doubt, row.id),
    "flag": lambda row, flag: (flag, row.doubt, row.id),
    "batch": lambda row, _: (row.batch_id, row.doubt, row.id),
}


@pytest.fixture
def mixture(any_engine: sa.Engine, actor: Actor) -> Mapping[int, tuple[str, ...]]:
    return add_mixture(any_engine, actor)


def list_filters(session: Session) -> Iterator[QueueFilter]:
    """One filter for each set of fields."""
    row = session.scalars(select(ListingRow).order_by(ListingRow.id)).all()[1]
    values = {
        "batch_id": row.batch_id,
        "category_id": row.suggested_category_id,
        "flag": "blurry",
        "seller": row.seller,
    }
    for size in range(len(FIELDS) + 1):
        for chosen in combinations(FIELDS, size):
            yield QueueFilter(**{field: values[field] for field in chosen})
    yield QueueFilter(category_id=NO_CATEGORY)


def expected(
    rows: Sequence[ListingRow],
    flags: Mapping[int, tuple[str, ...]],
    policy: str,
    only: QueueFilter,
) -> list[int]:
    """Return the ids in their order, by the plainest way there is."""
    found = []
    for row in rows:
        wanted = {None: row.suggested_category_id, NO_CATEGORY: row.suggested_category_id or 0}
        category = wanted.get(only.category_id, row.suggested_category_id)
        fits = (
            only.batch_id in (None, row.batch_id)
            and only.seller in (None, row.seller)
            and (only.category_id is None or only.category_id == category)
            and (only.flag is None or only.flag in flags[row.id])
        )
        kinds = flags[row.id] if policy == "flag" and only.flag is None else ("",)
        found += [(ORDERS[policy](row, kind), row.id) for kind in kinds if fits]
    return [id_ for _, id_ in sorted(found, reverse=True)]


def read_all(
    session: Session, actor: Actor, policy: str, only: QueueFilter, limit: int
) -> list[int]:
    ids: list[int] = []
    after = {}
    row = POLICIES[policy]
    while True:
        found = queue.find_entries(
            session, actor=actor, only=only, policy=row, after=after, limit=limit
        )
        ids += [entry.listing_id for entry in found]
        if len(found) < limit:
            return ids
        after = queue.move_on(row, after, found)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_keeps_its_order_under_any_filter_without_gap_or_repeat(
    any_engine: sa.Engine, actor: Actor, mixture: Mapping[int, tuple[str, ...]], policy: str
) -> None:
    with reading(any_engine) as session:
        rows = session.scalars(select(ListingRow)).all()
        for only in list_filters(session):
            right = expected(rows, mixture, policy, only)
            assert right or policy == "category" or only.category_id == NO_CATEGORY
            for limit in (5, 100):
                assert read_all(session, actor, policy, only, limit) == right, only


@pytest.mark.parametrize("policy", POLICIES)
def test_every_queue_is_read_from_an_index_in_its_order(
    any_engine: sa.Engine, actor: Actor, mixture: Mapping[int, tuple[str, ...]], policy: str
) -> None:
    plans: list[tuple[QueueFilter, str]] = []
    with reading(any_engine) as session:
        prefix = "EXPLAIN QUERY PLAN "
        if any_engine.dialect.name == "postgresql":
            prefix = "EXPLAIN "
            session.execute(sa.text("SET enable_seqscan = off"))
            session.execute(sa.text("SET enable_sort = off"))
            session.execute(sa.text("SET enable_bitmapscan = off"))
        filters = list(list_filters(session))
        connection = session.connection()
        statements: list[tuple[str, object]] = []

        def keep(_c, _cursor, statement, parameters, _context, _many) -> None:
            if not statement.startswith("EXPLAIN"):
                statements.append((statement, parameters))

        sa.event.listen(connection, "before_cursor_execute", keep)
        for only in filters:
            statements.clear()
            queue.find_entries(
                session, actor=actor, only=only, policy=POLICIES[policy], after={}, limit=5
            )
            for statement, parameters in statements:
                rows = connection.exec_driver_sql(prefix + statement, parameters).all()
                plans.append((only, "\n".join(str(row) for row in rows)))
        sa.event.remove(connection, "before_cursor_execute", keep)
    for only, plan in plans:
        if "decisions" in plan:
            assert "ix_decisions_effort_id" in plan
            continue
        assert "_queue_" in plan or "_groups_" in plan, (only, plan)
        assert "TEMP B-TREE" not in plan, (only, plan)
        assert "Sort" not in plan, (only, plan)


def test_flagged_listings_follow_flags_and_listings(
    any_engine: sa.Engine, actor: Actor, mixture: Mapping[int, tuple[str, ...]]
) -> None:
    batch_id = add_batch(any_engine, actor, "summer")
    mugs = [add_flagged(any_engine, batch_id, f"M-{n}", ["blurry", "dark"]) for n in range(3)]
    verdicts.judge(
        any_engine, actor=actor, listing_image_id=mugs[0].photo_id, kind="blurry", is_wrong=True
    )
    decide(any_engine, actor, mugs[1])
    verdicts.judge(
        any_engine, actor=actor, listing_image_id=mugs[2].photo_id, kind="dark", is_wrong=True
    )
    verdicts.judge(
        any_engine, actor=actor, listing_image_id=mugs[2].photo_id, kind="dark", is_wrong=False
    )
    with transaction(any_engine) as session:
        session.execute(sa.delete(FlagRow).where(FlagRow.listing_id == min(mixture)))
        columns = [column.name for column in FlaggedListingRow.__table__.columns][2:]
        right = {
            (listing.id, kind, *(getattr(listing, name) for name in columns))
            for listing, kind in session.execute(
                select(ListingRow, FlagRow.kind)
                .join(FlagRow, FlagRow.listing_id == ListingRow.id)
                .where(FlagRow.state == FlagState.OPEN)
            )
        }
        kept = {
            (row.listing_id, row.kind, *(getattr(row, name) for name in columns))
            for row in session.scalars(select(FlaggedListingRow))
        }
    assert kept == right
    assert (mugs[0].listing_id, "blurry") not in {row[:2] for row in kept}


def test_a_page_counts_what_is_left_only_at_the_start(
    any_engine: sa.Engine, actor: Actor, mixture: Mapping[int, tuple[str, ...]]
) -> None:
    def counted(policy: str) -> int | None:
        return queue.list_next(
            any_engine, actor=actor, only=QueueFilter(), policy=policy, limit=5
        ).remaining

    assert counted("doubt") == len(mixture)
    assert counted("flag") == sum(1 for flags in mixture.values() if flags)
    first = queue.list_next(any_engine, actor=actor, only=QueueFilter(), limit=5)
    second = queue.list_next(
        any_engine, actor=actor, only=QueueFilter(), after=first.after, limit=5
    )
    assert second.remaining is None


def test_a_place_of_another_policy_is_refused(
    any_engine: sa.Engine, actor: Actor, mixture: Mapping[int, tuple[str, ...]]
) -> None:
    places = {
        policy: queue.list_next(
            any_engine, actor=actor, only=QueueFilter(), policy=policy, limit=5
        ).after
        for policy in POLICIES
    }
    for policy, place in (("worth", "doubt"), ("doubt", "batch"), ("flag", "batch")):
        with pytest.raises(InvalidInputError, match="start anew"):
            queue.list_next(
                any_engine, actor=actor, only=QueueFilter(), policy=policy, after=places[place]
            )
    with pytest.raises(InvalidInputError, match="no order 'nonsense'"):
        queue.list_next(any_engine, actor=actor, only=QueueFilter(), policy="nonsense")


def test_a_listing_stands_for_the_undecided_ones_with_the_same_file_and_suggestion(
    any_engine: sa.Engine, actor: Actor
) -> None:
    batch_id = add_batch(any_engine, actor)
    mugs = [add_flagged(any_engine, batch_id, f"M-{n}", ["dark"]) for n in range(2)]
    ids = add_listings(any_engine, actor, count=3)
    with transaction(any_engine) as session:
        mug = session.get_one(ListingRow, mugs[0].listing_id)
        same = sa.update(ListingRow).where(ListingRow.id.in_(ids))
        session.execute(same.values(suggested_category_id=mug.suggested_category_id, doubt=0.5))
    for id_, content in zip(ids, ("copy", "copy", "other"), strict=True):
        add_photo(any_engine, id_, content=content, flags=())
    with transaction(any_engine) as session:
        priorities.refresh(session, listing_ids=[*ids, *(mug.listing_id for mug in mugs)])

    def values() -> list[tuple[float, str]]:
        with reading(any_engine) as session:
            query = select(ListingRow).where(ListingRow.id.in_(ids)).order_by(ListingRow.id)
            return [(row.expected_errors, row.effort) for row in session.scalars(query)]

    assert values() == [(1.0, "plain"), (1.0, "plain"), (0.5, "plain")]
    with reading(any_engine) as session:
        assert session.get_one(ListingRow, mugs[0].listing_id).effort == "photo"
    reject = NewDecision(str(uuid4()), ids[0], 1, DecisionKind.REJECT, active_ms=900)
    decisions.decide(any_engine, actor=actor, new=reject)
    assert values() == [(0.5, "plain"), (0.5, "plain"), (0.5, "plain")]
    decisions.undo(any_engine, actor=actor, key=str(uuid4()), decision_key=reject.key)
    assert values() == [(1.0, "plain"), (1.0, "plain"), (0.5, "plain")]


def test_measured_seconds_move_a_kind_of_work_to_the_front(
    any_engine: sa.Engine, actor: Actor
) -> None:
    ids = add_listings(any_engine, actor, count=40)
    with transaction(any_engine) as session:
        session.execute(
            sa.update(ListingRow)
            .where(ListingRow.id.in_(ids[:25]))
            .values(effort="category", expected_errors=0.5)
        )

    def first() -> int:
        page = queue.list_next(any_engine, actor=actor, only=QueueFilter(), limit=1)
        return page.listings[0].id

    slow = first()
    assert slow in ids[25:] or slow == ids[24]
    with reading(any_engine) as session:
        assert priorities.read_seconds(session) == SECONDS
    for id_ in ids[:20]:
        new = NewDecision(str(uuid4()), id_, 1, DecisionKind.REJECT, active_ms=500)
        decisions.decide(any_engine, actor=actor, new=new)
    with reading(any_engine) as session:
        assert priorities.read_seconds(session) == SECONDS | {"category": 0.5}
    assert first() == ids[24]


def test_what_can_be_chosen_is_what_listings_of_the_state_have(
    any_engine: sa.Engine, actor: Actor, mixture: Mapping[int, tuple[str, ...]]
) -> None:
    choices = queue.list_choices(any_engine, actor=actor, state=ListingState.NEEDS_REVIEW)
    assert [category.path for category in choices.categories] == ["Home > Bowl", "Home > Mug"]
    assert choices.sellers == ("Kera", "Nordwind")
    none = queue.list_choices(any_engine, actor=actor, state=ListingState.REJECTED)
    assert (none.categories, none.sellers) == ((), ())


def test_every_flag_may_be_asked_for(any_engine: sa.Engine, actor: Actor) -> None:
    for kind in FLAG_KINDS:
        only = replace(QueueFilter(), flag=kind)
        assert queue.list_next(any_engine, actor=actor, only=only).listings == ()


def test_what_is_decided_by_the_page_does_not_tell_how_long_one_takes(
    any_engine: sa.Engine, actor: Actor
) -> None:
    for id_ in add_listings(any_engine, actor, count=20):
        shown = {"view": "page"}
        new = NewDecision(str(uuid4()), id_, 1, DecisionKind.REJECT, active_ms=50, shown=shown)
        decisions.decide(any_engine, actor=actor, new=new)
    with reading(any_engine) as session:
        assert priorities.read_seconds(session) == SECONDS
