"""People: who may come in, as what, and where they are signed in."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.actors import Actor
from core.services import sessions, users
from core.services.database import get_engine
from core.services.users import ROLES, User
from core.settings import get_settings
from pages.ui import people, text


def render(actor: Actor) -> None:
    """Draw who there is, a form for one more, and one person to change."""
    st.title("People")
    if not get_settings().has_accounts:
        st.info(people.NO_ACCOUNTS, icon=":material/person:")
    _show_form(actor)
    found = users.list_users(get_engine(), get_settings(), actor=actor)
    st.dataframe(_table(found), hide_index=True)
    _show_chosen(actor, [each for each in found if not each.is_local])


def _show_form(actor: Actor) -> None:
    row = st.form("new-person").container(horizontal=True, vertical_alignment="bottom")
    with row:
        name = st.text_input("Name", max_chars=users.MAX_NAME_LENGTH, width=260)
        role = _choose_role("Role", "staff", key="new-role")
        is_sent = st.form_submit_button("Add person", type="primary")
    if is_sent:
        password = users.create_user(get_engine(), actor=actor, name=name, role=role)
        _show_password(name, password)


def _show_password(name: str, password: str) -> None:
    st.success(
        f"The one-time password of {text.plain(name)}. It is shown once: pass it on now. At the "
        "first sign-in it is replaced by one of their own."
    )
    st.code(password, language=None)


def _table(found: Sequence[User]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Name": [each.name for each in found],
            "Role": [people.ROLE_LABELS[each.role] for each in found],
            "Signs in by": [each.signs_in for each in found],
            "State": ["disabled" if each.is_disabled else "" for each in found],
            "Signed in": [each.sessions for each in found],
        }
    )


def _show_chosen(actor: Actor, found: Sequence[User]) -> None:
    by_id = {each.id: each for each in found}
    chosen = st.selectbox(
        "Change somebody",
        list(by_id),
        index=None,
        format_func=lambda id_: by_id[id_].name,
        placeholder="Choose a person",
        key="person",
    )
    if chosen is not None:
        with st.container(border=True):
            _show_person(actor, by_id[chosen])


def _show_person(actor: Actor, user: User) -> None:
    st.subheader(text.plain(user.name), anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        role = _choose_role("Role", user.role, key=f"role-{user.id}")
        if st.button("Set role", disabled=role == user.role):
            users.set_role(get_engine(), actor=actor, user_id=user.id, role=role)
            st.rerun()
        label = "Let in again" if user.is_disabled else "Disable"
        if st.button(label, icon=":material/block:"):
            users.set_disabled(
                get_engine(), actor=actor, user_id=user.id, is_disabled=not user.is_disabled
            )
            st.rerun()
        reset = st.button(
            "New one-time password",
            icon=":material/key:",
            disabled=user.signs_in == "provider",
            help="Ends all sessions; the old password is no longer taken.",
        )
    if reset:
        _show_password(user.name, users.reset_password(get_engine(), actor=actor, user_id=user.id))
    _show_sessions(actor, user)


def _show_sessions(actor: Actor, user: User) -> None:
    for found in sessions.list_sessions(get_engine(), get_settings(), actor=actor, user_id=user.id):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(people.describe_session(found))
            if st.button("End", key=f"end-{found.id}", icon=":material/close:"):
                sessions.end(get_engine(), actor=actor, session_id=found.id)
                st.rerun()


def _choose_role(label: str, role: str, *, key: str) -> str:
    return st.selectbox(
        label,
        ROLES,
        index=ROLES.index(role),
        format_func=lambda each: people.ROLE_LABELS[each],
        key=key,
        width=180,
    )
