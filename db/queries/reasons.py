"""Texts of errors, which may be of any length, in columns that are not."""

from sqlalchemy.orm import InstrumentedAttribute


def fit(text: str, column: InstrumentedAttribute[str | None]) -> str:
    """Return the text as the column can hold it: shortened, without NUL characters."""
    text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")  # Postgres refuses them
    longest = column.type.length
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
