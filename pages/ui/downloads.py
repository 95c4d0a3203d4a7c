"""A table to take along."""

from collections.abc import Callable

import streamlit as st


def offer_csv(name: str, make: Callable[[], str], *, label: str = "CSV") -> None:
    """Draw a button for the table as CSV; it is made when somebody clicks.

    Args:
        name: Of the file, without its ending; no two on a page are called alike.
    """
    st.download_button(
        label,
        lambda: make().encode("utf-8-sig"),  # the mark lets Excel read it as UTF-8
        file_name=f"{name}.csv",
        mime="text/csv",
        key=f"csv-{name}",
        on_click="ignore",
        icon=":material/download:",
        type="tertiary",
        help=f"This table as {name}.csv",
    )


def caption_with_csv(words: str, name: str, make: Callable[[], str]) -> None:
    """Draw what is to be said of a table, and the button for it beside that."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(words, width="stretch")
        offer_csv(name, make)
