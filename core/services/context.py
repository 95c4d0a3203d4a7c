"""What a door needs to call a service."""

from dataclasses import dataclass

import sqlalchemy as sa

from core.actors import Actor
from core.services import database
from core.settings import Settings, get_settings


@dataclass(frozen=True, slots=True)
class Context:
    """The installation and who acts in it.

    Doors take it as one thing, so that they never name a type of the database.
    """

    settings: Settings
    engine: sa.Engine
    actor: Actor


def open_context() -> Context:
    """Return this installation, its database brought up to date, and the local user."""
    engine = database.get_engine()
    database.upgrade(engine)
    return Context(get_settings(), engine, database.local_actor(engine))
