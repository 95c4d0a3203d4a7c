"""What stands round every page: navigation, who is there, and the net for errors."""

import logging
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import streamlit as st

from core.actors import Actor, may, require
from core.errors import CatalogError, ForbiddenError
from core.settings import get_settings
from pages.registry import PAGES, PageSpec
from pages.ui import links, session, text

log = logging.getLogger(__name__)

LOGO = Path(__file__).parent / "ui" / "logo.svg"
ICON = LOGO.with_name("icon.svg")


def show() -> None:
    """Draw the page that the address names, for whoever is signed in."""
    st.set_page_config(page_title="Catalens", page_icon=str(ICON), layout="wide")
    found = session.find()
    actor = None if found is None else found.actor
    pages = {spec.key: _as_page(spec, actor) for spec in PAGES}
    links.remember(pages)
    st.logo(str(LOGO), size="large")
    st.navigation(_by_section(pages, actor), position="top").run()


def _by_section(pages: Mapping[str, st.Page], actor: Actor | None) -> dict[str, list[st.Page]]:
    """Return the pages by the menu that they stand in; no menu has only pages not offered."""
    sections: dict[str, list[st.Page]] = {"": []}
    for spec in PAGES:
        section = spec.section if _is_offered(spec, actor) else ""
        sections.setdefault(section, []).append(pages[spec.key])
    return sections


def _as_page(spec: PageSpec, actor: Actor | None) -> st.Page:
    """Give a page its place; one that the actor may not open stands in no menu."""
    return st.Page(
        lambda: _draw(spec, actor),
        title=spec.title,
        icon=spec.icon,
        url_path=spec.url_path,
        default=not spec.url_path,
        visibility="visible" if _is_offered(spec, actor) else "hidden",
    )


def _is_offered(spec: PageSpec, actor: Actor | None) -> bool:
    if (
        actor is None
        or not spec.in_menu
        or (spec.needs_accounts and not get_settings().has_accounts)
    ):
        return False
    return spec.permission is None or may(actor, spec.permission)


def _draw(spec: PageSpec, actor: Actor | None) -> None:
    """Draw one page; an error becomes a message, and an unexpected one is logged."""
    if actor is None:
        session.show_signed_out()
        return
    try:
        if spec.permission is not None:
            require(actor, spec.permission)
        spec.load()(actor)
    except ForbiddenError as error:
        st.warning(text.sentence(error), icon=":material/lock:")
    except CatalogError as error:
        st.error(text.sentence(error), icon=":material/error:")
    except Exception:
        reference = uuid4().hex[:8]
        log.exception("page %s failed, reference %s", spec.key, reference)
        st.error(
            f"Something went wrong on this page. It has been logged under **{reference}**. "
            "Reload the page; if it happens again, pass that reference on.",
            icon=":material/error:",
        )
