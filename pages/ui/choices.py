"""Widgets whose value stands in the address, so that a link opens the same view.

The key of each is the name of its parameter; an address that names no option is ignored.
"""

from collections.abc import Sequence
from datetime import date
from typing import Literal

import streamlit as st

BIND: Literal["query-params"] = "query-params"
WIDTH_PX = 150  # two beside each other on a phone
Width = int | Literal["stretch"]


def choose(
    label: str,
    options: Sequence[str],
    key: str,
    *,
    width: Width = WIDTH_PX,
) -> str:
    """Draw a select box that begins with the first option, which the address leaves out."""
    _follow_default(key, options[0])
    chosen = st.selectbox(label, options, key=key, width=width, bind=BIND)
    return chosen if chosen in options else options[0]


def choose_any(
    label: str, options: Sequence[str], key: str, *, anything: str, width: Width = WIDTH_PX
) -> str | None:
    """Draw a select box that may stay empty; empty shows the word for anything."""
    _forget_unless(key, options)
    return st.selectbox(
        label, options, index=None, key=key, placeholder=anything, width=width, bind=BIND
    )


def choose_some(label: str, options: Sequence[str], key: str, *, anything: str) -> list[str]:
    """Draw a box for any number of options."""
    kept = [each for each in st.session_state.get(key, ()) if each in options]
    if key in st.session_state and st.session_state[key] != kept:
        st.session_state[key] = kept
    return st.multiselect(label, options, key=key, placeholder=anything, width="stretch", bind=BIND)


def choose_view(options: Sequence[str], key: str) -> str:
    """Draw a row of views, the first of them unless the address says another."""
    chosen = st.segmented_control(
        "View",
        options,
        default=options[0],
        key=key,
        required=True,
        label_visibility="collapsed",
        bind=BIND,
    )
    return chosen or options[0]


def switch(label: str, key: str) -> bool:
    """Draw a switch that is off unless the address says otherwise."""
    return st.toggle(label, key=key, bind=BIND)


def write_words(label: str, key: str, *, placeholder: str, width: Width = WIDTH_PX) -> str:
    """Draw a line to write on."""
    found = st.text_input(label, key=key, placeholder=placeholder, width=width, bind=BIND)
    return found or ""


def choose_day(label: str, key: str, *, width: Width = WIDTH_PX) -> date | None:
    """Draw a calendar that may stay empty."""
    found = st.date_input(label, value=None, key=key, format="YYYY-MM-DD", width=width, bind=BIND)
    return found if isinstance(found, date) else None


def _follow_default(key: str, default: str) -> None:
    """Go along when another option comes first and nothing else was chosen.

    Else the box would keep what came first before, and the address would not say so.
    """
    remembered = f"{key}-default"
    before = st.session_state.get(remembered)
    if before not in (None, default) and st.session_state.get(key) == before:
        st.session_state[key] = default
    st.session_state[remembered] = default


def _forget_unless(key: str, options: Sequence[str]) -> None:
    if st.session_state.get(key) not in (None, *options):
        st.session_state[key] = None
