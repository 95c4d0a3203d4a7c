import csv
import io
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import InvalidInputError
from core.ingest import Collection, SourceLimits, open_source
from core.ingest.manifest import COLUMNS
from core.ingest.products import Product


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for name in ("photos/a.jpg", "photos/b.jpg", "c.jpg"):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


@pytest.fixture
def read(folder, limits: SourceLimits):
    def read_table(table: bytes | str, name: str = "m.csv", **options: bool) -> Collection:
        data = table.encode() if isinstance(table, str) else table
        (folder / name).write_bytes(data)
        with open_source(folder / name, limits, **options) as collection:
            return collection

    return read_table


def reasons(collection: Collection) -> dict[str, tuple[str, str]]:
    return {each.name: (each.reason, each.message) for each in collection.refusals}


def test_a_row_becomes_a_listing(read):
    table = (
        "file,sku,title,seller,brand,price,claimed_category\n"
        'photos/a.jpg,A-1,"Apple, red",Orchard,Golden,12.50,Food > Fruit > Apple\n'
    )

    (product,) = read(table).products

    assert product == Product(
        sku="A-1",
        photos=product.photos,
        title="Apple, red",
        seller="Orchard",
        brand="Golden",
        price=Decimal("12.50"),
        claimed_category="Food > Fruit > Apple",
    )
    assert [photo.read(99) for photo in product.photos] == [b"photos/a.jpg"]


def test_only_the_file_is_needed_and_it_is_the_sku(read):
    assert [product.sku for product in read("file\nc.jpg\nphotos/a.jpg\n").products] == [
        "c.jpg",
        "photos/a.jpg",
    ]


def test_rows_of_one_sku_are_one_listing_with_its_photos_in_order(read):
    table = "sku,file,title,price\nA,photos/b.jpg,,\nB,c.jpg,Other,\nA,photos/a.jpg,Late,3\n"

    first, second = read(table).products

    assert (first.sku, first.title, first.price) == ("A", "Late", Decimal(3))
    assert [photo.name for photo in first.photos] == ["photos/b.jpg", "photos/a.jpg"]
    assert second.sku == "B"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_spreadsheets_write_is_read(read, separator, mark, end):
    rows = [["File", "Title", "PRICE"], ["c.jpg", "Äpfel", "2,99"]]
    table = mark + "".join(separator.join(f'"{cell}"' for cell in row) + end for row in rows)

    (product,) = read(table).products

    assert (product.title, product.price) == ("Äpfel", Decimal("2.99"))


@pytest.mark.parametrize(
    ("heading", "column"),
    [(alias, column.name) for column in COLUMNS for alias in column.aliases]
    + [("Claimed Category", "claimed_category")],
)
def test_other_headings_are_understood(read, heading, column):
    headings = [heading] if column == "file" else ["file", heading]
    cells = ["c.jpg"] if column == "file" else ["c.jpg", "thing"]

    (product,) = read(f"{','.join(headings)}\n{','.join(cells)}\n").products

    assert column == "file" or getattr(product, column) == "thing"


def test_unknown_columns_and_empty_rows_are_passed_over(read):
    assert len(read("colour,file\nred,c.jpg\n,\n\n").products) == 1


def test_folders_are_claimed_only_where_the_manifest_is_silent(read):
    table = "file,category\nphotos/a.jpg,\nphotos/b.jpg,Fruit\n"

    claimed = [each.claimed_category for each in read(table, claim_folder=True).products]

    assert claimed == ["photos", "Fruit"]


@pytest.mark.parametrize(
    "price",
    [
        *("free", "-1", "1.234,50", "1,234", "1,200", "12,500", "1.000", "1,200.00", "2.505"),
        *("1e5", "nan", "99999999999"),
    ],
)
def test_a_price_that_is_no_amount_refuses_its_row_by_number(read, price):
    collection = read(f'file,price\nphotos/a.jpg,1\nc.jpg,"{price}"\n')

    assert [product.sku for product in collection.products] == ["photos/a.jpg"]
    reason, message = reasons(collection)["c.jpg"]
    assert reason == "bad_price"
    assert f"{price!r} in row 3" in message


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("none.jpg", "missing_file"),
        ("../secret.jpg", "unsafe_name"),
        ("/etc/passwd", "unsafe_name"),
        ("photos", "not_a_file"),
        ("x" * 300, "unreadable_file"),
        ("x" * 501, "long_cell"),
    ],
)
def test_a_file_that_cannot_be_had_refuses_its_row(read, file, reason):
    collection = read(f"file\n{file}\nc.jpg\n")

    assert [product.sku for product in collection.products] == ["c.jpg"]
    assert [each.reason for each in collection.refusals] == [reason]


