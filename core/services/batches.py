"""What several services ask of a batch: whether there is one, and whose it is."""

from sqlalchemy.orm import Session

from core.actors import Actor, may
from core.errors import NotFoundError
from db.rows import BatchRow


def owner_seen_by(actor: Actor) -> int | None:
    """Return the user whose batches alone the actor sees; None for everybody's."""
    return None if may(actor, "oversee") else actor.id


def sees(actor: Actor, batch: BatchRow) -> bool:
    """Whether the actor sees the batch."""
    return owner_seen_by(actor) in {None, batch.created_by}


def require_batch(session: Session, actor: Actor, batch_id: int) -> BatchRow:
    """Return a batch.

    Raises:
        NotFoundError: There is none of this id, or it is another's: who guesses ids learns
            nothing from the answer.
    """
    batch = session.get(BatchRow, batch_id)
    if batch is None or not sees(actor, batch):
        raise NotFoundError(f"no batch {batch_id}")
    return batch
