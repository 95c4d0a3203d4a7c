"""``catalens classify``: the photos of a batch to the models once more."""

from typing import Annotated

import typer

from cli import console
from cli.options import Json
from core.services import database, exports, jobs
from core.settings import get_settings


def classify_command(
    batch: Annotated[str, typer.Argument(help="Name or id of the batch.")],
    as_json: Json = False,
) -> None:
    """Classify a batch again: with the models that it has not seen, and what failed before.

    The worker does it; predictions and decisions that are there stay.
    """
    engine = database.get_ready_engine()
    actor = database.local_actor(engine)
    batch_id = exports.find_batch_id(engine, actor=actor, batch=batch)
    job_id = jobs.classify_batch(engine, get_settings(), actor=actor, batch_id=batch_id)
    if as_json:
        console.print_json({"batch_id": batch_id, "job_id": job_id})
    else:
        console.stdout.print(f"Job {job_id} classifies batch {batch_id}.", highlight=False)
