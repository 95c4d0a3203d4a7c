"""What a view of the Models page is drawn from: the filters, and who passes them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from core.actors import Actor
from core.services import evaluations, standings
from core.services.context import Context
from core.services.database import get_engine
from core.services.evaluations import DataSet, EvaluationFilter, Narrowing
from core.services.standings import SPLITS, Standing
from core.settings import get_settings
from pages.ui import choices

SPLIT_OF_LABEL = {label: split for split, label in SPLITS.items()}


@dataclass(frozen=True, slots=True)
class Scene:
    """The evaluations that the filters leave.

    Attributes:
        standings: On one split of one data set, the most accurate first.
        hidden_ids: The versions measured on it that the filters leave out.
        narrowing: Which photos count.
        since: The first moment that counts; ``until`` the first that counts no more.
        has_groups: Whether the categories are grouped at all.
    """

    context: Context
    data_name: str
    split: str
    standings: tuple[Standing, ...]
    narrowing: Narrowing
    since: datetime | None
    until: datetime | None
    has_groups: bool
    hidden_ids: frozenset[int] = frozenset()

    @property
    def names(self) -> list[str]:
        return [standing.name for standing in self.standings]

    @property
    def split_label(self) -> str:
        return SPLITS[self.split]

    def find(self, name: str) -> Standing:
        """Return the standing of this name; it is one of ``names``."""
        return next(standing for standing in self.standings if standing.name == name)


def choose(actor: Actor) -> Scene | None:
    """Draw the filters; return what they leave, None while nothing was measured."""
    found = evaluations.list_data_sets(get_engine(), actor=actor)
    if not found:
        return None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        data_name = choices.choose("Data set", _names(found), "data")
        split = _choose_split(found, data_name)
        newest = _newest(actor, data_name, split)
        words = choices.write_words("Category", "words", placeholder="All categories")
        group = _choose_group(actor, newest) if newest.has_groups else None
        since = choices.choose_day("From", "from")
        until = choices.choose_day("To", "to")
        scene = replace(
            newest,
            narrowing=Narrowing(words, group),
            since=_start(since) if since else None,
            until=_start(until + timedelta(days=1)) if until else None,
        )
        everyone = _list(scene)
        wanted = choices.choose_some(
            "Models", [each.name for each in everyone], "models", anything="All models"
        )
    chosen = [standing for standing in everyone if not wanted or standing.name in wanted]
    hidden = _version_ids(newest.standings) - _version_ids(chosen)
    return replace(scene, standings=tuple(chosen), hidden_ids=hidden)


def _names(found: Sequence[DataSet]) -> list[str]:
    return list(dict.fromkeys(each.name for each in found))


def _choose_split(found: Sequence[DataSet], data_name: str) -> str:
    there = {each.split for each in found if each.name == data_name}
    labels = [label for split, label in SPLITS.items() if split in there]
    return SPLIT_OF_LABEL[choices.choose("Photos", labels, "split")]


def _newest(actor: Actor, data_name: str, split: str) -> Scene:
    """Return the scene before any other filter."""
    scene = Scene(
        Context(get_settings(), get_engine(), actor),
        data_name,
        split,
        (),
        Narrowing(),
        None,
        None,
        has_groups=False,
    )
    everyone = _list(scene)
    grouped = any("coarse_top1" in each.main.figures for each in everyone)
    return replace(scene, standings=everyone, has_groups=grouped)


def _choose_group(actor: Actor, scene: Scene) -> str | None:
    best = scene.standings[0].main.id
    groups = evaluations.list_groups(get_engine(), actor=actor, evaluation_id=best)
    return choices.choose_any("Group", groups, "group", anything="All groups")


def _list(scene: Scene) -> tuple[Standing, ...]:
    return standings.list_standings(
        scene.context.engine,
        scene.context.settings,
        actor=scene.context.actor,
        split=scene.split,
        only=EvaluationFilter(since=scene.since, until=scene.until, data_name=scene.data_name),
        narrowing=scene.narrowing,
    )


def _version_ids(standings: Iterable[Standing]) -> frozenset[int]:
    return frozenset(each.version_id for each in standings if each.version_id is not None)


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
