"""What several services ask of a batch."""

from sqlalchemy.orm import Session

from core.errors import NotFoundError
from db.rows import BatchRow


def require_batch(session: Session, batch_id: int) -> None:
    """Raise NotFoundError unless there is a batch of this id."""
    if session.get(BatchRow, batch_id) is None:
        raise NotFoundError(f"no batch {batch_id}")
