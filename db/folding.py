"""Text as it is searched: without case and accents, on either database the same.

A past migration calls this: whoever changes it has to write ``categories.words`` anew.
"""

import unicodedata
from collections.abc import Iterable

_BETWEEN = "\n"


def fold(text: str) -> str:
    """Return the text without case and accents: ``Äpfel`` and ``APFEL`` are the same."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


def searched_words(*, path: str, code: str | None = None, synonyms: Iterable[str] = ()) -> str:
    """Return what a category is found by, folded: a line each for name, path, code and synonyms.

    A line break stands before and after each, so that a whole one can be told from a part.
    """
    name = path.rpartition(" > ")[2]
    lines = [name, path, *([code] if code else []), *synonyms]
    return _BETWEEN.join(["", *map(fold, lines), ""])
