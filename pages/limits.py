"""One limit in a batch: what it catches, and moving it."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from core.actors import Actor, may
from core.flags import FLAG_KINDS, FLAG_LIMITS, FlagLimit
from core.flags.limits import Source
from core.mislabel import MIN_CONFIRMED
from core.services import limits, verdicts
from core.services.database import get_engine
from core.services.limits import LimitChange, LimitView, MeasuredPhoto
from pages.ui import charts, flags, gallery, jobs, links, text

EXAMPLES = 12
EVERYWHERE = "All categories"

NOTHING_TO_COMPARE: Mapping[Source, str] = {
    "measures": "None of these photos has been measured yet. **Classify again** on the batch's "
    "page measures photos that came in before measures were kept.",
    "opinions": "Nowhere here do two models name different categories.",
    "maps": "No photo here has been compared yet. What models look at is compared while no photo "
    "waits to be classified, on the main photos of open listings that all models name the same "
    "category of; **Classify again** on the batch's page asks for it.",
    "margins": "No claim here is judged by a margin: there is none, the models agree with all, or "
    "a share is promised for them.",
    "claims": "No open claim here has been held against reviewed ones. That takes "
    f"{MIN_CONFIRMED} reviewed claims that were right.",
    "copies": "No photo here has a copy in another listing.",
    "known": "No open photo here has been held against decided ones yet, or too few are decided.",
}


def show(actor: Actor, *, batch_id: int, key: str) -> None:
    """Draw the limit that the address names."""
    if st.button("Back to the batch", icon=":material/arrow_back:", type="tertiary"):
        links.go("batches", batch=batch_id)
    row = FLAG_LIMITS[key]
    st.title(row.label)
    st.caption(f"{_mean(row)} Measured as: {row.how}.")
    _show_siblings(row, batch_id)
    _show_rightness(actor, row.flag)
    branch = _choose_branch(actor, batch_id)
    view = limits.get_limit(get_engine(), actor=actor, key=key, batch_id=batch_id, branch=branch)
    is_at_work = jobs.show(actor, kind=view.job)
    if not view.photos:
        _show_nothing(actor, row, view, is_at_work=is_at_work)
    limit = _choose_limit(row, view, branch)
    if view.photos:
        _show_catch(view, limit, batch_id)
    _show_saving(actor, view, limit, branch)
    _show_changes(row, view.changes)


def _mean(row: FlagLimit) -> str:
    return f"{FLAG_KINDS[row.flag].doc} {row.when}".strip()


def _show_siblings(row: FlagLimit, batch_id: int) -> None:
    """Lead to the other limits of the same flag."""
    for other in FLAG_LIMITS.values():
        if (
            other.flag == row.flag
            and other.key != row.key
            and st.button(f"To the limit: {other.label}", key=f"to-{other.key}", type="tertiary")
        ):
            links.go("batches", batch=batch_id, check=other.key)


def _show_nothing(actor: Actor, row: FlagLimit, view: LimitView, *, is_at_work: bool) -> None:
    st.info(NOTHING_TO_COMPARE[row.source], icon=":material/straighten:")
    is_judged = row.source in ("claims", "known")  # and not read from what is stored anyway
    if (
        is_judged
        and not is_at_work
        and may(actor, "tune")
        and st.button(
            "Look now",
            icon=":material/refresh:",
            help="Holds them against all that is decided by now.",
        )
    ):
        limits.ask_values(get_engine(), actor=actor, key=view.key)
        st.rerun()


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


def _choose_limit(row: FlagLimit, view: LimitView, branch: str | None) -> float:
    """Return the limit typed; it starts at the one that holds."""
    typed = st.number_input(
        f"Limit ({row.unit})",
        min_value=row.lowest,
        max_value=row.highest,
        value=min(row.highest, max(row.lowest, float(view.limit))),
        step=_step(view),
        format="%.4g",
        key=f"limit-{view.key}-{branch}-{view.limit}",
        width=260,
        help=f"Flagged: {row.side} the limit. It can be {row.lowest:g} to {row.highest:g}; the "
        f"flag's own is {row.limit:g}.",
    )
    if row.promise:
        st.caption(row.promised(typed))
    if not view.photos:
        return typed
    values = [photo.value for photo in view.photos]
    caught = len(view.list_beyond(typed))  # the worst come first
    figure = charts.distribution(
        values[caught:], values[:caught], limit=typed, in_force=view.limit, axis=row.unit
    )
    st.plotly_chart(figure, config=charts.CONFIG, key="distribution")
    return typed


def _step(view: LimitView) -> float:
    """A fiftieth of the range, as a round number."""
    values = [photo.value for photo in view.photos] or [view.limit]
    return float(f"{max(max(values) - min(values), abs(view.limit)) / 50:.0e}") or 0.01


def _show_catch(view: LimitView, limit: float, batch_id: int) -> None:
    caught = view.list_beyond(limit)
    listings = len({photo.listing_id for photo in caught})
    now = len({photo.listing_id for photo in view.list_beyond(view.limit)})
    st.markdown(
        f"**Would flag {listings:,} of {text.count(view.listings, 'listing')}**"
        + (f", {now:,} at the limit that holds" if limit != view.limit else "")
    )
    if view.elsewhere:
        st.caption(
            f"{text.count(view.elsewhere, 'more listing')} in branches with a limit of their own."
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


def _show_saving(actor: Actor, view: LimitView, limit: float, branch: str | None) -> None:
    if not may(actor, "tune"):
        st.caption("A manager may move the limit.")
        return
    with st.container(horizontal=True):
        if st.button("Use this limit", type="primary", disabled=limit == view.limit):
            _save(actor, view.key, limit, branch)
        newest = next((each for each in view.changes if each.category == branch), None)
        if st.button(
            "Back to the flag's own" if branch is None else "No limit of its own",
            disabled=newest is None or newest.value is None,
        ):
            _save(actor, view.key, None, branch)


def _save(actor: Actor, key: str, value: float | None, branch: str | None) -> None:
    limits.set_limit(get_engine(), actor=actor, key=key, value=value, branch=branch)
    st.toast("The limit holds from now on; open flags follow in a moment.")
    st.rerun()


def _show_changes(row: FlagLimit, changes: Sequence[LimitChange]) -> None:
    if not changes:
        return
    st.subheader("Changes", anchor=False)
    st.dataframe(
        pd.DataFrame(
            {
                "When (UTC)": [text.day(change.changed_at) for change in changes],
                "Who": [change.changed_by for change in changes],
                "For": [change.category or EVERYWHERE for change in changes],
                f"Limit ({row.unit})": [
                    "back" if change.value is None else f"{change.value:g}" for change in changes
                ],
            }
        ),
        hide_index=True,
    )
