"""The views of the Models page: one table."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from core.errors import InvalidInputError, NotFoundError
from pages.models import categories, comparison, curves, daily, disagreements, mistakes, trust
from pages.models.scene import Scene
from pages.ui import choices, text

KEY = "view"


@dataclass(frozen=True, slots=True)
class View:
    """A view; its label stands in the address."""

    label: str
    draw: Callable[[Scene], None]


VIEWS = {
    view.label: view
    for view in (
        View("Comparison", comparison.show),
        View("Categories", categories.show),
        View(mistakes.VIEW, mistakes.show),
        View("Certainty", trust.show),
        View("Disagreements", disagreements.show),
        View("Training", curves.show),
        View("Daily use", daily.show),
    )
}


def show(scene: Scene) -> None:
    """Draw the view that was chosen."""
    view = VIEWS[choices.choose_view(list(VIEWS), KEY)]
    try:
        view.draw(scene)
    except (NotFoundError, InvalidInputError) as error:
        st.warning(text.sentence(error), icon=":material/error:")