def test_a_row_without_a_file_is_refused_by_its_number(read):
    collection = read("file,sku\n,A\nc.jpg,B\n")

    assert reasons(collection) == {"m.csv, row 2": ("empty_cell", "row 2 has no file")}


def test_a_cell_too_long_for_the_database_refuses_its_row(read):
    collection = read(f"file,seller\nc.jpg,{'s' * 201}\nphotos/a.jpg,{'s' * 200}\n")

    assert [product.sku for product in collection.products] == ["photos/a.jpg"]
    assert reasons(collection)["c.jpg"][0] == "long_cell"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("sku,title\nA,x\n", "no column 'file'"),
        ("", "no column 'file'"),
        ("file,image\nc.jpg,c.jpg\n", "two columns for 'file'"),
        ("file\n", "no rows"),
        (b"file,title\nc.jpg,caf\xe9\n", "not UTF-8"),
        ('file\n"c.jpg\n', "line 2"),
        ("file\n" + "c.jpg\n" * 51, "more than 50 rows"),
        ("file\n" + "x" * 1_000_000, "at most 1,000,000"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_as_a_whole(read, table, message):
    with pytest.raises(InvalidInputError, match=message):
        read(table)


def parquet(rows: dict[str, list[object]]) -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame(rows).to_parquet(buffer)
    return buffer.getvalue()


def test_a_parquet_table_is_read_like_a_csv(read):
    table = parquet(
        {"File": ["c.jpg", "photos/a.jpg"], "price": [2.5, None], "id": [7, 8], "more": [[1], [2]]}
    )

    first, second = read(table, "m.parquet").products

    assert (first.sku, first.price, second.price) == ("7", Decimal("2.50"), None)


def test_whole_numbers_that_pandas_made_floats_are_whole_again(read):
    table = parquet({"file": ["c.jpg", "photos/a.jpg"], "sku": [12345.0, None], "price": [3.0, 1]})

    first, second = read(table, "m.parquet").products

    assert (first.sku, first.price, second.sku) == ("12345", Decimal(3), "photos/a.jpg")


def test_a_decimal_price_is_read_by_its_value_not_its_scale(read):
    table = parquet({"file": ["c.jpg", "photos/a.jpg"], "price": [Decimal("12.5000"), Decimal(1)]})

    assert [each.price for each in read(table, "m.parquet").products] == [Decimal("12.5"), 1]


def test_text_that_is_not_utf8_in_a_parquet_table_refuses_it(read):
    bad = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\4\0\0\0"), pa.py_buffer(b"caf\xe9")]
    )
    buffer = io.BytesIO()
    pq.write_table(pa.table({"file": ["c.jpg"], "title": bad}), buffer)

    with pytest.raises(InvalidInputError, match="cannot be read as Parquet"):
        read(buffer.getvalue(), "m.parquet")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (b"no parquet", "cannot be read as Parquet"),
        (parquet({"file": ["c.jpg"]})[:-9], "cannot be read as Parquet"),
        (parquet({"sku": ["A"]}), "no column 'file'"),
        (parquet({"file": ["c.jpg"] * 51}), "more than 50 rows"),
    ],
)
def test_a_parquet_table_that_cannot_be_used_is_refused(read, table, message):
    with pytest.raises(InvalidInputError, match=message):
        read(table, "m.parquet")


CELLS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=CELLS, seller=CELLS, cents=st.integers(0, 10**9), separator=st.sampled_from(",;\t"))
def test_what_is_written_is_read_back(read, title, seller, cents, separator):
    price = Decimal(cents) / 100
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator)
    writer.writerows(
        [["file", "title", "seller", "price"], ["c.jpg", title, seller, f"{price:.2f}"]]
    )

    (product,) = read(buffer.getvalue()).products

    assert (product.title, product.seller, product.price) == (title, seller, price)
