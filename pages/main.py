"""The script that Streamlit runs for every session and every page."""

from pages.frame import show

show()
