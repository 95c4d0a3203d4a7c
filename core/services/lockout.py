"""Guessing is made slow: each try beyond a few waits twice as long as the one before.

A try is counted before the password is looked at, so that a hundred at once are a hundred
tries. The counts lie in the database, which all processes share. Names that nobody has are
counted as others are; who guesses learns nothing from it.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import TooManyTriesError
from db.engine import transaction
from db.queries import accounts as queries
from db.rows import SignInTriesRow


@dataclass(frozen=True, slots=True)
class Lock:
    """How tries on one thing are slowed.

    Attributes:
        free: So many tries may fail without any wait.
        first_s: The wait after one more; each further one doubles it.
        longest_s: No wait is longer.
    """

    free: int
    first_s: int
    longest_s: int

    def wait_s(self, tries: int) -> int:
        """Return how long the next try waits after so many that failed."""
        if tries < self.free:
            return 0
        doublings = min(tries - self.free, 30)
        return min(self.longest_s, self.first_s << doublings)


# An office shares one address, so an address gets more tries than an account.
LOCKS: Mapping[str, Lock] = {
    "account": Lock(free=5, first_s=15, longest_s=3600),
    "address": Lock(free=30, first_s=15, longest_s=3600),
}
FORGET_AFTER = timedelta(days=1)


def begin(engine: sa.Engine, *, account: str, address: str) -> None:
    """Count a try to sign in, before the password is looked at.

    Raises:
        TooManyTriesError: The account or the address waits; the try was not counted.
    """
    now = datetime.now(UTC)
    with transaction(engine) as session:
        queries.delete_old_tries(session, before=now - FORGET_AFTER)
        rows = {kind: _lock(session, kind, value, now) for kind, value in _keys(account, address)}
        ends = [row.locked_until for row in rows.values() if row.locked_until is not None]
        if ends and max(ends) > now:
            raise _too_many(math.ceil((max(ends) - now).total_seconds()))
        for kind, row in rows.items():
            _count(row, LOCKS[kind], row.tries + 1, now)


def succeed(engine: sa.Engine, *, account: str, address: str) -> None:
    """Take the try back: it was right. An account's failures are forgotten with it."""
    now = datetime.now(UTC)
    with transaction(engine) as session:
        for kind, value in _keys(account, address):
            row = _lock(session, kind, value, now)
            tries = 0 if kind == "account" else max(0, row.tries - 1)
            _count(row, LOCKS[kind], tries, now)


def forget(engine: sa.Engine, *, account: str) -> None:
    """Forget the failed tries on an account; those from addresses stay."""
    now = datetime.now(UTC)
    with transaction(engine) as session:
        _count(_lock(session, "account", account, now), LOCKS["account"], 0, now)


def _keys(account: str, address: str) -> tuple[tuple[str, str], ...]:
    return (("account", account), ("address", address))


def _lock(session: Session, kind: str, value: str, now: datetime) -> SignInTriesRow:
    key = hashlib.sha256(f"{kind}:{value}".encode(errors="replace")).hexdigest()
    return queries.lock_tries(session, key=key, now=now)


def _count(row: SignInTriesRow, lock: Lock, tries: int, now: datetime) -> None:
    wait_s = lock.wait_s(tries)
    row.tries, row.last_at = tries, now
    row.locked_until = now + timedelta(seconds=wait_s) if wait_s else None


def _too_many(wait_s: int) -> TooManyTriesError:
    shown = f"{wait_s} seconds" if wait_s < 120 else f"{math.ceil(wait_s / 60)} minutes"
    return TooManyTriesError(f"too many tries; wait {shown} and try again", wait_s)
