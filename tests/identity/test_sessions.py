"""How long sessions last, and who ends them."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import update

from core.actors import Actor
from core.errors import (
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
)
from core.services import accounts, sessions
from core.settings import Settings
from db.engine import transaction
from db.rows import SessionRow
from tests.identity.conftest import PASSWORD, StartSession, try_in


@pytest.mark.parametrize(
    ("column", "age_s"), [("seen_at", 12 * 3600 + 1), ("expires_at", 1)], ids=["idle", "old"]
)
def test_a_session_ends_by_itself(
    engine: sa.Engine,
    with_accounts: Settings,
    olga: Actor,
    start: StartSession,
    column: str,
    age_s: int,
) -> None:
    token = start(olga)
    assert sessions.find(engine, with_accounts, token=token)
    with transaction(engine) as session:
        past = datetime.now(UTC) - timedelta(seconds=age_s)
        session.execute(update(SessionRow).values({column: past}))
    assert sessions.find(engine, with_accounts, token=token) is None
    assert sessions.list_own(engine, with_accounts, actor=olga) == ()


def test_a_session_in_use_stays_open(
    engine: sa.Engine, with_accounts: Settings, olga: Actor, start: StartSession
) -> None:
    token = start(olga)
    for _ in range(3):
        with transaction(engine) as session:
            past = datetime.now(UTC) - timedelta(hours=11)
            session.execute(update(SessionRow).values(seen_at=past))
        assert sessions.find(engine, with_accounts, token=token)


def test_sessions_are_ended_one_by_one_or_all_others(
    engine: sa.Engine, with_accounts: Settings, olga: Actor, start: StartSession
) -> None:
    tokens = [start(olga) for _ in range(4)]
    here = sessions.find(engine, with_accounts, token=tokens[0])
    second = sessions.find(engine, with_accounts, token=tokens[1])
    assert here is not None
    assert second is not None
    sessions.end(engine, actor=olga, session_id=second.session_id)
    sessions.sign_out(engine, token=tokens[2])
    left = [sessions.find(engine, with_accounts, token=token) is not None for token in tokens]
    assert left == [True, False, False, True]
    sessions.end_others(engine, actor=olga, session_id=here.session_id)
    assert [each.id for each in sessions.list_own(engine, with_accounts, actor=olga)] == [
        here.session_id
    ]


def test_nobody_but_an_admin_ends_another_session(
    engine: sa.Engine, with_accounts: Settings, everybody: dict[str, Actor], start: StartSession
) -> None:
    start(everybody["staff"])
    for role in ("reviewer", "manager"):
        with pytest.raises(NotFoundError):
            sessions.end(engine, actor=everybody[role], session_id=1)
        with pytest.raises(ForbiddenError):
            sessions.list_sessions(engine, with_accounts, actor=everybody[role])
    sessions.end(engine, actor=everybody["admin"], session_id=1)


def test_a_changed_password_ends_the_other_sessions(
    engine: sa.Engine, with_accounts: Settings, olga: Actor, start: StartSession
) -> None:
    tokens = [start(olga), start(olga)]
    here = sessions.find(engine, with_accounts, token=tokens[0])
    assert here
    change = {"signed_in": here, "address": "::1"}
    with pytest.raises(UnauthenticatedError):
        accounts.change_password(engine, current="wrong", new="a new password", **change)
    with pytest.raises(InvalidInputError):
        accounts.change_password(engine, current=PASSWORD, new=PASSWORD, **change)
    accounts.change_password(engine, current=PASSWORD, new="a new password", **change)
    assert [bool(sessions.find(engine, with_accounts, token=each)) for each in tokens] == [
        True,
        False,
    ]
    with pytest.raises(UnauthenticatedError):
        try_in(engine, with_accounts)
    try_in(engine, with_accounts, password="a new password")
