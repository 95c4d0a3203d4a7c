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
