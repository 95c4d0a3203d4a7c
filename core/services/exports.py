"""Export a batch: one row a listing, with what was decided, by whom, and its flags.

In CSV a text that starts with ``=``, ``+``, ``-`` or ``@`` gets an apostrophe in front,
because a spreadsheet would run it as a formula; JSON and Parquet keep it as it is.
"""

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import InvalidInputError, NotFoundError
from core.services.batches import require_batch, sees
from core.services.export_formats import COLUMNS, EXPORT_FORMATS, ExportFormat, Row
from db.engine import reading
from db.queries import batches
from db.queries import exports as queries
from db.queries.exports import ListingPaths
from db.rows import BatchRow, DecisionRow

__all__ = ["COLUMNS", "EXPORT_FORMATS", "ExportFormat", "export", "find_batch_id", "write_export"]

PAGE_ROWS = 2_000
_MAX_ID_DIGITS = 18


def export(engine: sa.Engine, *, actor: Actor, batch_id: int, format: str) -> bytes:  # noqa: A002 -- as the option is called
    """Return the whole export. Raises as ``write_export`` does."""
    buffer = io.BytesIO()
    write_export(engine, actor=actor, batch_id=batch_id, format=format, stream=buffer)
    return buffer.getvalue()


def write_export(
    engine: sa.Engine,
    *,
    actor: Actor,
    batch_id: int,
    format: str,  # noqa: A002
    stream: BinaryIO,
) -> None:
    """Write the export page by page; memory does not grow with the batch.

    Each page is read in a transaction of its own, so that a slow reader holds up nobody.

    Raises:
        ForbiddenError: The actor may not export.
        InvalidInputError: No such format.
        NotFoundError: No such batch.
    """
    require(actor, "export")
    if format not in EXPORT_FORMATS:
        raise InvalidInputError(f"no format {format!r}; there are {', '.join(EXPORT_FORMATS)}")
    with reading(engine) as session:
        require_batch(session, actor, batch_id)
    EXPORT_FORMATS[format].write(stream, _pages(engine, batch_id))


def find_batch_id(engine: sa.Engine, *, actor: Actor, batch: str) -> int:
    """Return the id of a batch given by its name or its id; a name comes first.

    Raises:
        ForbiddenError: The actor may not export.
        NotFoundError: No batch is called so.
    """
    require(actor, "export")
    with reading(engine) as session:
        row = batches.find_by_name(session, batch)
        if row is None and batch.isdecimal() and len(batch) <= _MAX_ID_DIGITS:
            row = session.get(BatchRow, int(batch))
        if row is None or not sees(actor, row):
            raise NotFoundError(f"no batch has the name or the id {batch!r}")
        return row.id


def _pages(engine: sa.Engine, batch_id: int) -> Iterator[Sequence[Row]]:
    after_id = 0
    while True:
        with reading(engine) as session:
            found = queries.list_listings(
                session, batch_id=batch_id, after_id=after_id, limit=PAGE_ROWS
            )
            if not found:
                return
            after_id = found[-1].listing.id
            page = _rows(session, found)
        yield page


def _rows(session: Session, found: Sequence[ListingPaths]) -> list[Row]:
    ids = [each.listing.id for each in found]
    photos = _grouped(queries.list_file_names(session, listing_ids=ids))
    flags = _grouped(queries.list_flag_kinds(session, listing_ids=ids))
    standing = queries.list_standing_decisions(session, listing_ids=ids)
    decisions = {decision.listing_id: (decision, name) for decision, name in standing}
    return [
        {
            **_listing_columns(each),
            **_decision_columns(decisions.get(each.listing.id)),
            "flags": flags[each.listing.id],
            "photos": photos[each.listing.id],
        }
        for each in found
    ]


def _listing_columns(each: ListingPaths) -> Row:
    listing = each.listing
    doubt = listing.doubt if each.suggested is not None else None
    return {
        "listing_id": listing.id,
        "sku": listing.sku,
        "title": listing.title,
        "seller": listing.seller,
        "brand": listing.brand,
        "price": listing.price,
        "state": listing.state,
        "claimed_category": each.claimed,
        "suggested_category": each.suggested,
        "suggested_probability": None if doubt is None else 1.0 - doubt,
        "decided_category": each.decided,
    }


def _decision_columns(made: tuple[DecisionRow, str] | None) -> Row:
    if made is None:
        return {"decision": None, "decided_by": None, "decided_at": None}
    decision, name = made
    return {"decision": decision.kind, "decided_by": name, "decided_at": decision.created_at}


def _grouped(pairs: Iterable[tuple[int, str]]) -> defaultdict[int, list[str]]:
    groups: defaultdict[int, list[str]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups
