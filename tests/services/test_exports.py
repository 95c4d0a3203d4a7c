import csv
import io
import json
import tracemalloc
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.actors import Actor
from core.errors import ForbiddenError, InvalidInputError, NotFoundError
from core.services import exports
from core.services.export_formats import (
    COLUMNS,
    EXPORT_FORMATS,
    FORMULA_STARTS,
    LIST_SEPARATOR,
    neutralise,
)
from core.services.exports import export, find_batch_id
from db.engine import transaction
from db.queries import categories
from db.rows import BatchRow, DecisionRow, FlagRow, ImageRow, ListingImageRow, ListingRow

DECIDED_AT = datetime(2026, 5, 4, 12, 30, 15, 250_000, tzinfo=UTC)


@pytest.fixture
def batch_id(any_engine, actor):
    """A batch of three listings: one corrected, one taken back, one with an awkward text."""
    with transaction(any_engine) as session:
        ids = categories.ensure_paths(session, ["Home > Mug", "Home > Lamp"])
        batch = BatchRow(name="May", content_digest="0" * 64, created_by=actor.id)
        session.add(batch)
        session.flush()
        corrected = _listing(
            session,
            batch,
            "A-1",
            photos=("a.jpg", "b.jpg"),
            title="Tea mug, Größe M",
            price=Decimal("12.90"),
            claimed_category_id=ids["Home > Lamp"],
            suggested_category_id=ids["Home > Mug"],
            decided_category_id=ids["Home > Mug"],
            doubt=0.25,
        )
        _flag(session, corrected, "blurry", "open")
        _flag(session, corrected, "claimed_mismatch", "confirmed")
        _flag(session, corrected, "dark", "dismissed")
        _decide(session, corrected, actor, "skip", None)
        _decide(session, corrected, actor, "correct", ids["Home > Mug"])
        undone = _listing(session, batch, "A-2", photos=("c.jpg",))
        accepted = _decide(session, undone, actor, "accept", ids["Home > Lamp"])
        _decide(session, undone, actor, "undo", None, undoes_id=accepted.id)
        _listing(session, batch, "A-3", photos=("d.jpg",), title="=1+1", seller='Ann "A", B')
        return batch.id


def _listing(session, batch, sku, *, photos, **values):
    listing = ListingRow(batch_id=batch.id, sku=sku, **values)
    session.add(listing)
    session.flush()
    for position, name in enumerate(photos):
        digest = f"{sku}{name}".encode().hex().ljust(64, "0")
        image = ImageRow(sha256=digest, size_bytes=1, width_px=1, height_px=1, format="PNG")
        session.add(image)
        session.flush()
        session.add(
            ListingImageRow(
                listing_id=listing.id, image_id=image.id, position=position, file_name=name
            )
        )
    session.flush()
    return listing


def _flag(session, listing, kind, state):
    photo = session.query(ListingImageRow).filter_by(listing_id=listing.id, position=0).one()
    session.add(
        FlagRow(
            listing_id=listing.id,
            listing_image_id=photo.id,
            kind=kind,
            severity="warn",
            score=0.5,
            state=state,
        )
    )


def _decide(session, listing, actor, kind, category_id, **values):
    count = session.query(DecisionRow).count()
    decision = DecisionRow(
        key=f"{listing.id}-{count}",
        listing_id=listing.id,
        listing_version=1,
        user_id=actor.id,
        kind=kind,
        category_id=category_id,
        created_at=DECIDED_AT,
        **values,
    )
    session.add(decision)
    session.flush()
    return decision


def read_csv(data):
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    for row in rows:
        for name in ("flags", "photos"):
            row[name] = row[name].split(LIST_SEPARATOR) if row[name] else []
        for name, value in row.items():
            if value == "":
                row[name] = None if name not in {"title", "seller", "brand"} else ""
            elif isinstance(value, str) and value.startswith("'="):
                row[name] = value[1:]
        row["listing_id"] = int(row["listing_id"])
    return _typed(rows)


def read_json(data):
    return _typed(json.loads(data))


def read_parquet(data):
    return pq.read_table(io.BytesIO(data)).to_pylist()


def _typed(rows):
    for row in rows:
        if row["price"] is not None:
            row["price"] = Decimal(str(row["price"])).quantize(Decimal("0.01"))
        if row["suggested_probability"] is not None:
            row["suggested_probability"] = float(row["suggested_probability"])
        if row["decided_at"] is not None:
            row["decided_at"] = datetime.fromisoformat(row["decided_at"])
    return rows


READERS = {"csv": read_csv, "json": read_json, "parquet": read_parquet}


def test_every_format_can_be_read_back():
    assert set(READERS) == set(EXPORT_FORMATS)


@pytest.mark.parametrize("key", EXPORT_FORMATS)
def test_what_is_read_back_is_what_was_decided(any_engine, actor, batch_id, key):
    data = export(any_engine, actor=actor, batch_id=batch_id, format=key)

    corrected, undone, awkward = READERS[key](data)

    assert list(corrected) == COLUMNS.names
    assert corrected == {
        "listing_id": corrected["listing_id"],
        "sku": "A-1",
        "title": "Tea mug, Größe M",
        "seller": "",
        "brand": "",
        "price": Decimal("12.90"),
        "state": "received",
        "claimed_category": "Home > Lamp",
        "suggested_category": "Home > Mug",
        "suggested_probability": 0.75,
        "decided_category": "Home > Mug",
        "decision": "correct",
        "decided_by": actor.name,
        "decided_at": DECIDED_AT,
        "flags": ["blurry", "claimed_mismatch"],
        "photos": ["a.jpg", "b.jpg"],
    }
    assert undone["decision"] is None
    assert undone["decided_by"] is None
    assert undone["suggested_probability"] is None
    assert (awkward["title"], awkward["seller"]) == ("=1+1", 'Ann "A", B')


def test_a_formula_reaches_a_spreadsheet_as_text(any_engine, actor, batch_id):
    data = export(any_engine, actor=actor, batch_id=batch_id, format="csv")

    assert b",'=1+1," in data


@given(st.text())
def test_no_text_is_left_that_a_spreadsheet_would_run(text):
    safe = neutralise(text)

    assert not safe.startswith(FORMULA_STARTS)
    assert safe in {text, f"'{text}"}


@pytest.mark.parametrize("key", EXPORT_FORMATS)
def test_pages_join_without_a_gap_or_a_double(any_engine, actor, batch_id, key, monkeypatch):
    whole = READERS[key](export(any_engine, actor=actor, batch_id=batch_id, format=key))
    monkeypatch.setattr(exports, "PAGE_ROWS", 1)

    paged = READERS[key](export(any_engine, actor=actor, batch_id=batch_id, format=key))

    assert paged == whole


@pytest.mark.parametrize("key", EXPORT_FORMATS)
def test_an_empty_batch_is_an_empty_file_of_its_format(engine, actor, key):
    with transaction(engine) as session:
        batch = BatchRow(name="none", content_digest="1" * 64, created_by=actor.id)
        session.add(batch)
        session.flush()
        batch_id = batch.id

    assert READERS[key](export(engine, actor=actor, batch_id=batch_id, format=key)) == []


@pytest.mark.parametrize("key", EXPORT_FORMATS)
def test_memory_does_not_grow_with_the_batch(engine, actor, key):
    with transaction(engine) as session:
        batch = BatchRow(name="large", content_digest="2" * 64, created_by=actor.id)
        session.add(batch)
        session.flush()
        rows = [
            {"batch_id": batch.id, "sku": f"S-{number}", "title": "x" * 60}
            for number in range(8 * exports.PAGE_ROWS)
        ]
        session.bulk_insert_mappings(ListingRow, rows)
        batch_id = batch.id
    del rows
    peaks = []

    class Sink(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            peaks.append(tracemalloc.get_traced_memory()[0])
            return len(data)

    tracemalloc.start()
    exports.write_export(
        engine, actor=actor, batch_id=batch_id, format=key, stream=io.BufferedWriter(Sink())
    )
    tracemalloc.stop()

    early, late = peaks[len(peaks) // 4], peaks[-len(peaks) // 8]
    assert late < early + 4_000_000


def test_a_batch_is_found_by_name_before_id(any_engine, actor, batch_id):
    assert find_batch_id(any_engine, actor=actor, batch="May") == batch_id
    assert find_batch_id(any_engine, actor=actor, batch=str(batch_id)) == batch_id
    for unknown in ("June", "999", "9" * 40):
        with pytest.raises(NotFoundError, match=unknown):
            find_batch_id(any_engine, actor=actor, batch=unknown)


def test_a_reviewer_may_not_export(engine):
    reviewer = Actor(id=1, name="Rita", role="reviewer")

    with pytest.raises(ForbiddenError):
        export(engine, actor=reviewer, batch_id=1, format="csv")


def test_an_unknown_format_or_batch_is_refused(engine, actor):
    with pytest.raises(InvalidInputError, match="xlsx"):
        export(engine, actor=actor, batch_id=1, format="xlsx")
    with pytest.raises(NotFoundError, match="no batch 1"):
        export(engine, actor=actor, batch_id=1, format="csv")
