"""Photos in a row, each a link: small ones, or cards with words below."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

_STYLE = """
<style>
.gallery { display: flex; flex-wrap: wrap; gap: 8px; padding: 2px }
.gallery a { display: block; width: 92px; height: 92px; border-radius: 8px; overflow: hidden;
  border: 1px solid rgba(128, 140, 150, .35); position: relative }
.gallery a:hover, .gallery a:focus-visible { outline: 2px solid #1b828b; outline-offset: 1px }
.gallery img { width: 100%; height: 100%; object-fit: cover; display: block; font-size: 0 }
/* Only of an image that could not be loaded is this drawn. */
.gallery img::after { content: "photo is gone"; position: absolute; inset: 0; display: grid;
  place-content: center; text-align: center; font-size: 12px; color: #5d6f7e;
  background: #e9eef1 }
.gallery figure { margin: 0; width: 148px }
.gallery figure a { width: 148px; height: 148px }
.gallery figcaption { font-size: 12.5px; line-height: 1.35; padding: 4px 2px 6px;
  overflow-wrap: anywhere }
.gallery figcaption span { display: block }
.gallery figcaption a, .gallery figcaption a:hover { display: inline; width: auto; height: auto;
  border: 0; border-radius: 2px; overflow: visible; color: inherit; text-decoration: underline }
.gallery .wrong { color: #c2453f } .gallery .right { color: #23867a }
@media (max-width: 480px) { .gallery figure, .gallery figure a { width: calc(50vw - 26px) }
  .gallery figure a { height: calc(50vw - 26px) } }
</style>
"""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A photo to show: its SHA-256, what it is called, and where a click leads."""

    sha256: str
    label: str
    href: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line below a photo; ``tone`` is ``right``, ``wrong`` or empty, ``href`` where it leads."""

    words: str
    tone: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A photo with lines below it; a click opens it large.

    Attributes:
        label: What it is called, for whoever cannot see it.
    """

    src: str
    href: str
    label: str
    lines: tuple[Line, ...]


def show(thumbnails: Sequence[Thumbnail]) -> None:
    """Draw the photos as thumbnails; everything in them is escaped."""
    _draw("".join(map(_link, thumbnails)))


def show_cards(cards: Sequence[Card]) -> None:
    """Draw the photos with what is said of each; everything in them is escaped."""
    _draw("".join(map(_figure, cards)))


def _draw(items: str) -> None:
    st.html(f'{_STYLE}<div class="gallery">{items}</div>')


def _link(thumbnail: Thumbnail) -> str:
    src = f"/api/images/{thumbnail.sha256}/thumb"
    return _photo(src, thumbnail.href, thumbnail.label, target="_self")


def _figure(card: Card) -> str:
    lines = "".join(f'<span class="{line.tone}">{_words(line)}</span>' for line in card.lines)
    photo = _photo(card.src, card.href, card.label, target="_blank")
    return f"<figure>{photo}<figcaption>{lines}</figcaption></figure>"


def _words(line: Line) -> str:
    words = escape(line.words)
    if not line.href:
        return words
    return f'<a href="{escape(line.href, quote=True)}" target="_self">{words}</a>'


def _photo(src: str, href: str, label: str, *, target: str) -> str:
    words = escape(label, quote=True)
    return (
        f'<a href="{escape(href, quote=True)}" target="{target}" title="{words}">'
        f'<img src="{escape(src, quote=True)}" alt="{words}" loading="lazy"></a>'
    )
