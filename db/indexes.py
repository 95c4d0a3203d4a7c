"""The indexes of the review queue: one for each way in which it is filtered and ordered.

Every queue is a range of one index, so the next listings cost the same however many there
are, and however few of them a filter leaves. The price is that each listing stands in all
of them; docs/review-queue.md says what that costs.
"""

from collections.abc import Iterator
from itertools import combinations

from sqlalchemy import Index

# Filters that may be set or not, in the order in which an index holds them.
FILTERS = (("seller", "seller"), ("category", "suggested_category_id"), ("batch", "batch_id"))

# Name of an order -> the columns that it goes by, before the id.
ORDERS: dict[str, tuple[str, ...]] = {
    "doubt": ("doubt",),
    "value": ("effort", "expected_errors"),
    "age": (),
}


def queue_indexes(table: str, *, lead: tuple[str, ...], key: str) -> tuple[Index, ...]:
    """Return the indexes of a table with the columns of ``FILTERS`` and ``ORDERS``.

    Args:
        lead: Columns that every query fixes.
        key: Column with the listing's id.
    """
    return tuple(
        Index(f"ix_{table}_queue_{'_'.join((*names, order))}", *lead, *columns, *ORDERS[order], key)
        for names, columns, order in _ways()
    )


def group_indexes(table: str, *, group: str, key: str) -> tuple[Index, ...]:
    """Return the indexes that go through a table group by group, under every set of filters."""
    return tuple(
        Index(
            f"ix_{table}_groups_{'_'.join((*names, group))}",
            "state",
            *columns,
            group,
            *ORDERS["doubt"],
            key,
        )
        for names, columns, order in _ways()
        if order == "age"  # once for each set of filters
    )


def _ways() -> Iterator[tuple[tuple[str, ...], tuple[str, ...], str]]:
    """Yield (names of the filters, their columns, order)."""
    for size in range(len(FILTERS) + 1):
        for chosen in combinations(FILTERS, size):
            for order in ORDERS:
                yield *_names_and_columns(chosen), order
    # Category by category within a batch: the groups come last before the order.
    seller, category, batch = FILTERS
    for chosen in ((batch, category), (seller, batch, category)):
        yield *_names_and_columns(chosen), "doubt"


def _names_and_columns(
    chosen: tuple[tuple[str, str], ...],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(name for name, _ in chosen), tuple(column for _, column in chosen)
