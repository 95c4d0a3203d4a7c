"""The review queue: what comes next and filters here, everything else in one component."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

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
MAX_WORDS = 32  # of a button, the end of a path being what tells it from others
CHECKS_DOC = "Some listings are checks of agreement and attention; your figures stand under Team."


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
    """Draw the filters, started from the address; return the view that they make.

    They are behind one button, so that the photo has the screen, a phone's too. What is not as
    always stands beside it, and goes by a click.
    """
    saved = views.list_views(get_engine(), actor=actor)
    with st.container(horizontal=True, gap="small"):
        with st.popover("Order and filters", icon=":material/tune:", width="content"):
            choices = _list_choices(actor)
            chosen = {each.parameter: _choose(each, asked) for each in choices}
        view = views.read_view({name: key for name, key in chosen.items() if key != ANY})
        _show_saved(actor, saved, view)
        for each in choices:
            if each.parameter in view.as_params():
                _show_chosen(each, chosen[each.parameter])
    return view


@dataclass(frozen=True, slots=True)
class _Choice:
    """What can be chosen of an order or a filter: words by key, the usual one first."""

    parameter: str
    label: str
    options: Mapping[str, str]


def _list_choices(actor: Actor) -> tuple[_Choice, ...]:
    engine = get_engine()
    batches = dashboard.list_batch_names(engine, actor=actor)
    state = st.session_state.get(_widget("state")) or st.query_params.get("state")
    known = {key.value: label for key, label in REVIEW_STATES.items()}
    listed = ListingState(state) if state in known else ListingState.NEEDS_REVIEW
    found = queue.list_choices(engine, actor=actor, state=listed)
    categories = {category.id: category.path for category in found.categories}
    kinds = {key: kind.label for key, kind in FLAG_KINDS.items()}
    sellers = {seller: seller for seller in found.sellers}
    return (
        _Choice("policy", "Order", {key: row.label for key, row in POLICIES.items()}),
        _Choice("state", "Show", known),
        _Choice("batch", "Batch", {ANY: "All batches"} | _keys(batches)),
        _Choice("flag", "Flag", {ANY: "All flags"} | kinds),
        _Choice("category", "Suggested category", {ANY: "All categories"} | _keys(categories)),
        _Choice("seller", "Seller", {ANY: "All sellers"} | sellers),
    )


def _keys(names: Mapping[int, str]) -> dict[str, str]:
    return {str(id_): name for id_, name in names.items()}


def _choose(choice: _Choice, asked: View) -> str:
    """A select box that starts where the address says; what that names is always an option."""
    parameter, key = choice.parameter, _widget(choice.parameter)
    wanted = asked.as_params().get(parameter)
    options = dict(choice.options)
    if wanted is not None:
        options.setdefault(wanted, _unlisted(parameter, wanted))
    if st.session_state.get(key) not in options:
        st.session_state[key] = next(iter(options)) if wanted is None else wanted
    return st.selectbox(
        choice.label,
        list(options),
        format_func=lambda key: options.get(key, key),
        key=key,
        on_change=_forget_listing,
    )


def _unlisted(parameter: str, wanted: str) -> str:
    """Name what no listing has any more, or what the list is too long to hold."""
    return wanted if parameter == "seller" else f"{parameter.capitalize()} {wanted}"


def _show_chosen(choice: _Choice, key: str) -> None:
    """A button that says what is chosen, and lets it be as always."""
    words = choice.options.get(key) or _unlisted(choice.parameter, key)
    short = words if len(words) <= MAX_WORDS else f"…{words[-MAX_WORDS:]}"
    st.button(
        text.plain(short),
        icon=":material/close:",
        key=f"review-drop-{choice.parameter}",
        help=text.plain(f"{choice.label}: {words}. Click to take it away."),
        on_click=_drop,
        args=(choice.parameter, next(iter(choice.options))),
    )


def _drop(parameter: str, usual: str) -> None:
    st.session_state[_widget(parameter)] = usual
    _forget_listing()


def _show_saved(actor: Actor, saved: tuple[SavedView, ...], view: View) -> None:
    """Draw the saved views: open, save, rename, delete."""
    current = next((each.name for each in saved if each.view == view), None)
    label = "Views" if current is None else f"View: {text.plain(current)}"
    with st.popover(label, icon=":material/bookmark:", width="content"):
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
        st.error(text.sentence(error))
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
