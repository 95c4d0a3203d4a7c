"""Label audits: which labels of a catalogue are likely wrong, and putting them right."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.actors import PERMISSIONS, Actor
from core.errors import CatalogError
from core.services import audit_exports, audits
from core.services.audits import AuditRequest, AuditSummary, Finding, FindingFilter, Tally
from core.services.database import get_engine
from core.settings import get_settings
from pages.ui import choices, gallery, jobs, links, text
from pages.ui.downloads import offer_csv

SHOWN = 10
RATES = {"5%": 0.05, "10%": 0.1, "20%": 0.2, "30%": 0.3, "50%": 0.5}
STATES: dict[str, bool | None] = {"To settle": False, "Settled": True, "All": None}
UNDO_KEY = "audit-settled"


def render(actor: Actor) -> None:
    """Draw the audit that the address names, or the table of all."""
    audit_id = links.read_id("audit")
    if audit_id is None:
        _show_all(actor)
    else:
        _show_one(actor, audits.get_audit(get_engine(), actor=actor, audit_id=audit_id))


def _show_all(actor: Actor) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Label audit", width="stretch")
        _offer_audit(actor)
    jobs.show(actor, kind=audits.JOB_KIND)
    found = audits.list_audits(get_engine(), actor=actor)
    if not found:
        _show_none()
        return
    picked = st.dataframe(
        _table(found),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "Settled": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)
        },
    )
    st.caption("Select a row to open the audit.")
    rows = picked["selection"]["rows"]
    if rows:
        links.go("audits", audit=found[rows[0]].id)


def _show_none() -> None:
    st.info(
        "No catalogue has been audited yet. An audit goes through all photos of a labelled "
        "catalogue and lists those that are likely in a wrong category. Press **Audit labels**, "
        "or run:",
        icon=":material/rule:",
    )
    st.code("catalens audit-labels --data PATH/TO/photos", language=None)


def _table(found: Sequence[AuditSummary]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Catalogue": [each.data_name for each in found],
            "Photos": [each.photos for each in found],
            "Categories": [each.categories for each in found],
            "Findings": [each.findings for each in found],
            "Settled": [each.settled / max(1, each.findings) for each in found],
            "Unfounded, at most": [text.percent(each.false_alarms, digits=0) for each in found],
            "Audited (UTC)": [text.day(each.created_at) for each in found],
            "By": [each.created_by for each in found],
        }
    )


def _offer_audit(actor: Actor) -> None:
    if "train" not in PERMISSIONS.get(actor.role, ()):
        return
    with st.popover("Audit labels", icon=":material/rule:"):
        data = st.text_input(
            "Labelled photos on this server",
            placeholder="/data/photos",
            key="audit-data",
            help="A folder with one folder a category, a CSV or Parquet file, Grocery or "
            "Products-10K; or the word reviewed, for what was decided here.",
        )
        trusted = st.text_input(
            "Of these, confirmed by a person (may stay empty)",
            placeholder="/data/confirmed.csv",
            key="audit-trusted",
            help="Labelled photos in any of these layouts, best a chance sample. Then the share of "
            "unfounded findings is measured on them, and not only estimated.",
        )
        rate = st.selectbox("Unfounded findings, at most", list(RATES), index=1, key="audit-rate")
        if st.button("Start", type="primary", icon=":material/play_arrow:", key="audit-start"):
            _start(actor, AuditRequest(data.strip(), "", trusted.strip(), RATES[rate]))


def _start(actor: Actor, request: AuditRequest) -> None:
    try:
        audits.start_audit(get_engine(), actor=actor, request=request)
    except CatalogError as error:
        st.error(text.sentence(error), icon=":material/error:")
        return
    st.rerun()


def _show_one(actor: Actor, audit: AuditSummary) -> None:
    if st.button("All audits", icon=":material/arrow_back:", type="tertiary"):
        links.go("audits")
    st.title(text.plain(audit.data_name))
    categories = text.count(audit.categories, "category", "categories")
    st.caption(
        f"{text.count(audit.photos, 'photo')} in {categories}, "
        f"audited {text.day(audit.created_at)} UTC by {text.plain(audit.created_by)}"
    )
    only = _choose_filter(actor, audit)
    counted = _tally(actor, audit, FindingFilter(rate=only.rate, claimed=only.claimed))
    _show_progress(audit, counted, only.rate)
    _show_downloads(actor, audit, only)
    _show_undo(actor)
    _show_findings(actor, audit, only)
    _show_skipped(audit)


def _choose_filter(actor: Actor, audit: AuditSummary) -> FindingFilter:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        state = choices.choose("Show", list(STATES), "show")
        asked = text.percent(audit.false_alarms, digits=0)
        rates = {asked: audit.false_alarms} | RATES
        rate = rates[choices.choose("Unfounded, at most", list(rates), "rate")]
        found = audits.count_claimed(get_engine(), actor=actor, audit_id=audit.id, rate=rate)
        claimed = choices.choose_any(
            "Claimed category", [name for name, _ in found], "claimed", anything="All"
        )
    return FindingFilter(rate=rate, is_settled=STATES[state], claimed=claimed)


def _tally(actor: Actor, audit: AuditSummary, only: FindingFilter) -> Tally:
    return audits.tally(get_engine(), actor=actor, audit_id=audit.id, only=only)


def _show_progress(audit: AuditSummary, counted: Tally, rate: float) -> None:
    st.markdown(text.plain(audit.promise(counted.findings, rate)))
    if not counted.findings:
        return
    words = f"**{counted.settled:,} of {counted.findings:,} settled**"
    if counted.settled:
        words += f" · {counted.changed:,} of them got another category"
    st.progress(counted.settled / counted.findings, text=words)


def _show_downloads(actor: Actor, audit: AuditSummary, only: FindingFilter) -> None:
    engine, settings = get_engine(), get_settings()
    with st.container(horizontal=True):
        offer_csv(
            f"corrected-labels-{audit.id}",
            lambda: audit_exports.corrected_csv(engine, settings, actor=actor, audit_id=audit.id),
            label="Corrected labels",
        )
        offer_csv(
            f"findings-{audit.id}",
            lambda: audit_exports.findings_csv(_list(actor, audit, only, audit_exports.ALL)),
            label="These findings",
        )


def _list(
    actor: Actor, audit: AuditSummary, only: FindingFilter, limit: int
) -> tuple[Finding, ...]:
    return audits.list_findings(
        get_engine(), get_settings(), actor=actor, audit_id=audit.id, only=only, limit=limit
    )


def _show_undo(actor: Actor) -> None:
    """The last word of this session, and a way back; the settled finding is off the list."""
    settled = st.session_state.get(UNDO_KEY)
    if settled is None:
        return
    finding_id, words = settled
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(words, width="content")
        if st.button("Undo", key="audit-undo", icon=":material/undo:", type="tertiary"):
            _take_back(actor, finding_id)


def _show_findings(actor: Actor, audit: AuditSummary, only: FindingFilter) -> None:
    found = _list(actor, audit, only, SHOWN + 1)
    if not found:
        st.info("Nothing is left here. Show **All**, or allow more unfounded findings.")
        return
    labels = audits.list_labels(get_engine(), get_settings(), actor=actor, audit_id=audit.id)
    for finding in found[:SHOWN]:
        with st.container(border=True):
            _show_finding(actor, audit, finding, labels)
    if len(found) > SHOWN:
        st.caption(f"The first {SHOWN}; the next ones follow when these are settled.")


def _show_finding(
    actor: Actor, audit: AuditSummary, finding: Finding, labels: Sequence[str]
) -> None:
    claimed, suggested = text.plain(finding.claimed), text.plain(finding.suggested)
    st.markdown(
        f"**{claimed}** → **{suggested}** · {text.percent(finding.wrong)} likely wrong",
        help=text.plain(finding.path),
    )
    photo, ours, theirs = st.columns([1, 2, 2], gap="small")
    with photo:
        st.caption("The photo")
        gallery.show_cards([_card(audit, finding.photo, finding.path)])
    for column, words, alike in (
        (ours, f"Nearest in {claimed}", finding.alike_claimed),
        (theirs, f"Nearest in {suggested}", finding.alike_suggested),
    ):
        with column:
            st.caption(words)
            gallery.show_cards([_card(audit, each.index, each.path) for each in alike])
    if finding.label is None:
        _show_choices(actor, finding, labels)
    else:
        _show_settled(actor, finding)


def _card(audit: AuditSummary, index: int, path: str) -> gallery.Card:
    src = f"/api/audits/{audit.id}/photos/{index}"
    name = path.rpartition("/")[2]
    return gallery.Card(f"{src}?size=thumb", f"{src}?size=view", path, (gallery.Line(name),))


def _show_choices(actor: Actor, finding: Finding, labels: Sequence[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if st.button(
            f"It is {text.plain(text.leaf(finding.suggested))}",
            key=f"accept-{finding.id}",
            type="primary",
            icon=":material/check:",
        ):
            _settle(actor, finding, finding.suggested)
        if st.button(
            f"Keep {text.plain(text.leaf(finding.claimed))}",
            key=f"keep-{finding.id}",
            icon=":material/block:",
        ):
            _settle(actor, finding, finding.claimed)
        other = st.selectbox(
            "Another category",
            labels,
            index=None,
            placeholder="Another category",
            label_visibility="collapsed",
            key=f"other-{finding.id}",
            width=260,
        )
        if other:
            _settle(actor, finding, other)


def _show_settled(actor: Actor, finding: Finding) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        kept = " (kept)" if finding.label == finding.claimed else ""
        st.markdown(
            f":material/check: **{text.plain(finding.label or '')}**{kept}, says "
            f"{text.plain(finding.settled_by or '')}",
            width="content",
        )
        if st.button("Undo", key=f"undo-{finding.id}", icon=":material/undo:", type="tertiary"):
            _take_back(actor, finding.id)


def _settle(actor: Actor, finding: Finding, label: str) -> None:
    audits.settle(get_engine(), get_settings(), actor=actor, finding_id=finding.id, label=label)
    name = text.plain(finding.path.rpartition("/")[2])
    st.session_state[UNDO_KEY] = (finding.id, f"{name} is {text.plain(label)}.")
    st.rerun()


def _take_back(actor: Actor, finding_id: int) -> None:
    audits.take_back(get_engine(), actor=actor, finding_id=finding_id)
    st.session_state.pop(UNDO_KEY, None)
    st.session_state.pop(f"other-{finding_id}", None)
    st.rerun()


def _show_skipped(audit: AuditSummary) -> None:
    if not audit.skipped_photos:
        return
    with st.expander(f"{text.count(audit.skipped_photos, 'photo')} not judged"):
        st.dataframe(
            pd.DataFrame(
                {
                    "Photo": [each.path for each in audit.skipped],
                    "Why": [each.reason for each in audit.skipped],
                }
            ),
            hide_index=True,
        )
