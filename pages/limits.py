"""One quality check of a batch: what its limit catches, and moving it."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.actors import PERMISSIONS, Actor
from core.quality import QUALITY_CHECKS, QualityCheck
from core.services import limits, verdicts
from core.services.database import get_engine
from core.services.limits import CheckView, LimitChange, MeasuredPhoto
from pages.ui import charts, flags, gallery, jobs, links, text

EXAMPLES = 12
EVERYWHERE = "All categories"


def show(actor: Actor, *, batch_id: int, kind: str) -> None:
    """Draw the check that the address names."""
    if st.button("Back to the batch", icon=":material/arrow_back:", type="tertiary"):
        links.go("batches", batch=batch_id)
    check = QUALITY_CHECKS[kind]
    st.title(check.label)
    st.caption(f"{check.doc} Measured as: {check.how}.")
    _show_rightness(actor, kind)
    jobs.show(actor, kind="flags")
    branch = _choose_branch(actor, batch_id)
    view = limits.get_check(get_engine(), actor=actor, kind=kind, batch_id=batch_id, branch=branch)
    if not view.photos:
        st.info(
            "None of these photos has been measured yet. **Classify again** on the batch's page "
            "measures photos that came in before measures were kept.",
            icon=":material/straighten:",
        )
        return
    limit = _choose_limit(check, view, branch)
    _show_catch(view, limit, batch_id)
    _show_saving(actor, view, limit, branch)
    _show_changes(check, view.changes)


def _show_rightness(actor: Actor, kind: str) -> None:
    found = verdicts.measure_precision(get_engine(), actor=actor, kinds=[kind])
    if kind in found:
        st.markdown(f"So far {flags.rightness(found[kind])}", help=flags.RIGHTNESS_DOC)


def _choose_branch(actor: Actor, batch_id: int) -> str | None:
    branches = limits.list_branches(get_engine(), actor=actor, batch_id=batch_id)
    chosen = st.selectbox(
        "Limit for",
        [EVERYWHERE, *branches],
        help="A branch of categories may have a limit of its own; the smallest one counts.",
        width=420,
    )
    return None if chosen == EVERYWHERE else chosen


def _choose_limit(check: QualityCheck, view: CheckView, branch: str | None) -> float:
    """Return the limit typed; it starts at the one that holds."""
    typed = st.number_input(
        f"Limit ({check.unit})",
        value=float(view.limit),
        step=_step(view),
        format="%.4g",
        key=f"limit-{view.kind}-{branch}-{view.limit}",
        width=260,
        help=f"Photos {check.side} it are flagged. The check's own limit is {check.limit:g}.",
    )
    values = [photo.value for photo in view.photos]
    caught = len(view.list_beyond(typed))  # the worst come first
    figure = charts.distribution(
        values[caught:], values[:caught], limit=typed, in_force=view.limit, axis=check.unit
    )
    st.plotly_chart(figure, config=charts.CONFIG, key="distribution")
    return typed


def _step(view: CheckView) -> float:
    """A fiftieth of the range, as a round number."""
    values = [photo.value for photo in view.photos]
    return float(f"{max(max(values) - min(values), abs(view.limit)) / 50:.0e}") or 0.01


def _show_catch(view: CheckView, limit: float, batch_id: int) -> None:
    caught = view.list_beyond(limit)
    listings = len({photo.listing_id for photo in caught})
    now = len({photo.listing_id for photo in view.list_beyond(view.limit)})
    st.markdown(
        f"**Would flag {listings:,} of {text.count(view.listings, 'listing')}**"
        + (f", {now:,} at the limit that holds" if limit != view.limit else "")
    )
    beside = view.photos[len(caught) : len(caught) + EXAMPLES]
    for words, photos in (
        ("Flagged, nearest to the limit", caught[::-1][:EXAMPLES]),
        ("Not flagged, nearest to the limit", beside),
    ):
        if photos:
            st.caption(words)
            gallery.show([_thumbnail(photo, batch_id) for photo in photos])


def _thumbnail(photo: MeasuredPhoto, batch_id: int) -> gallery.Thumbnail:
    href = f"/review?batch={batch_id}&listing={photo.listing_id}"
    return gallery.Thumbnail(photo.sha256, f"{photo.sku}: {photo.value:.3g}", href)


def _show_saving(actor: Actor, view: CheckView, limit: float, branch: str | None) -> None:
    if "tune" not in PERMISSIONS.get(actor.role, frozenset()):
        st.caption("A manager may move the limit.")
        return
    with st.container(horizontal=True):
        if st.button("Use this limit", type="primary", disabled=limit == view.limit):
            _save(actor, view.kind, limit, branch)
        newest = next((each for each in view.changes if each.category == branch), None)
        if st.button(
            "Back to the check's own" if branch is None else "No limit of its own",
            disabled=newest is None or newest.value is None,
        ):
            _save(actor, view.kind, None, branch)


def _save(actor: Actor, kind: str, value: float | None, branch: str | None) -> None:
    limits.set_limit(get_engine(), actor=actor, kind=kind, value=value, branch=branch)
    st.toast("The limit holds from now on; open flags follow in a moment.")
    st.rerun()


def _show_changes(check: QualityCheck, changes: Sequence[LimitChange]) -> None:
    if not changes:
        return
    st.subheader("Changes", anchor=False)
    st.dataframe(
        pd.DataFrame(
            {
                "When (UTC)": [text.day(change.changed_at) for change in changes],
                "Who": [change.changed_by for change in changes],
                "For": [change.category or EVERYWHERE for change in changes],
                f"Limit ({check.unit})": [
                    "back" if change.value is None else f"{change.value:g}" for change in changes
                ],
            }
        ),
        hide_index=True,
    )
