"""Words about people, roles and sessions that two pages share."""

from core.services.sessions import OpenSession
from pages.ui import text

NO_ACCOUNTS = (
    "There are no accounts: whoever opens this app on this machine acts as its one user. "
    "CATALENS_ACCOUNTS=local turns them on."
)

ROLE_LABELS = {
    "staff": "catalog staff",
    "reviewer": "reviewer",
    "manager": "manager",
    "admin": "administrator",
}

ROLE_DOCS = {
    "staff": "bring photos in, follow your own batches and publish what was accepted of them",
    "reviewer": "see every batch and decide on listings",
    "manager": "do all of that, see every figure, set limits and train models",
    "admin": "do everything, and let people in",
}


def describe_session(found: OpenSession) -> str:
    """Say where and since when somebody is signed in, as Markdown."""
    browser = text.plain(browser_of(found.user_agent))
    place = f" from {text.plain(found.address)}" if found.address else ""
    return (
        f"{browser}{place} · since {text.day(found.started_at)} · "
        f"last seen {text.day(found.seen_at)} (UTC)"
    )


def browser_of(user_agent: str) -> str:
    """Name the browser as people call it, or give the first word it says of itself."""
    known = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome"}
    known |= {"Safari/": "Safari"}  # last: most others say that, too
    for mark, name in known.items():
        if mark in user_agent:
            return name
    return user_agent.split(" ", maxsplit=1)[0][:40] or "an unknown browser"
