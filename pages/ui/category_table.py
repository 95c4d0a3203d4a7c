"""Codes and synonyms of categories, as a table in and out."""

import streamlit as st

from core.actors import Actor
from core.errors import CatalogError
from core.services import categories
from core.services.categories import TableReport
from core.services.database import get_engine
from pages.ui import downloads, text

MAX_TABLE_MB = 20


def show(actor: Actor) -> None:
    """Draw a button with all of it behind."""
    with st.popover("Codes and synonyms", icon=":material/label:"):
        st.caption(
            "Reviewers find a category by its code and by other names for it, too. Take the table, "
            "fill it in, and hand it back. Its columns are code, name and synonyms; further "
            "synonyms go into further cells."
        )
        downloads.offer_csv(
            "categories",
            lambda: categories.export_table(get_engine(), actor=actor).decode(),
            label="All categories as CSV",
        )
        with st.form("category-table", border=False, clear_on_submit=True):
            table = st.file_uploader("The table", type=["csv"], max_upload_size=MAX_TABLE_MB)
            if st.form_submit_button("Take over") and table is not None:
                _take(actor, table.getvalue())


def _take(actor: Actor, data: bytes) -> None:
    try:
        report = categories.import_table(get_engine(), actor=actor, data=data)
    except CatalogError as error:
        st.error(text.sentence(error), icon=":material/error:")
        return
    st.success(_describe(report), icon=":material/check_circle:")


def _describe(report: TableReport) -> str:
    made = f", {len(report.made):,} of them new" if report.made else ""
    return (
        f"{text.count(report.categories, 'category', 'categories')}{made}: "
        f"{text.count(report.codes, 'code')}, {text.count(report.synonyms, 'synonym')}."
    )
