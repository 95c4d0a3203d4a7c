"""The limits that hold now."""

from sqlalchemy.orm import Session

from core.quality import Limits
from db.queries import limits as queries


def read_limits(session: Session) -> Limits:
    """Return the limits that somebody set, as they hold now."""
    return Limits({(kind, path): value for kind, path, value in queries.list_limits(session)})
