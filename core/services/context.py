"""What a door needs to call a service."""

from dataclasses import dataclass

import sqlalchemy as sa

from core.actors import Actor
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Context:
    """The installation and who acts in it.

    Doors take it as one thing, so that they never name a type of the database.
    """

    settings: Settings
    engine: sa.Engine
    actor: Actor
