"""Components of our own: HTML, CSS and JavaScript files, without a build."""

from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_FOLDER = Path(__file__).parents[1] / "components"


def load(name: str) -> ComponentRenderer:
    """Register the component whose files lie in ``pages/components/<name>``.

    Its scripts are put together into one module; ``main.js`` exports what Streamlit calls.
    """
    folder = _FOLDER / name
    return st.components.v2.component(
        f"catalens_{name}",
        html=(folder / "index.html").read_text(),
        css=(folder / "style.css").read_text(),
        js="\n".join(path.read_text() for path in sorted(folder.glob("*.js"))),
    )
