"""Models: which is best, what is being trained, and where it goes wrong, with the photos."""

import streamlit as st

from core.actors import Actor
from core.services import models
from core.services.database import get_engine
from pages.models import curves, empty, first_look, scene, training_form, versions, views
from pages.ui import jobs


def render(actor: Actor) -> None:
    """Draw what a manager asks first, then the view that the address names."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Models", width="stretch")
        training_form.offer(actor)
    jobs.show(actor, kind="training", below=curves.show_running)
    registered = models.list_versions(get_engine(), actor=actor)
    if not registered:
        empty.show_no_model()
        return
    versions.show_problems(registered)
    shown = scene.choose(actor)
    if shown is None:
        empty.show_nothing_measured()
        versions.show_training_records(registered)
        return
    if shown.standings:
        first_look.show(shown)
        views.show(shown)
    else:
        empty.show_nothing_left()
    versions.show_unmeasured(shown)
