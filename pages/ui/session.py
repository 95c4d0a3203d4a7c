"""Who looks at the pages. Each run of the script asks again, so that changes act at the next."""

import streamlit as st

from core.actors import Actor
from core.services import sessions
from core.services.database import get_engine
from core.services.sessions import COOKIE, SignedIn
from core.settings import get_settings

_OWNER = "catalens_owner"


def find() -> SignedIn | None:
    """Return whose session the browser's is; None when it has ended.

    Without accounts it is the local user's. What another person left in the browser's tab is
    forgotten.
    """
    token = read_token() if get_settings().has_accounts else ""
    found = sessions.identify(get_engine(), get_settings(), token=token)
    if found is None or found.must_change_password:
        return None
    if st.session_state.setdefault(_OWNER, found.actor.id) != found.actor.id:
        st.session_state.clear()
        st.session_state[_OWNER] = found.actor.id
    return found


def renew(actor: Actor) -> Actor:
    """Return the actor of a part of the page that runs by itself, as a fragment does.

    When the session has ended, or the role is another, the whole page is drawn anew.
    """
    if get_settings().has_accounts:
        found = find()
        if found is None or found.actor != actor:
            st.rerun()
    return actor


def read_token() -> str:
    """Return what the session's cookie holds, empty where there is none."""
    return st.context.cookies.get(COOKIE, "")


def show_signed_out() -> None:
    """Send the browser to sign in; where scripts are off, a link does."""
    st.info("You are signed out.", icon=":material/logout:")
    st.html(
        '<a href="/login" target="_self" style="color: inherit">Sign in</a>'
        "<script>window.location.assign('/login')</script>",
        unsafe_allow_javascript=True,
    )
