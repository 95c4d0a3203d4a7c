"""What a manager asks first: who is best, can it be trusted, where does it go wrong."""

import streamlit as st

from core.errors import NotFoundError
from core.services import standings
from core.services.evaluation_breakdown import CategoryRow, compare_categories
from core.services.evaluation_comparison import Comparison
from core.services.evaluations import EvaluationSummary
from core.services.standings import Verdict
from pages.models.scene import Scene
from pages.ui import charts, text

ACCURATE = 0.99  # of photos that nobody looks at
CALIBRATED = 0.03
LUCK = 0.05
CARD_WIDTH_PX = 230  # at least; a phone shows one beside the other no more


def show(scene: Scene) -> None:
    """Draw four answers."""
    verdict = standings.judge(
        scene.context.engine,
        scene.context.settings,
        actor=scene.context.actor,
        standings=scene.standings,
        narrowing=scene.narrowing,
    )
    if verdict is None:
        st.warning("None of these models can be used.", icon=":material/warning:")
        return
    with st.grid(4, min_column_width=CARD_WIDTH_PX):
        _show_best(scene, verdict)
        _show_trust(verdict.best.main)
        _show_alone(verdict)
        _show_weakest(scene, verdict)


def describe_difference(comparison: Comparison, first: str, second: str) -> str:
    """Say in plain words whether one of two models is better."""
    test = comparison.test
    if test.only_first == test.only_second:
        return f"{first} and {second} are equally accurate on these photos."
    better, worse = (first, second) if test.only_first > test.only_second else (second, first)
    ahead = f"{better} is ahead of {worse} by {text.points(test.difference.value)}"
    chance = "less than 0.1%" if test.p_value < 0.001 else text.percent(test.p_value)
    odds = f"two equally good models would differ at least as much in {chance} of such tests."
    if test.p_value >= LUCK:
        return f"These photos do not tell the two apart: {ahead}, but {odds}"
    return f"{ahead}, and hardly by luck: {odds}"


def _card(question: str, value: str, words: str) -> None:
    with st.container(border=True, height="stretch"):
        st.metric(question, value)
        st.caption(words)


def _show_best(scene: Scene, verdict: Verdict) -> None:
    best = verdict.best
    top1 = best.main.figures["top1"]
    words = (
        f"**{text.plain(best.name)}**, on {text.count(best.main.pictures, 'photo')} "
        f"({scene.split_label.lower()}), {text.span(top1.low, top1.high)} with 95% confidence."
    )
    if verdict.comparison is not None and verdict.runner_up is not None:
        lucky = verdict.comparison.test.p_value >= LUCK
        than = text.plain(verdict.runner_up.name)
        words += f" Perhaps no better than {than}." if lucky else f" Really better than {than}."
    _card("Most accurate", text.percent(top1.value), words)


def _show_trust(best: EvaluationSummary) -> None:
    error = best.figures["ece"]
    honest = "Yes" if error.value <= CALIBRATED else "With care"
    words = (
        f"What it says of its own certainty is off by {text.points(error.value)} on average. "
        f"{_describe_reads(best)}"
    )
    _card("Can it be trusted?", honest, words)


def _describe_reads(best: EvaluationSummary) -> str:
    if best.split != "test":
        return "Measured on photos that training may have been tuned to."
    if best.test_reads > 1:
        return f"These test photos were looked at {best.test_reads} times: a little too rosy."
    return "It had never seen these photos."


def _show_alone(verdict: Verdict) -> None:
    point = verdict.accept_alone(ACCURATE)
    question = f"Without a person, at {ACCURATE:.0%} right"
    if point is None:
        _card(question, "None", "Even where it is surest it is wrong more often than that.")
        return
    words = f"of the photos: those it is at least {text.percent(point.threshold)} sure of."
    _card(question, text.percent(point.coverage, digits=0), words)


def _show_weakest(scene: Scene, verdict: Verdict) -> None:
    try:
        table = compare_categories(
            scene.context.engine,
            scene.context.settings,
            actor=scene.context.actor,
            evaluation_ids=[verdict.best.main.id],
            narrowing=scene.narrowing,
            limit=3,
        )
    except NotFoundError:  # the file of predictions is gone; the views say so
        return
    if table.rows:
        worst, *others = table.rows
        also = ", ".join(_name_with_accuracy(row) for row in others)
        words = f"{_accuracy(worst)} of its {text.count(worst.pictures, 'photo')} recognised" + (
            f"; then {also}." if also else "."
        )
        _card("Where it goes wrong", text.plain(charts.short(worst.category)), words)


def _name_with_accuracy(row: CategoryRow) -> str:
    return f"{text.plain(text.leaf(row.category))} {_accuracy(row)}"


def _accuracy(row: CategoryRow) -> str:
    """Of the one evaluation that was asked for."""
    (found,) = row.accuracies
    return text.percent(found.share.value if found else 0, digits=0)
