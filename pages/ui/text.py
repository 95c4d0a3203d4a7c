"""Numbers as people write them."""

import re
from datetime import datetime

_UNITS = ("B", "kB", "MB", "GB", "TB")
_WORD_JOINER = "\u2060"  # is not seen, and parts what would be made a link in spite of escapes
_ADDRESS = re.compile(r"https?:(?=//)|www(?=\.)|@", re.IGNORECASE)
_MARKUP = frozenset("\\`*_{}[]()<>#+-.!|~$:")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``count(1, "photo")`` → ``1 photo``; ``count(1200, "photo")`` → ``1,200 photos``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def part(shown: int, total: int, noun: str, plural: str | None = None) -> str:
    """``part(60, 1200, "photo")`` → ``60 of 1,200 photos``; all of them: ``60 photos``."""
    counted = count(total, noun, plural)
    return counted if shown >= total else f"{shown:,} of {counted}"


def size(number_bytes: float) -> str:
    """``size(2_400_000)`` → ``2.4 MB``."""
    unit = 0
    while number_bytes >= 1000 and unit < len(_UNITS) - 1:
        number_bytes /= 1000
        unit += 1
    return f"{number_bytes:.0f} B" if unit == 0 else f"{number_bytes:.1f} {_UNITS[unit]}"


def duration(seconds: float) -> str:
    """``duration(95)`` → ``1 min 35 s``."""
    whole = max(0, round(seconds))
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def day(moment: datetime) -> str:
    """``22 Nov 2026, 19:05``, in UTC."""
    return f"{moment.day} {moment:%b %Y, %H:%M}"


def leaf(path: str) -> str:
    """The last name of a category path."""
    return path.rpartition(" > ")[2]


def short(words: str, *, limit: int = 120) -> str:
    """``short("a long title", limit=8)`` → ``a long…``: at most so many characters."""
    return words if len(words) <= limit else f"{words[: limit - 1].rstrip()}…"


def plain(words: str) -> str:
    """Escape what Markdown would take for markup; an address in it becomes no link."""
    words = _ADDRESS.sub(lambda found: f"{found[0]}{_WORD_JOINER}", words)
    return "".join(f"\\{letter}" if letter in _MARKUP else letter for letter in words)


def sentence(said: object) -> str:
    """Return an error, or what else is said, as it begins a line; markup in it is escaped.

    What begins with the name of a file or the like stays as it is.
    """
    words = str(said)
    is_word = words.partition(" ")[0].isalpha()
    return plain(words[:1].upper() + words[1:] if is_word else words)


def percent(share: float, *, digits: int = 1) -> str:
    """``percent(0.8471)`` → ``84.7%``."""
    return f"{100 * share:.{digits}f}%"


def span(low: float, high: float, *, digits: int = 1) -> str:
    """``span(0.8321, 0.861)`` → ``83.2 to 86.1%``."""
    return f"{100 * low:.{digits}f} to {percent(high, digits=digits)}"


def points(difference: float) -> str:
    """``points(-0.021)`` → ``2.1 points``: of per cent, whichever way."""
    return f"{abs(100 * difference):.1f} points"
