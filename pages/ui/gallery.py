"""Small photos in a row, each a link."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

_STYLE = """
<style>
.gallery { display: flex; flex-wrap: wrap; gap: 8px; padding: 2px }
.gallery a { display: block; width: 92px; height: 92px; border-radius: 8px; overflow: hidden;
  border: 1px solid rgba(128, 140, 150, .35) }
.gallery a:hover, .gallery a:focus-visible { outline: 2px solid #1b828b; outline-offset: 1px }
.gallery img { width: 100%; height: 100%; object-fit: cover; display: block }
</style>
"""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A photo to show: its SHA-256, what it is called, and where a click leads."""

    sha256: str
    label: str
    href: str


def show(thumbnails: Sequence[Thumbnail]) -> None:
    """Draw the photos as thumbnails; everything in them is escaped."""
    st.html(f'{_STYLE}<div class="gallery">{"".join(map(_link, thumbnails))}</div>')


def _link(thumbnail: Thumbnail) -> str:
    label = escape(thumbnail.label, quote=True)
    return (
        f'<a href="{escape(thumbnail.href, quote=True)}" target="_self" title="{label}">'
        f'<img src="/api/images/{escape(thumbnail.sha256, quote=True)}/thumb" alt="{label}"'
        ' loading="lazy"></a>'
    )
