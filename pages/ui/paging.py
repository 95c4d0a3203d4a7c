"""Pages of a long list."""

import streamlit as st


def turn(page: int, *, total: int, a_page: int) -> int | None:
    """Draw where in the list one is, and return the page that was asked for, if one was.

    Args:
        page: From 0.
        a_page: So many of the ``total`` are on each.
    """
    last = max(0, (total - 1) // a_page)
    if not last:
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        back = st.button("Previous", icon=":material/chevron_left:", disabled=page == 0)
        st.caption(f"Page {page + 1:,} of {last + 1:,}", width="content")
        on = st.button("Next", icon=":material/chevron_right:", disabled=page >= last)
    if back or on:
        return page - 1 if back else page + 1
    return None
