"""How often a kind of flag was right, in words."""

from core.evaluation import Tally
from pages.ui import text

RIGHTNESS_DOC = (
    "Right is what no reviewer called wrong, of all that were on screen when a listing was "
    "decided, in any batch; the span holds the true share with 95% confidence."
)


def rightness(found: Tally) -> str:
    """``right 46 of 50, 92%, 81 to 97%``."""
    share = found.share
    return (
        f"right {found.hits:,} of {found.count:,}, "
        f"{text.percent(share.value, digits=0)}, {text.span(share.low, share.high, digits=0)}"
    )
