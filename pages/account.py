"""One's own account: who one is, the password, and where one is signed in."""

import streamlit as st

from core.actors import Actor
from core.services import sessions
from core.services.database import get_engine
from core.services.sessions import OpenSession
from core.settings import get_settings
from pages.ui import people, session, text


def render(actor: Actor) -> None:
    """Draw the account, or say that there are none."""
    st.title("My account")
    found = session.find()
    if found is None or not get_settings().has_accounts:
        st.info(people.NO_ACCOUNTS, icon=":material/person:")
        return
    st.markdown(
        f"You are **{text.plain(actor.name)}**, {people.ROLE_LABELS[actor.role]}: "
        f"you may {people.ROLE_DOCS[actor.role]}."
    )
    _show_ways_out(actor, found.session_id)
    _show_sessions(actor, found.session_id)


def _show_ways_out(actor: Actor, session_id: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Sign out", type="primary", icon=":material/logout:"):
            sessions.end(get_engine(), actor=actor, session_id=session_id)
            st.rerun()
        if st.button("Sign out everywhere else", icon=":material/devices:"):
            sessions.end_others(get_engine(), actor=actor, session_id=session_id)
            st.rerun()
        st.html('<a href="/password" target="_self" style="color: inherit">Change password</a>')


def _show_sessions(actor: Actor, session_id: int) -> None:
    st.subheader("Where you are signed in", anchor=False)
    for found in sessions.list_own(get_engine(), get_settings(), actor=actor):
        _show_session(actor, found, is_this=found.id == session_id)


def _show_session(actor: Actor, found: OpenSession, *, is_this: bool) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(people.describe_session(found) + (" · **this one**" if is_this else ""))
        if not is_this and st.button("End", key=f"end-{found.id}", icon=":material/close:"):
            sessions.end(get_engine(), actor=actor, session_id=found.id)
            st.rerun()
