"""The review queue: what comes next and filters here, everything else in one component."""

from collections.abc import Callable, Mapping

import streamlit as st

from core.actors import Actor
from core.errors import CatalogError
from core.flags import FLAG_KINDS
from core.queue import POLICIES
from core.services import checks, dashboard, queue, views
from core.services.database import get_engine
from core.services.review import REVIEW_STATES
from core.services.states import ListingState
from core.services.views import PARAMETERS, SavedView, View, read_what_can_be
from pages.ui import components, links, text

_workstation = components.load("review")

ANY = ""  # the first option, which no seller is called
CHECKS_DOC = "Some listings are checks of agreement and attention; your figures stand under Team."
FILTER_WIDTH_PX = 160  # two beside each other on a phone, all on one line of a screen


def render(actor: Actor) -> None:
    """Draw the filters and the workstation; the address says what is shown."""
    asked, problems = read_what_can_be(st.query_params.to_dict())
    for problem in problems:
        st.warning(f"The address asks for what is not there: {text.plain(problem)}")
    view = _show_filters(actor, asked)
    params = view.as_params()
    links.write(**params, listing=links.read_id("listing"))
    filters = {"policy": view.policy} | params
    told = CHECKS_DOC if checks.are_on_for(get_engine(), actor=actor) else ""
    data = {"filters": filters, "listing": links.read_id("listing"), "user": actor.id}
    _workstation(key="review", data=data | {"told": told})


def _show_filters(actor: Actor, asked: View) -> View:
    """Draw the filters, started from the address; return the view that they make."""
    saved = views.list_views(get_engine(), actor=actor)
    with st.container(horizontal=True):
        policy = _choose(
            "Order", {key: row.label for key, row in POLICIES.items()}, asked, "policy"
        )
        states = {key.value: label for key, label in REVIEW_STATES.items()}
        state = _choose("Show", states, asked, "state")
        batches = dashboard.list_batch_names(get_engine(), actor=actor)
        batch = _choose_any("All batches", _keys(batches), asked, "batch")
        kinds = {key: kind.label for key, kind in FLAG_KINDS.items()}
        flag = _choose_any("All flags", kinds, asked, "flag")
        choices = queue.list_choices(get_engine(), actor=actor, state=ListingState(state))
        categories = {category.id: category.path for category in choices.categories}
        category = _choose_any("All categories", _keys(categories), asked, "category")
        sellers = {seller: seller for seller in choices.sellers}
        seller = _choose_any("All sellers", sellers, asked, "seller")
        chosen = {
            "policy": policy,
            "state": state,
            "batch": batch,
            "category": category,
            "flag": flag,
            "seller": seller,
        }
        view = views.read_view({name: key for name, key in chosen.items() if key is not None})
        _show_saved(actor, saved, view)
    return view


def _keys(names: Mapping[int, str]) -> dict[str, str]:
    return {str(id_): name for id_, name in names.items()}


def _choose_any(label: str, options: Mapping[str, str], asked: View, parameter: str) -> str | None:
    """A select box with a first option for all; what the address names is always an option."""
    wanted = asked.as_params().get(parameter)
    extra = {} if wanted is None or wanted in options else {wanted: _unlisted(parameter, wanted)}
    chosen = _choose(label, {ANY: label} | dict(options) | extra, asked, parameter)
    return None if chosen == ANY else chosen


def _unlisted(parameter: str, wanted: str) -> str:
    """Name what no listing has any more, or what the list is too long to hold."""
    return wanted if parameter == "seller" else f"{parameter.capitalize()} {wanted}"


def _choose(label: str, options: Mapping[str, str], asked: View, parameter: str) -> str:
    """A select box that starts where the address says."""
    key = _widget(parameter)
    if st.session_state.get(key) not in options:
        wanted = asked.as_params().get(parameter)
        st.session_state[key] = wanted if wanted in options else next(iter(options))
    return st.selectbox(
        label,
        list(options),
        format_func=lambda key: options.get(key, key),
        key=key,
        on_change=_forget_listing,
        label_visibility="collapsed",
        width=FILTER_WIDTH_PX,
    )


def _show_saved(actor: Actor, saved: tuple[SavedView, ...], view: View) -> None:
    """Draw the saved views: open, save, rename, delete."""
    current = next((each.name for each in saved if each.view == view), None)
    label = "Views" if current is None else f"View: {text.plain(current)}"
    with st.popover(label, width=FILTER_WIDTH_PX):
        if not saved:
            st.caption("Save the order and the filters above under a name, to open them again.")
        for each in saved:
            st.button(
                text.plain(each.name),
                key=f"review-open-{each.name}",
                on_click=_open,
                args=(each.view,),
                disabled=each.name == current,
                width="stretch",
            )
        _show_save(actor, view)
        if current is not None:
            _show_change(actor, current)


def _show_save(actor: Actor, view: View) -> None:
    with st.form("review-save", border=False, clear_on_submit=True):
        name = st.text_input("Save this view as", max_chars=views.MAX_NAME)
        if st.form_submit_button("Save view") and _did(
            lambda: views.save(get_engine(), actor=actor, name=name, view=view)
        ):
            st.rerun()


def _show_change(actor: Actor, current: str) -> None:
    with st.form("review-rename", border=False, clear_on_submit=True):
        name = st.text_input("New name", max_chars=views.MAX_NAME, placeholder=current)
        if st.form_submit_button("Rename view") and _did(
            lambda: views.rename(get_engine(), actor=actor, name=current, new_name=name)
        ):
            st.rerun()
    if st.button("Delete view", key="review-delete") and _did(
        lambda: views.delete(get_engine(), actor=actor, name=current)
    ):
        st.rerun()


def _did(change: Callable[[], object]) -> bool:
    """Make the change; say why if it cannot be made."""
    try:
        change()
    except CatalogError as error:
        st.error(text.plain(str(error)))
        return False
    return True


def _open(view: View) -> None:
    """Let the select boxes, and the address after them, say the view."""
    always = {"policy": view.policy, "state": view.only.state.value}
    params = always | view.as_params()
    for parameter in PARAMETERS:
        st.session_state[_widget(parameter)] = params.get(parameter, ANY)
    _forget_listing()


def _widget(parameter: str) -> str:
    return f"review-{parameter}"


def _forget_listing() -> None:
    """A new filter starts its own queue."""
    st.query_params.pop("listing", None)
