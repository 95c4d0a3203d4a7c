"""``catalens replay``: a past batch under another model version."""

from dataclasses import asdict
from typing import Annotated

import typer

from cli import console
from cli.options import Json
from core.errors import InvalidInputError
from core.services import database, evaluations, exports, replays
from core.services.replays import OUTCOMES, Replay
from core.settings import get_settings


def replay_command(
    batch: Annotated[str, typer.Argument(help="Name or id of the batch.")],
    model: Annotated[str, typer.Argument(help="Id or architecture of a version.")],
    as_json: Json = False,
) -> None:
    """Count what a model version would have suggested otherwise, and what of it is better.

    Photos that it has not seen are left to the worker; call again when it has done them. No
    listing changes.
    """
    engine = database.get_ready_engine()
    actor = database.local_actor(engine)
    batch_id = exports.find_batch_id(engine, actor=actor, batch=batch)
    version_id = evaluations.resolve_model(engine, actor=actor, model=model)
    if version_id is None:
        raise InvalidInputError("a batch is replayed under one version, not under the ensemble")
    found = replays.compare(engine, actor=actor, batch_id=batch_id, version_id=version_id)
    job_id = None
    if found.unseen:
        job_id = replays.ask(
            engine, get_settings(), actor=actor, batch_id=batch_id, version_id=version_id
        )
    if as_json:
        known = {"batch_id": batch_id, "version_id": version_id, "job_id": job_id}
        console.print_json(known | asdict(found))
    else:
        _print(found, job_id)


def _print(found: Replay, job_id: int | None) -> None:
    for outcome, label in OUTCOMES.items():
        console.stdout.print(f"{found.counts.get(outcome, 0):>7,}  {label}", highlight=False)
    if job_id is not None:
        words = "1 listing is" if found.unseen == 1 else f"{found.unseen:,} listings are"
        console.stdout.print(
            f"{words} not seen by this version yet: job {job_id} shows them to it.", highlight=False
        )
