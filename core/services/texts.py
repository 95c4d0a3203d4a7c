"""Texts from outside, checked before a query takes them."""

from core.errors import InvalidInputError


def refuse_nul(**texts: str | None) -> None:
    """Raise InvalidInputError for a text with a NUL character; Postgres takes none.

    Args:
        texts: By what each is called.
    """
    for what, text in texts.items():
        if text is not None and "\0" in text:
            raise InvalidInputError(
                f"the {what} {text[:100]!r} has a NUL character, which no text here has; "
                "leave it out"
            )
