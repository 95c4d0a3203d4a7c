"""Where two models disagree: which is better, and the photos that tell them apart."""

import streamlit as st

from core.services import evaluation_comparison as comparing
from core.services import evaluation_exports as exports
from core.services.evaluation_breakdown import MAX_ROWS
from core.services.evaluation_comparison import SIDES, Comparison, Disagreement, Side
from core.services.standings import Standing
from pages.models.first_look import describe_difference
from pages.models.photos import show_disagreements
from pages.models.scene import Scene
from pages.ui import charts, choices, text
from pages.ui.downloads import caption_with_csv

MAX_PHOTOS = 60


def show(scene: Scene) -> None:
    """Draw the comparison of two models, then photos."""
    if len(scene.standings) < 2:
        st.info(
            "It takes two models that were measured on the same photos.",
            icon=":material/compare_arrows:",
        )
        return
    with st.container(horizontal=True):
        first = choices.choose("First", scene.names, "first", width=2 * choices.WIDTH_PX)
        others = [name for name in scene.names if name != first]
        second = choices.choose("Second", others, "second", width=2 * choices.WIDTH_PX)
    ids = scene.find(first).main.id, scene.find(second).main.id
    found = comparing.compare_evaluations(
        scene.context.engine,
        scene.context.settings,
        actor=scene.context.actor,
        first_id=ids[0],
        second_id=ids[1],
        narrowing=scene.narrowing,
    )
    _show_result(found, first, second)
    _show_photos(scene, found, first, second)


def _show_result(found: Comparison, first: str, second: str) -> None:
    test = found.test
    st.markdown(text.plain(describe_difference(found, first, second)))
    parts = (
        ("Both right", test.both_right),
        (f"Only {first} right", test.only_first),
        (f"Only {second} right", test.only_second),
        ("Both wrong", test.both_wrong),
    )
    st.plotly_chart(charts.right_and_wrong(parts), config=charts.CONFIG, key="sides")
    unpaired = f" {text.count(found.unpaired, 'photo')} only one of them saw." * (
        found.unpaired > 0
    )
    st.caption(
        f"{text.count(test.pictures, 'photo')} that both saw.{unpaired} Difference with "
        f"95% confidence: {text.span(test.difference.low, test.difference.high)}. McNemar's test: "
        f"p = {test.p_value:.2g}."
    )


def _show_photos(scene: Scene, comparison: Comparison, first: str, second: str) -> None:
    sides = {_label(side, first, second): side for side in SIDES}
    side = sides[choices.choose("Photos on which", list(sides), "side", width=420)]
    found = _list(scene, comparison, side, MAX_PHOTOS)
    if not found:
        st.caption("There is no such photo.")
        return
    show_disagreements(found, *_short_names(scene.find(first), scene.find(second)))
    shown = text.part(len(found), comparison.pictures_by_side[side], "photo")
    caption_with_csv(
        f"{shown}, those first that both are surest of.",
        "disagreements",
        lambda: exports.disagreements_csv(_list(scene, comparison, side, MAX_ROWS)),
    )


def _list(scene: Scene, comparison: Comparison, side: Side, limit: int) -> tuple[Disagreement, ...]:
    return comparing.list_disagreements(
        scene.context.engine,
        scene.context.settings,
        actor=scene.context.actor,
        first_id=comparison.first_id,
        second_id=comparison.second_id,
        side=side,
        narrowing=scene.narrowing,
        limit=limit,
    )


def _short_names(first: Standing, second: Standing) -> tuple[str, str]:
    """Leave the digests out where the rest tells the two apart."""
    if first.kind == second.kind:
        return first.name, second.name
    return first.kind, second.kind


def _label(side: Side, first: str, second: str) -> str:
    return {
        "only_first": f"only {first} is right",
        "only_second": f"only {second} is right",
        "both_wrong": "both are wrong",
        "both_right": "both are right",
    }[side]
