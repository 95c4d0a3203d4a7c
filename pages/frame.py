"""What stands round every page: navigation, who is there, and the net for errors."""

import logging
from pathlib import Path
from uuid import uuid4

import streamlit as st

from core.actors import Actor, require
from core.errors import CatalogError, ForbiddenError
from core.services import database
from pages.registry import PAGES, PageSpec
from pages.ui import links

log = logging.getLogger(__name__)

LOGO = Path(__file__).parent / "ui" / "logo.svg"
ICON = LOGO.with_name("icon.svg")


@st.cache_resource
def _local_actor() -> Actor:
    return database.local_actor(database.get_engine())


def show() -> None:
    """Draw the page that the address names."""
    st.set_page_config(page_title="Catalens", page_icon=str(ICON), layout="wide")
    pages = {spec.key: _as_page(spec) for spec in PAGES}
    links.remember(pages)
    st.logo(str(LOGO), size="large")
    st.navigation(list(pages.values()), position="top").run()


def _as_page(spec: PageSpec) -> st.Page:
    return st.Page(
        lambda: _draw(spec),
        title=spec.title,
        icon=spec.icon,
        url_path=spec.url_path,
        default=not spec.url_path,
    )


def _draw(spec: PageSpec) -> None:
    """Draw one page; an error becomes a message, and an unexpected one is logged."""
    try:
        actor = _local_actor()
        if spec.permission is not None:
            require(actor, spec.permission)
        spec.load()(actor)
    except ForbiddenError as error:
        st.warning(str(error), icon=":material/lock:")
    except CatalogError as error:
        st.error(str(error), icon=":material/error:")
    except Exception:
        reference = uuid4().hex[:8]
        log.exception("page %s failed, reference %s", spec.key, reference)
        st.error(
            f"Something went wrong on this page. It has been logged under **{reference}**. "
            "Reload the page; if it happens again, pass that reference on.",
            icon=":material/error:",
        )
