"""A place in a queue, and how it is written for a client that comes back with it."""

import json
import math
from collections.abc import Mapping
from typing import Any

from core.errors import InvalidInputError

Position = Mapping[str, tuple[float, int]]
"""Of each part of the queue that was begun, the (order value, listing id) that came last.

A part is a kind of work, a group of the policy, or, under the key ``""``, all of it.
"""

MAX_ID = 2**63 - 1
MAX_PARTS = 50


def write_position(position: Position) -> str:
    return json.dumps(position, separators=(",", ":"))


def read_position(text: str) -> Position:
    """Return the position that ``write_position`` wrote.

    Raises:
        InvalidInputError: It is no such text.
    """
    try:
        read = json.loads(text)
        if not isinstance(read, dict) or not 0 < len(read) <= MAX_PARTS:
            raise TypeError
        return {key: _entry(entry) for key, entry in read.items()}
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidInputError(
            f"no place in a queue is {text[:100]!r}; start the queue anew"
        ) from error


def _entry(entry: Any) -> tuple[float, int]:
    value, id_ = entry
    if type(id_) is not int or not 0 <= id_ <= MAX_ID:
        raise TypeError
    if type(value) not in (int, float) or not math.isfinite(value):
        raise TypeError
    return float(value), id_
