"""The brand register: what is protected, how it looks, who may sell it, for how much."""

from collections.abc import Sequence
from decimal import Decimal

import streamlit as st

from core.actors import Actor
from core.errors import CatalogError
from core.services import brands
from core.services.brands import Brand, BrandEntry, ReferenceView
from core.services.database import get_engine
from core.services.states import ReferenceKind
from core.settings import get_settings
from pages.ui import gallery, jobs, text

MAX_PHOTO_MB = 30
TYPES = ("jpg", "jpeg", "png", "webp", "heic", "gif", "bmp", "tiff")
KINDS = {ReferenceKind.PHOTO: "Reference photos", ReferenceKind.LOGO: "Logos"}
_ADVICE = {
    ReferenceKind.PHOTO: "The brand's own pictures of its goods, as they stand in its shop.",
    ReferenceKind.LOGO: "Cut close, straight, from the front, without a frame; a white ground is "
    "fine. Add each version that is in use.",
}
_TAKEN = "brand-references-taken"


def render(actor: Actor) -> None:
    """Draw the register, and a form for one more brand."""
    st.title("Brands")
    st.caption(
        "Each listing is held against these brands. What looks like a copy comes to **Brand "
        "evidence** for a person to judge; nothing is decided by itself."
    )
    jobs.show(actor, kind="brands")
    found = brands.list_brands(get_engine(), actor=actor)
    if not found:
        st.info(
            "No brand yet. Add one by its name, then its photos or logos and who may sell it. From "
            "then on, listings that show them but come from somebody else are brought up.",
            icon=":material/verified:",
        )
    _show_form(actor)
    for brand in found:
        _show_brand(actor, brand)


def _show_form(actor: Actor) -> None:
    row = st.form("new-brand", clear_on_submit=True)
    with row.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Brand", max_chars=brands.MAX_NAME, width=260)
        is_sent = st.form_submit_button("Add brand", type="primary", icon=":material/add:")
    if is_sent:
        try:
            brands.add_brand(get_engine(), actor=actor, entry=BrandEntry(name))
        except CatalogError as error:
            st.error(text.sentence(error), icon=":material/error:")
            return
        st.rerun()


def _show_brand(actor: Actor, brand: Brand) -> None:
    with st.container(border=True, key=f"brand-{brand.id}"):
        st.subheader(text.plain(brand.name), anchor=False)
        st.caption(_describe(brand))
        photos, logos = st.columns(2)
        for column, kind in ((photos, ReferenceKind.PHOTO), (logos, ReferenceKind.LOGO)):
            with column:
                _show_references(actor, brand, kind)
        with st.expander("Name, sellers and prices"):
            _show_entry(actor, brand)


def _describe(brand: Brand) -> str:
    sellers = (
        text.count(len(brand.sellers), "authorised seller")
        if brand.sellers
        else "no authorised seller yet: everybody who shows it is brought up"
    )
    return " · ".join(filter(None, ("" if brand.is_watched else "not watched", sellers)))


def _show_references(actor: Actor, brand: Brand, kind: ReferenceKind) -> None:
    st.markdown(f"**{KINDS[kind]}**", help=_ADVICE[kind])
    found = [each for each in brand.references if each.kind == kind]
    gallery.show(
        [
            gallery.Thumbnail(each.sha256, each.file_name, f"/api/images/{each.sha256}/view")
            for each in found
        ]
    )
    files = st.file_uploader(
        f"Add {KINDS[kind].lower()} of {brand.name}",
        type=list(TYPES),
        accept_multiple_files=True,
        max_upload_size=MAX_PHOTO_MB,
        key=f"upload-{kind}-{brand.id}",
        label_visibility="collapsed",
    )
    taken: set[str] = st.session_state.setdefault(_TAKEN, set())
    new = [file for file in files if file.file_id not in taken]
    for file in new:
        taken.add(file.file_id)
        _take(actor, brand, kind, file.name, bytes(file.getbuffer()))
    if new:
        st.rerun()
    _show_refused(brand, kind)
    if found:
        _show_removal(actor, brand, kind, found)


def _take(actor: Actor, brand: Brand, kind: ReferenceKind, file_name: str, data: bytes) -> None:
    try:
        brands.add_reference(
            get_engine(),
            get_settings(),
            actor=actor,
            brand_id=brand.id,
            kind=kind,
            file_name=file_name,
            data=data,
        )
    except CatalogError as error:
        refused: list[str] = st.session_state.setdefault(_refused(brand, kind), [])
        refused.append(f"{file_name}: {error}")


def _show_refused(brand: Brand, kind: ReferenceKind) -> None:
    for reason in st.session_state.pop(_refused(brand, kind), ()):
        st.error(text.sentence(reason), icon=":material/broken_image:")


def _refused(brand: Brand, kind: ReferenceKind) -> str:
    return f"brand-refused-{kind}-{brand.id}"


def _show_removal(
    actor: Actor, brand: Brand, kind: ReferenceKind, found: Sequence[ReferenceView]
) -> None:
    names = {each.id: f"{each.file_name} ({each.id})" for each in found}
    with st.popover("Take one out", icon=":material/remove:"):
        chosen = st.selectbox(
            "Which", list(names), format_func=names.__getitem__, key=f"out-{kind}-{brand.id}"
        )
        if st.button("Take out", key=f"take-out-{kind}-{brand.id}"):
            brands.remove_reference(get_engine(), actor=actor, reference_id=chosen)
            st.rerun()


def _show_entry(actor: Actor, brand: Brand) -> None:
    with st.form(f"entry-{brand.id}", border=False):
        name = st.text_input("Name", brand.name, max_chars=brands.MAX_NAME)
        sellers = st.text_area(
            "Authorised sellers, one a line",
            "\n".join(brand.sellers),
            help="As the seller stands in the listings; upper and lower case do not matter.",
        )
        with st.container(horizontal=True):
            lowest = _ask_price("Usual price from", brand.lowest)
            highest = _ask_price("to", brand.highest)
        is_watched = st.toggle("Hold listings against this brand", brand.is_watched)
        is_sent = st.form_submit_button("Save", type="primary")
    if is_sent:
        entry = BrandEntry(name, tuple(sellers.splitlines()), lowest, highest, is_watched)
        try:
            brands.change_brand(get_engine(), actor=actor, brand_id=brand.id, entry=entry)
        except CatalogError as error:
            st.error(text.sentence(error), icon=":material/error:")
            return
        st.toast("Saved; the evidence follows in a moment.")
        st.rerun()


def _ask_price(label: str, price: Decimal | None) -> Decimal | None:
    typed = st.number_input(
        label,
        min_value=0.0,
        value=None if price is None else float(price),
        format="%.2f",
        placeholder="any",
        width=160,
        help="In the currency of the listings.",
    )
    return None if typed is None else Decimal(f"{typed:.2f}")
