"""Components of our own: HTML, CSS and JavaScript files, without a build."""

from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_FOLDER = Path(__file__).parents[1] / "components"


def load(name: str) -> ComponentRenderer:
    """Register the component whose files lie in ``pages/components/<name>``."""
    folder = _FOLDER / name
    return st.components.v2.component(
        f"catalens_{name}",
        html=(folder / "index.html").read_text(),
        css=(folder / "style.css").read_text(),
        js=(folder / "main.js").read_text(),
    )
