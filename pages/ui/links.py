"""Ways from one page to another, and ids that come in by the address."""

from collections.abc import Mapping

import streamlit as st

_KEY = "catalens_pages"


def remember(pages: Mapping[str, st.Page]) -> None:
    """Keep this run's pages by their key."""
    st.session_state[_KEY] = pages


def page(key: str) -> st.Page:
    """Return a page to link to."""
    found: st.Page = st.session_state[_KEY][key]
    return found


def go(key: str, **params: object) -> None:
    """Open another page with parameters in its address."""
    st.switch_page(page(key), query_params={name: str(value) for name, value in params.items()})


def more_like(listing_id: int) -> str:
    """Return the address of the listings like this one, no two alike."""
    return f"/search?listing={listing_id}&varied=true"


def read_id(name: str) -> int | None:
    """Return a positive id from the address, None where it is missing or no such number."""
    text = st.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 19 else None


def write(**params: object | None) -> None:
    """Let the address say what is shown; None leaves a parameter out."""
    wanted = {name: str(value) for name, value in params.items() if value is not None}
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)
