"""What every task needs."""

import threading
from dataclasses import dataclass, field

import sqlalchemy as sa

from core.services.active_models import ModelCache
from core.services.copies import KnownPrints
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Workplace:
    """What tasks share.

    Attributes:
        prints: Hashes of all pictures.
        stop: Set when the worker shall stop.
        turn: Held while a chunk is classified, so that one ends before the next begins:
            a crash then speaks against one chunk only.
    """

    engine: sa.Engine
    settings: Settings
    models: ModelCache
    prints: KnownPrints
    stop: threading.Event = field(default_factory=threading.Event)
    turn: threading.Lock = field(default_factory=threading.Lock)
