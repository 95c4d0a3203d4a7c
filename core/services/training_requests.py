"""Asking the worker for a training; no torch in here, so that a page can ask."""

from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from core.actors import Actor, require
from core.services import jobs
from core.settings import Settings
from core.training import TrainingRequest
from db.engine import transaction


def start_training(
    engine: sa.Engine,
    settings: Settings,  # noqa: ARG001 -- as every service
    *,
    actor: Actor,
    request: TrainingRequest,
) -> int:
    """Ask the worker for a training; return the job's id.

    Raises:
        ForbiddenError: The actor may not train.
        InvalidInputError: The request cannot be used.
    """
    require(actor, "train")
    request.resolve()
    path = Path(request.data)
    if path.exists():  # the worker may stand in another folder
        request = replace(request, data=str(path.resolve()))
    with transaction(engine) as session:
        return jobs.add_job(session, kind="training", actor=actor, params=request.to_dict())
