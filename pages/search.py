"""Search by a photo, by a listing, by words and filters, or by several at once."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

import streamlit as st

from core.actors import Actor
from core.errors import CatalogError
from core.services import lookups, parts, search
from core.services.database import get_engine
from core.services.hits import SearchHit
from core.services.search import HITS_A_PAGE, SearchFilter, SearchPage
from core.services.states import ListingState, LookupState
from core.settings import get_settings
from pages.ui import choices, components, gallery, links, paging, session, text

REFRESH_S = 0.3
STATES = {state.value.replace("_", " ").capitalize(): state for state in ListingState}
WHOLE = "whole"  # what the component says when a region is to be forgotten
_LENS = "lens"
_PARTS = "search-parts"
_PAGE = "search-page"

_lens = components.load("lens")


def render(actor: Actor) -> None:
    """Draw what the address asks for: a photo, a listing or a part of it, words, filters."""
    st.title("Search")
    listing_id, lookup_id = links.read_id("listing"), links.read_id("photo")
    region = st.query_params.get("region") or None
    listing_id = None if lookup_id else listing_id
    subject = (
        search.find_subject(get_engine(), actor=actor, listing_id=listing_id)
        if listing_id
        else None
    )
    _draw_lens(subject, lookup_id, region)
    only = _choose_filter(actor)
    varied = False
    if subject or lookup_id:
        varied = _show_subject(_name(subject, region), listing_id)
    if subject and region:
        try:
            lookup_id = _find_part(actor, subject.listing_id, region)
        except CatalogError as error:
            st.error(text.sentence(error), icon=":material/error:")
            return
    if lookup_id is None or _show_photo(actor, lookup_id):
        _show_hits(actor, only, {"listing_id": listing_id, "lookup_id": lookup_id}, varied=varied)


def _draw_lens(subject: SearchHit | None, lookup_id: int | None, region: str | None) -> None:
    """Take a photo, or a part of the one that is shown; the address names it from then on."""
    _lens(
        key=_LENS,
        data={
            "photo": lookup_id,
            "src": f"/api/images/{subject.sha256}/view" if subject else None,
            "region": region,
        },
        on_photo_change=_take_photo,
        on_region_change=_take_region,
    )


def _take_photo() -> None:
    """Name the photo in the address before the page is drawn, so that it is drawn once."""
    photo = st.session_state[_LENS].photo
    if photo:
        for name in ("listing", "region"):
            st.query_params.pop(name, None)
        st.query_params["photo"] = str(photo)


def _take_region() -> None:
    region = st.session_state[_LENS].region
    if region == WHOLE:
        st.query_params.pop("region", None)
    elif region:
        st.query_params["region"] = str(region)


def _find_part(actor: Actor, listing_id: int, region: str) -> int:
    """Return the lookup of a part of a listing's photo, cut out once a session and day."""
    known: dict[tuple[int, str, date], int] = st.session_state.setdefault(_PARTS, {})
    key = (listing_id, region, datetime.now(UTC).date())  # what was handed in is kept for a day
    if key not in known:
        lookup = parts.request_listing(
            get_engine(), get_settings(), actor=actor, listing_id=listing_id, region=region
        )
        known[key] = lookup.id
    return known[key]


def _choose_filter(actor: Actor) -> SearchFilter:
    found = search.list_choices(get_engine(), actor=actor)
    batches = {name: id_ for id_, name in found.batches}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = choices.write_words("Words", "words", placeholder="Title or category")
        category = choices.choose_any("Category", found.categories, "category", anything="All")
        batch = choices.choose_any("Batch", list(batches), "batch", anything="All")
        state = choices.choose_any("State", list(STATES), "state", anything="All")
        seller = choices.write_words("Seller", "seller", placeholder="Exactly").strip()
        since = choices.choose_day("From", "from")
        until = choices.choose_day("To", "to")
    return SearchFilter(
        text=words,
        category=category,
        batch_id=batches[batch] if batch else None,
        state=STATES[state] if state else None,
        seller=seller or None,
        since=since,
        until=until,
    )


def _show_photo(actor: Actor, lookup_id: int) -> bool:
    """Say how the photo stands; return whether it can be searched by."""
    lookup = lookups.get_lookup(get_engine(), actor=actor, lookup_id=lookup_id)
    if lookup.state == LookupState.PENDING:
        st.fragment(run_every=REFRESH_S)(_await_photo)(actor, lookup_id)
    elif lookup.error is not None:
        st.error(
            f"{text.sentence(lookup.error).rstrip('.')}. Choose another photo.",
            icon=":material/broken_image:",
        )
    return lookup.state == LookupState.DONE


def _await_photo(actor: Actor, lookup_id: int) -> None:
    actor = session.renew(actor)
    lookup = lookups.get_lookup(get_engine(), actor=actor, lookup_id=lookup_id)
    if lookup.state != LookupState.PENDING:
        st.rerun()
    st.info("The worker is looking at your photo.", icon=":material/hourglass_top:")


def _name(subject: SearchHit | None, region: str | None) -> str:
    if subject is None:
        return "Most like your photo"
    name = text.plain(subject.title or subject.sku)
    return f"Most like a part of {name}" if region else f"Most like {name}"


def _show_subject(words: str, listing_id: int | None) -> bool:
    """Say what is sought; return whether what is found is to be varied."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(words, anchor=False, width="content")
        varied = choices.switch("Varied", "varied")
        if listing_id and st.button("Open listing", icon=":material/sell:", type="tertiary"):
            links.go("listing", id=listing_id)
        if st.button("Clear", icon=":material/close:", type="tertiary"):
            for name in ("listing", "photo", "region"):
                st.query_params.pop(name, None)
            st.rerun()
    return varied


def _show_hits(
    actor: Actor, only: SearchFilter, sought: Mapping[str, int | None], *, varied: bool
) -> None:
    asked = (only, *sought.values(), varied)
    before, page = st.session_state.get(_PAGE, (None, 0))
    page = page if before == asked else 0
    try:
        found = search.search(
            get_engine(),
            get_settings(),
            actor=actor,
            only=only,
            varied=varied,
            page=page,
            **sought,
        )
    except CatalogError as error:
        st.error(text.sentence(error), icon=":material/error:")
        return
    st.caption(_tell(found))
    if found.hits:
        gallery.show_cards([_card(hit) for hit in found.hits])
    else:
        st.info("Nothing fits. Take a filter away.", icon=":material/search_off:")
    turned = paging.turn(page, total=found.total, a_page=HITS_A_PAGE)
    if turned is not None:
        st.session_state[_PAGE] = (asked, turned)
        st.rerun()


def _tell(found: SearchPage) -> str:
    listings = text.count(found.total, "listing")
    words = f"{listings} · {found.indexed:,} photos searched in {found.took_ms:,} ms"
    if found.waiting:
        words += f" · {text.count(found.waiting, 'photo')} not looked at yet"
    return f"{words}."


def _card(hit: SearchHit) -> gallery.Card:
    name = hit.title or hit.sku
    lines = [text.leaf(hit.category) if hit.category else "no category"]
    if hit.score is not None:
        lines.append(f"{hit.score:.2f} alike")
    if hit.copies:
        lines.append(f"and {text.count(hit.copies, 'copy', 'copies')}")
    return gallery.Card(
        src=f"/api/images/{hit.sha256}/thumb",
        href=f"/api/images/{hit.sha256}/view",
        label=name,
        lines=(
            gallery.Line(name, href=f"/listing?id={hit.listing_id}"),
            *map(gallery.Line, lines),
            gallery.Line("More like this", href=links.more_like(hit.listing_id)),
        ),
    )
