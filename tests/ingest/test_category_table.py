"""Categories with codes and synonyms as CSV."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInputError
from core.ingest.category_table import CategoryLine, read_category_table, write_category_table

WORDS = st.from_regex(r"[\w=,;\"']([\w =,;\"'.-]{0,8}[\w=,;\"'])?", fullmatch=True).filter(
    lambda text: (
        text == " ".join(text.split()) and not text.startswith("'") and not text.startswith("=")
    )
)


def read(text: str) -> tuple[CategoryLine, ...]:
    return read_category_table(text.encode())


def test_synonyms_fill_as_many_cells_as_they_want_and_each_counts_once() -> None:
    [line] = read("code,name,synonyms\nA-1,Home > Mug,cup,beaker | cup,  tea  cup ,\n")
    assert line == CategoryLine(2, "Home > Mug", "A-1", ("cup", "beaker", "tea cup"))


@pytest.mark.parametrize(
    "text",
    [
        "name,code\nMug,A\n",
        "\ufeffCode; Name ;Synonyms\nA;Mug;\n".replace(";Synonyms", ""),
        "path\tcode\tremark\nMug\tA\tx\n",
    ],
)
def test_columns_are_told_by_their_headings_whatever_parts_them(text: str) -> None:
    assert read(text) == (CategoryLine(2, "Mug", "A", None),)


def test_without_a_column_nothing_is_said_and_with_an_empty_cell_there_is_none() -> None:
    assert read("name\nMug\n") == (CategoryLine(2, "Mug", None, None),)
    assert read("code,name,synonyms\n,Mug\n") == (CategoryLine(2, "Mug", "", ()),)


def test_rows_are_counted_as_a_spreadsheet_does_and_empty_ones_passed_over() -> None:
    assert [line.row for line in read("name\nMug\n\n,\nBowl\n")] == [2, 5]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the first row is empty"),
        ("title,code\nMug,A\n", "such as: code,name,synonyms"),
        ("name,path\nMug,Mug\n", "the first row is name, path"),
        ("synonyms,name\ncup,Mug\n", "put their column last"),
        ("code,name\n", "no rows"),
        ("code,name\nA,\n", "row 2 names no category"),
        ('name\n"Mug\n', "line 2"),
    ],
)
def test_what_cannot_be_read_says_why(text: str, problem: str) -> None:
    with pytest.raises(InvalidInputError, match=problem):
        read(text)


def test_a_file_of_another_encoding_says_so() -> None:
    with pytest.raises(InvalidInputError, match="save it as CSV UTF-8"):
        read_category_table("name\nÄpfel\n".encode("latin-1"))


@given(st.lists(st.tuples(WORDS, WORDS, st.lists(WORDS, unique=True)), min_size=1))
def test_what_is_written_is_read_again(rows: list[tuple[str, str, list[str]]]) -> None:
    lines = read_category_table(write_category_table(rows))
    assert [(line.code, line.name, list(line.synonyms or ())) for line in lines] == rows
