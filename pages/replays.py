"""A past batch under another model version: what would have been suggested, and is it better."""

from collections.abc import Sequence

import streamlit as st

from core.actors import Actor
from core.errors import NotFoundError
from core.services import models, replays
from core.services.database import get_engine
from core.services.models import ModelVersion
from core.services.replays import OUTCOMES, Difference, Replay
from core.settings import get_settings
from pages.ui import gallery, jobs, links, text
from pages.ui.downloads import offer_csv

MAX_PHOTOS = 24


def show(actor: Actor, *, batch_id: int, version_id: int | None) -> None:
    """Draw the batch under the version that the address names."""
    if st.button("Back to the batch", icon=":material/arrow_back:", type="tertiary"):
        links.go("batches", batch=batch_id)
    st.title("Replay")
    versions = models.list_versions(get_engine(), actor=actor)
    if not versions:
        st.info("There is no model yet. Train one on the page Models.", icon=":material/info:")
        return
    version = _choose(versions, version_id)
    links.write(batch=batch_id, replay=version.id)
    is_at_work = jobs.show(actor, batch_id=batch_id, kind="replay")
    replay = replays.compare(get_engine(), actor=actor, batch_id=batch_id, version_id=version.id)
    if replay.unseen and not is_at_work:
        _offer(actor, batch_id, version, replay)
    if replay.counts:
        _show(replay)


def _choose(versions: Sequence[ModelVersion], version_id: int | None) -> ModelVersion:
    by_id = {each.id: each for each in versions}
    wanted = version_id or versions[0].id
    if wanted not in by_id:
        raise NotFoundError(f"no model version {wanted}")
    chosen = st.selectbox(
        "Model version",
        list(by_id),
        index=list(by_id).index(wanted),
        format_func=lambda id_: _name(by_id[id_]),
        width=360,
    )
    return by_id[chosen]


def _name(version: ModelVersion) -> str:
    return f"{version.name} {version.digest[:8]} ({version.state})"


def _offer(actor: Actor, batch_id: int, version: ModelVersion, replay: Replay) -> None:
    listings = text.count(replay.unseen, "listing")
    st.info(
        f"{listings} of this batch: this version has not looked at their photos yet. Replaying "
        "changes no listing, and nothing that reviewers see.",
        icon=":material/replay:",
    )
    if st.button(f"Replay {listings}", type="primary", icon=":material/replay:"):
        replays.ask(
            get_engine(), get_settings(), actor=actor, batch_id=batch_id, version_id=version.id
        )
        st.rerun()


def _show(replay: Replay) -> None:
    with st.container(horizontal=True):
        for outcome, label in OUTCOMES.items():
            count = replay.counts.get(outcome, 0)
            st.metric(label, f"{count:,}", border=True, width=230)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            "Before is what all models then in use suggested together; now is this one version "
            "alone. Right is what somebody decided, who saw the suggestion "
            "of before: that speaks for it in close cases.",
            width="stretch",
        )
        if replay.differences:
            offer_csv("replay", lambda: replays.differences_csv(replay))
    for outcome, label in OUTCOMES.items():
        found = [each for each in replay.differences if each.outcome == outcome]
        if found:
            st.subheader(label, anchor=False)
            gallery.show_cards([_card(each) for each in found[:MAX_PHOTOS]])
            if len(found) > MAX_PHOTOS:
                st.caption(f"The surest {MAX_PHOTOS} of {len(found):,}; all are in the CSV.")


def _card(each: Difference) -> gallery.Card:
    tone = {"better": "right", "worse": "wrong"}.get(each.outcome, "")
    lines = [
        gallery.Line(f"Before: {text.leaf(each.before) or 'nothing'}"),
        gallery.Line(f"Now: {text.leaf(each.now)} ({text.percent(each.probability)})", tone),
    ]
    if each.decided:
        lines.append(gallery.Line(f"Decided: {text.leaf(each.decided)}"))
    src, href = f"/api/images/{each.sha256}/thumb", f"/listing?id={each.listing_id}"
    return gallery.Card(src, href, each.sku, tuple(lines))
