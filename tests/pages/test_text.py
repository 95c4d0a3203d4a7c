"""Words that come from outside, as pages show them."""

import pytest

from core.errors import NotFoundError
from pages.ui import text


def seen(words: str) -> str:
    """Return what a reader sees of escaped words."""
    return words.replace("\\", "").replace("\u2060", "")


@pytest.mark.parametrize(
    "words", ["**bold**", "[click](http://evil.example)", "<b>x</b>", ":red[x] $y$ `z`", "a | b"]
)
def test_markup_is_shown_as_it_was_written(words):
    escaped = text.plain(words)
    assert seen(escaped) == words
    assert all(escaped[at - 1] == "\\" for at, letter in enumerate(escaped) if letter in "*[<$`|")


@pytest.mark.parametrize(
    "address", ["http://evil.example", "HTTPS://evil.example/x.png", "www.evil.example", "a@b.org"]
)
def test_an_address_becomes_no_link(address):
    """Addresses are found after the escapes are undone: what is found must be parted."""
    unescaped = text.plain(f"see {address} there").replace("\\", "")
    assert seen(unescaped) == f"see {address} there"
    assert address not in unescaped
    for start in ("http://", "https://", "www."):
        assert start not in unescaped.lower()


def test_a_part_is_told_from_the_whole():
    assert text.part(60, 1200, "photo") == "60 of 1,200 photos"
    assert text.part(1, 1, "photo") == "1 photo"


def test_a_long_name_is_cut_where_it_stands_large():
    assert text.short("a long title", limit=8) == "a long…"
    assert text.short("a title", limit=7) == "a title"


def test_an_error_begins_as_a_sentence_does():
    assert text.sentence(NotFoundError("no batch *1*")) == r"No batch \*1\*"
    assert text.sentence("notes.jpg is no photo") == r"notes\.jpg is no photo"
    assert text.sentence("") == ""
