"""Search by a photo, by a listing, by words and filters, or by several at once.

The filters are here; what is searched by and what is found is one component, which asks the API.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.actors import Actor
from core.errors import NotFoundError
from core.services import search
from core.services.database import get_engine
from core.services.search import HITS_A_PAGE
from core.services.states import ListingState
from pages.ui import choices, components, links, text

STATES = {state.value.replace("_", " ").capitalize(): state for state in ListingState}
SOUGHT = ("listing", "photo", "region", "varied")
"""What the address says of what is searched by."""

WIDGETS = {"since": "from", "until": "to"}
"""Filters whose widget, and so the address, has another name."""

WORDS_WIDTH_PX = 220  # with the button beside it as wide as a phone

_SEARCH = "search"
_TURN = "search-turn"

_search = components.load("search")


def render(actor: Actor) -> None:
    """Draw what the address asks for: a photo, a listing or a part of it, words, filters."""
    st.title("Search")
    filters = _choose_filters(actor)
    photo, listing_id = links.read_id("photo"), links.read_id("listing")
    if photo:
        listing_id = None
    data = {
        "photo": photo,
        "listing": listing_id,
        "region": (st.query_params.get("region") or None) if listing_id else None,
        "varied": st.query_params.get("varied") == "true",
        "subject": _find_subject(actor, listing_id) if listing_id else None,
        "filters": filters,
        "a_page": HITS_A_PAGE,
        "turn": st.session_state.get(_TURN, 0),
    }
    _search(key=_SEARCH, data=data, on_sought_change=_follow)


def _follow() -> None:
    """Put into the address what the component searches by, and say which turn that was.

    In one go, so that it is one step of the browser's history: what goes is left empty.
    """
    sought: Mapping[str, Any] | None = st.session_state[_SEARCH].sought
    if sought is None:
        return
    st.session_state[_TURN] = sought["turn"]
    wanted = {name: _write(sought.get(name)) for name in SOUGHT}
    st.query_params.update(
        {name: words for name, words in wanted.items() if words or name in st.query_params}
    )


def _write(value: object) -> str:
    return "true" if value is True else str(value or "")


def _find_subject(actor: Actor, listing_id: int) -> Mapping[str, str] | None:
    """Return name and photo of the listing; None where there is none, as the search will say."""
    try:
        hit = search.find_subject(get_engine(), actor=actor, listing_id=listing_id)
    except NotFoundError:
        return None
    return {"name": hit.title or hit.sku, "src": f"/api/images/{hit.sha256}/view"}


def _choose_filters(actor: Actor) -> Mapping[str, str]:
    """Draw the filters, words beside a button that has the others; return them as the API's."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        words = choices.write_words(
            "Words", "words", placeholder="Title or category", width=WORDS_WIDTH_PX
        )
        with st.popover("Filters", icon=":material/tune:", width="content"):
            others = _choose_others(actor)
        for name in others:
            _show_chosen(name)
    return {"words": words.strip()} | others if words.strip() else others


def _choose_others(actor: Actor) -> dict[str, str]:
    found = search.list_choices(get_engine(), actor=actor)
    batches = {name: str(id_) for id_, name in found.batches}

    def choose(label: str, options: Sequence[str]) -> str | None:
        return choices.choose_any(label, options, label.lower(), anything="All", width="stretch")

    category, batch, state = (
        choose("Category", found.categories),
        choose("Batch", list(batches)),
        choose("State", list(STATES)),
    )
    seller = choices.write_words("Seller", "seller", placeholder="Exactly", width="stretch")
    since = choices.choose_day("From", WIDGETS["since"], width="stretch")
    until = choices.choose_day("To", WIDGETS["until"], width="stretch")
    chosen = {
        "category": category,
        "batch": batch and batches[batch],
        "state": state and STATES[state].value,
        "seller": seller.strip(),
        "since": since,
        "until": until,
    }
    return {name: str(value) for name, value in chosen.items() if value}


def _show_chosen(name: str) -> None:
    """A button that says what is chosen, and takes it away."""
    widget = WIDGETS.get(name, name)
    words = str(st.session_state[widget])
    said = {"category": text.leaf(words), "since": f"from {words}", "until": f"to {words}"}
    st.button(
        text.plain(said.get(name, words)),
        icon=":material/close:",
        key=f"search-drop-{name}",
        help=text.plain(f"{name.capitalize()}: {words}. Click to take it away."),
        on_click=_drop,
        args=(widget,),
    )


def _drop(widget: str) -> None:
    st.session_state[widget] = "" if widget == "seller" else None
