"""All batches, or one of them: progress, flags, refused files, export."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.actors import Actor, may
from core.evaluation import Tally
from core.flags import FLAG_KINDS, FLAG_LIMITS, percent
from core.services import claims, dashboard, publishing, story, verdicts
from core.services import jobs as job_service
from core.services.claims import ClaimOutlook, ClaimPromise
from core.services.dashboard import BatchDetail, BatchSummary, FlaggedPhoto, Refusal
from core.services.database import get_engine
from core.services.exports import EXPORT_FORMATS
from core.services.publishing import Readiness
from core.services.states import ListingState
from core.settings import get_settings
from pages import limits, replays
from pages.ui import flags, gallery, jobs, links, text

STATE_LABELS = {
    ListingState.NEEDS_REVIEW: "To review",
    ListingState.AUTO_ACCEPTED: "Accepted by itself",
    ListingState.ACCEPTED: "Accepted",
    ListingState.CORRECTED: "Corrected",
    ListingState.REJECTED: "Rejected",
    ListingState.PUBLISHED: "Published",
}


def render(actor: Actor) -> None:
    """Draw the batch that the address names, or the table of all."""
    batch_id = links.read_id("batch")
    if batch_id is None:
        _show_all(actor)
    elif (key := st.query_params.get("check")) in FLAG_LIMITS:
        limits.show(actor, batch_id=batch_id, key=key)
    elif "replay" in st.query_params:
        replays.show(actor, batch_id=batch_id, version_id=links.read_id("replay"))
    else:
        _show_one(actor, batch_id)


def _show_all(actor: Actor) -> None:
    st.title("Batches")
    batches = dashboard.list_batches(get_engine(), actor=actor)
    if not batches:
        _show_none()
        return
    table = _table(batches)
    picked = st.dataframe(
        table,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "Decided": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)
        },
    )
    st.caption("Select a row to open the batch.")
    rows = picked["selection"]["rows"]
    if rows:
        links.go("batches", batch=batches[rows[0]].id)


def _show_none() -> None:
    st.info(
        "There are no batches yet. Upload photos, or start with the sample catalog on the "
        "first page.",
        icon=":material/inventory_2:",
    )
    with st.container(horizontal=True):
        if st.button("Upload photos", type="primary", icon=":material/upload:"):
            links.go("upload")
        if st.button("To the first page", icon=":material/home:"):
            links.go("home")


def _table(batches: Sequence[BatchSummary]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Batch": [batch.name for batch in batches],
            "Listings": [batch.listings for batch in batches],
            "Decided": [batch.decided / max(1, batch.listings) for batch in batches],
            "To review": [batch.to_review for batch in batches],
            "Being classified": [batch.waiting for batch in batches],
            "Flags": [sum(batch.flags.values()) for batch in batches],
            "Refused files": [batch.refused for batch in batches],
            "Added (UTC)": [text.day(batch.created_at) for batch in batches],
            "By": [batch.created_by for batch in batches],
        }
    )


def _show_one(actor: Actor, batch_id: int) -> None:
    if st.button("All batches", icon=":material/arrow_back:", type="tertiary"):
        links.go("batches")
    heading = st.container()
    # Before the batch is read: a job that ended in between would leave old figures standing.
    is_at_work = jobs.show(actor, batch_id=batch_id)
    batch = dashboard.get_batch(get_engine(), actor=actor, batch_id=batch_id)
    summary = batch.summary
    heading.title(text.plain(summary.name))
    heading.caption(
        f"{text.count(summary.listings, 'listing')}, added {text.day(summary.created_at)} UTC "
        f"by {text.plain(summary.created_by)}"
    )
    _show_states(summary)
    readiness = publishing.get_readiness(get_engine(), actor=actor, batch_id=batch_id)
    _show_actions(actor, summary, readiness, is_at_work=is_at_work)
    if readiness.what_stays:
        st.caption(readiness.what_stays)
    _find_listing(actor, summary)
    _show_flags(actor, batch)
    _show_refusals(batch.refusals)


def _show_states(batch: BatchSummary) -> None:
    figures = [("Being classified", batch.waiting)] if batch.waiting else []
    figures += [
        (label, batch.states[state])
        for state, label in STATE_LABELS.items()
        if batch.states.get(state)
    ]
    with st.container(horizontal=True):
        for label, number in figures:
            st.metric(label, f"{number:,}", border=True, width=170)


def _show_actions(
    actor: Actor, batch: BatchSummary, readiness: Readiness, *, is_at_work: bool
) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if may(actor, "review") and st.button(
            f"Review {text.count(batch.to_review, 'listing')}",
            type="primary",
            icon=":material/fact_check:",
            disabled=not batch.to_review,
        ):
            links.go("review", batch=batch.id)
        if may(actor, "publish"):
            _show_publish(actor, batch, readiness)
        for row in EXPORT_FORMATS.values() if may(actor, "export") else ():
            # A plain link: the file goes from our route to disk and not through the page.
            st.link_button(
                f"Export {row.label}",
                f"/api/exports/{batch.id}.{row.key}",
                icon=":material/download:",
            )
        if not is_at_work and may(actor, "upload"):
            _show_classify_again(actor, batch)
        if may(actor, "dashboards") and st.button(
            "Replay",
            icon=":material/replay:",
            help="Shows what another model version would have suggested.",
        ):
            links.go("batches", batch=batch.id, replay="newest")


def _show_publish(actor: Actor, batch: BatchSummary, readiness: Readiness) -> None:
    listings = text.count(readiness.ready, "listing")
    if not readiness.ready:  # as a button, so that the question goes away with its answer
        st.button(f"Publish {listings}", icon=":material/publish:", disabled=True)
        return
    with st.popover(
        f"Publish {listings}",
        icon=":material/publish:",
        help="Publishes what is accepted or corrected and has no open flag that blocks it.",
    ):
        st.write(f"{listings} of {text.plain(batch.name)} go live. This cannot be undone here.")
        if st.button(f"Yes, publish {listings}", type="primary"):
            publishing.publish_batch(get_engine(), actor=actor, batch_id=batch.id)
            st.rerun()


def _show_classify_again(actor: Actor, batch: BatchSummary) -> None:
    if st.button(
        "Classify again",
        icon=":material/refresh:",
        help="Adds the predictions of models that have not seen these photos yet and tries "
        "photos again that could not be read. What somebody decided stays.",
    ):
        job_service.classify_batch(get_engine(), get_settings(), actor=actor, batch_id=batch.id)
        st.rerun()


def _find_listing(actor: Actor, batch: BatchSummary) -> None:
    """Open the page of one listing."""
    sku = st.text_input("Open a listing", placeholder="Its SKU", key="sku", width=260)
    if not sku:
        return
    found = story.find_listing_id(get_engine(), actor=actor, batch_id=batch.id, sku=sku)
    if found is None:
        st.caption(f"This batch has no listing with the SKU {text.plain(sku)}.")
    else:
        links.go("listing", id=found)


def _show_flags(actor: Actor, batch: BatchDetail) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader("Flags", anchor=False)
        _choose_check(batch.summary)
    if not batch.flagged:
        waiting = "The photos are still being looked at." if batch.summary.waiting else ""
        st.caption(waiting or "Nothing in this batch is flagged.")
    kinds = tuple(batch.flagged)
    precision = verdicts.measure_precision(get_engine(), actor=actor, kinds=kinds)
    for kind, photos in batch.flagged.items():
        _show_flag(actor, batch.summary, kind, photos, precision.get(kind))
        if kind == claims.KIND:
            _show_outlook(actor, batch.summary)


def _choose_check(batch: BatchSummary) -> None:
    """Open any limit, also of flags that nothing here has."""
    chosen = st.selectbox(
        "Limits",
        list(FLAG_LIMITS),
        index=None,
        format_func=lambda key: FLAG_LIMITS[key].label,
        placeholder="Limits of the flags",
        label_visibility="collapsed",
        width=260,
    )
    if chosen:
        links.go("batches", batch=batch.id, check=chosen)


def _show_flag(
    actor: Actor,
    batch: BatchSummary,
    kind: str,
    photos: Sequence[FlaggedPhoto],
    precision: Tally | None,
) -> None:
    title = f"**{FLAG_KINDS[kind].label}** · {text.count(batch.flags[kind], 'listing')}"
    meaning = FLAG_KINDS[kind].doc
    if precision is not None:
        title += f" · {flags.rightness(precision)}"
        meaning += f" {flags.RIGHTNESS_DOC}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(title, help=meaning, width="content")
        if kind in FLAG_LIMITS and st.button("Limit", key=f"limit-{kind}", type="tertiary"):
            links.go("batches", batch=batch.id, check=kind)
    gallery.show(
        [
            gallery.Thumbnail(
                photo.sha256,
                photo.sku,
                f"/review?batch={batch.id}&flag={kind}&listing={photo.listing_id}"
                if may(actor, "review")
                else f"/listing?id={photo.listing_id}",
            )
            for photo in photos
        ]
    )


def _show_outlook(actor: Actor, batch: BatchSummary) -> None:
    """Say how many of the flags on claims to expect to be unfounded, or when that can be said."""
    outlook = claims.get_outlook(get_engine(), actor=actor, batch_id=batch.id)
    st.caption(_describe_outlook(outlook))
    if outlook.missing or not may(actor, "review"):
        return
    if st.button(
        "Check claims again",
        icon=":material/refresh:",
        type="tertiary",
        help="Holds the claims against all that was reviewed by now.",
    ):
        claims.ask_check(get_engine(), actor=actor, batch_id=batch.id)
        st.rerun()


def _describe_outlook(outlook: ClaimOutlook) -> str:
    if outlook.promises:
        said = " ".join(map(_describe_promise, outlook.promises))
        if outlook.unrated:
            said += f" Of {outlook.unrated:,} more no share can be promised."
        return said
    if outlook.missing:
        return (
            "How many of these are unfounded cannot be promised yet: that takes "
            f"{outlook.needed:,} reviewed claims that were right, and {outlook.missing:,} are "
            "missing."
        )
    return "Enough claims are reviewed to promise how many flags are unfounded: check them again."


def _describe_promise(promise: ClaimPromise) -> str:
    flags = text.count(promise.together, "flag")
    place = f" under {text.plain(promise.branch)}" if promise.branch else ""
    said = f"Of these {flags}{place}, expect at most {percent(promise.share)} unfounded."
    if promise.remaining < promise.together:
        said += f" {promise.remaining:,} of them are still open."
    return said


def _show_refusals(refusals: Sequence[Refusal]) -> None:
    if not refusals:
        return
    st.subheader("Refused files", anchor=False)
    st.caption(f"{text.count(len(refusals), 'file')} did not come in; the others did.")
    st.dataframe(
        pd.DataFrame(
            {
                "File": [refusal.name for refusal in refusals],
                "Why": [refusal.message for refusal in refusals],
            }
        ),
        hide_index=True,
    )
