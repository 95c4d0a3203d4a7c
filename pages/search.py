"""Search by a photo, by a listing, by words and filters, or by several at once."""

import streamlit as st

from core.actors import Actor
from core.errors import CatalogError
from core.services import lookups, search
from core.services.database import get_engine
from core.services.search import HITS_A_PAGE, SearchFilter, SearchHit, SearchPage
from core.services.states import ListingState, LookupState
from core.settings import get_settings
from pages.ui import choices, gallery, links, session, text

REFRESH_S = 0.3
STATES = {state.value.replace("_", " ").capitalize(): state for state in ListingState}
MAX_PHOTO_MB = 30  # what cameras write; the server takes less elsewhere
_TAKEN = "search-photo-taken"
_PAGE = "search-page"


def render(actor: Actor) -> None:
    """Draw what the address asks for: a photo, a listing, words, filters."""
    st.title("Search")
    _take_photo(actor)
    listing_id, lookup_id = links.read_id("listing"), links.read_id("photo")
    only = _choose_filter(actor)
    if lookup_id is not None:
        if not _show_photo(actor, lookup_id):
            return
    elif listing_id is not None:
        _show_subject(actor, listing_id)
    _show_hits(actor, only, listing_id if lookup_id is None else None, lookup_id)


def _take_photo(actor: Actor) -> None:
    """Hand a new photo in and let the address name it."""
    photo = st.file_uploader(
        "A photo to search by",
        type=["jpg", "jpeg", "png", "webp", "heic", "gif", "bmp", "tiff"],
        max_upload_size=MAX_PHOTO_MB,
        help="Drop it here, paste it, or take it with the phone's camera.",
    )
    if photo is None or st.session_state.get(_TAKEN) == photo.file_id:
        return
    st.session_state[_TAKEN] = photo.file_id
    try:
        lookup = lookups.request(
            get_engine(), get_settings(), actor=actor, data=bytes(photo.getbuffer())
        )
    except CatalogError as error:
        st.error(str(error), icon=":material/error:")
        return
    st.query_params.pop("listing", None)
    st.query_params["photo"] = str(lookup.id)


def _choose_filter(actor: Actor) -> SearchFilter:
    found = search.list_choices(get_engine(), actor=actor)
    batches = {name: id_ for id_, name in found.batches}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = choices.write_words("Words", "words", placeholder="Title or category")
        category = choices.choose_any("Category", found.categories, "category", anything="All")
        batch = choices.choose_any("Batch", list(batches), "batch", anything="All")
        state = choices.choose_any("State", list(STATES), "state", anything="All")
        seller = choices.write_words("Seller", "seller", placeholder="Exactly").strip()
    return SearchFilter(
        text=words,
        category=category,
        batch_id=batches[batch] if batch else None,
        state=STATES[state] if state else None,
        seller=seller or None,
    )


def _show_photo(actor: Actor, lookup_id: int) -> bool:
    """Say how the photo stands; return whether it can be searched by."""
    lookup = lookups.get_lookup(get_engine(), actor=actor, lookup_id=lookup_id)
    if lookup.state == LookupState.PENDING:
        st.fragment(run_every=REFRESH_S)(_await_photo)(actor, lookup_id)
    elif lookup.error is not None:
        st.error(text.plain(lookup.error), icon=":material/broken_image:")
    else:
        _show_subject_line("Most like your photo")
    return lookup.state == LookupState.DONE


def _await_photo(actor: Actor, lookup_id: int) -> None:
    actor = session.renew(actor)
    lookup = lookups.get_lookup(get_engine(), actor=actor, lookup_id=lookup_id)
    if lookup.state != LookupState.PENDING:
        st.rerun()
    st.info("The worker is looking at your photo.", icon=":material/hourglass_top:")


def _show_subject(actor: Actor, listing_id: int) -> None:
    subject = search.find_subject(get_engine(), actor=actor, listing_id=listing_id)
    _show_subject_line(f"Most like {text.plain(subject.title or subject.sku)}")
    gallery.show_cards([_card(subject, href=f"/api/images/{subject.sha256}/view")])


def _show_subject_line(words: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(words, anchor=False, width="content")
        if st.button("Clear", icon=":material/close:", type="tertiary"):
            for name in ("listing", "photo"):
                st.query_params.pop(name, None)
            st.rerun()


def _show_hits(
    actor: Actor, only: SearchFilter, listing_id: int | None, lookup_id: int | None
) -> None:
    asked = (only, listing_id, lookup_id)
    before, page = st.session_state.get(_PAGE, (None, 0))
    page = page if before == asked else 0
    try:
        found = search.search(
            get_engine(),
            get_settings(),
            actor=actor,
            only=only,
            listing_id=listing_id,
            lookup_id=lookup_id,
            page=page,
        )
    except CatalogError as error:
        st.error(text.plain(str(error)), icon=":material/error:")
        return
    st.caption(_tell(found))
    if found.hits:
        gallery.show_cards(
            [_card(hit, href=f"/search?listing={hit.listing_id}") for hit in found.hits]
        )
    else:
        st.info("Nothing fits. Take a filter away.", icon=":material/search_off:")
    last = max(0, (found.total - 1) // HITS_A_PAGE)
    if last:
        _show_pages(asked, page, last)


def _show_pages(asked: object, page: int, last: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Previous", icon=":material/chevron_left:", disabled=page == 0):
            st.session_state[_PAGE] = (asked, page - 1)
            st.rerun()
        st.caption(f"Page {page + 1} of {last + 1}", width="content")
        if st.button("Next", icon=":material/chevron_right:", disabled=page >= last):
            st.session_state[_PAGE] = (asked, page + 1)
            st.rerun()


def _tell(found: SearchPage) -> str:
    listings = text.count(found.total, "listing")
    words = f"{listings} · {found.indexed:,} photos searched in {found.took_ms:,} ms"
    if found.waiting:
        words += f" · {text.count(found.waiting, 'photo')} not looked at yet"
    return f"{words}. A click on one finds more like it."


def _card(hit: SearchHit, *, href: str) -> gallery.Card:
    name = hit.title or hit.sku
    lines = [name, text.leaf(hit.category) if hit.category else "no category"]
    if hit.score is not None:
        lines.append(f"{hit.score:.2f} alike")
    if hit.copies:
        lines.append(f"and {text.count(hit.copies, 'copy', 'copies')}")
    return gallery.Card(
        src=f"/api/images/{hit.sha256}/thumb",
        href=href,
        label=name,
        lines=tuple(map(gallery.Line, lines)),
    )
