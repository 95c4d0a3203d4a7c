"""Team: how much each reviewer decided, how fast, what checks say, and what is to be settled."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import pandas as pd
import streamlit as st

from core.actors import Actor, may
from core.services import team
from core.services.database import get_engine
from core.services.team import ReviewerFigures
from pages import checks
from pages.ui import charts, choices, links, text
from pages.ui.downloads import caption_with_csv


def render(actor: Actor) -> None:
    """Draw the figures of the period that the address names."""
    st.title("Team")
    sees_everybody = team.sees_everybody(actor)
    if not sees_everybody:
        st.caption("These are your own figures; managers see those of everybody.")
    if may(actor, "adjudicate"):
        checks.show_disagreements(actor)
    with st.container(horizontal=True):
        since = choices.choose_day("From", "from")
        until = choices.choose_day("To", "to")
    found = team.measure_team(
        get_engine(),
        actor=actor,
        since=_start(since) if since else None,
        until=_start(until + timedelta(days=1)) if until else None,
    )
    if found.reviewers:
        _show_table(found.reviewers)
        checks.show_figures(found, sees_everybody=sees_everybody)
        _show_days(found.reviewers)
    else:
        _show_none(is_narrowed=bool(since or until))
    if may(actor, "tune"):
        checks.show_settings(actor)


def _show_days(found: Sequence[ReviewerFigures]) -> None:
    if any(each.days for each in found):
        st.subheader("Decisions a day", anchor=False)
        days = [(each.name, each.days) for each in found if each.days]
        st.plotly_chart(charts.count_by_day(days), config=charts.CONFIG, key="days")


def _show_none(*, is_narrowed: bool) -> None:
    if is_narrowed:
        st.info("Nobody reviewed in this time. Choose other days.", icon=":material/search_off:")
        return
    st.info(
        "Nobody has reviewed yet. Pace and corrections stand here from the first decision on.",
        icon=":material/groups:",
    )
    if st.button("Review listings", type="primary", icon=":material/fact_check:"):
        links.go("review")


def _show_table(found: Sequence[ReviewerFigures]) -> None:
    table = pd.DataFrame(
        {
            "Reviewer": [each.name for each in found],
            "Decisions": [each.pace.decisions for each in found],
            "An hour": [each.pace.per_hour for each in found],
            "An active minute": [each.pace.per_active_minute for each in found],
            "Corrected": [
                None if each.correction_rate is None else 100 * each.correction_rate.value
                for each in found
            ],
            "95% interval": [
                "" if (rate := each.correction_rate) is None else text.span(rate.low, rate.high)
                for each in found
            ],
            "Of": [each.named for each in found],
            "Skipped": [each.skipped for each in found],
            "Taken back": [each.undone for each in found],
            "At work": [text.duration(each.pace.at_work_s) for each in found],
            "Active": [text.duration(each.pace.active_s) for each in found],
        }
    )
    numbers = {
        "An hour": st.column_config.NumberColumn(format="%.0f"),
        "An active minute": st.column_config.NumberColumn(format="%.1f"),
        "Corrected": st.column_config.NumberColumn(format="%.1f%%"),
    }
    st.dataframe(table, hide_index=True, column_config=numbers)
    caption_with_csv(
        "At work is the time between decisions, pauses of more than a quarter of an hour left "
        "out; active is the time that a listing was looked at. Corrected is the share of given "
        "categories that were not the suggested one: it depends on the listings, and says "
        "little of who decided them.",
        "team",
        lambda: team.figures_csv(found),
    )


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
