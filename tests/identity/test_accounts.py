"""Signing in, passwords, sessions, people: what the services promise."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import select, update

from core import passwords
from core.actors import PERMISSIONS, Actor
from core.errors import (
    CatalogError,
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    TooManyTriesError,
    UnauthenticatedError,
)
from core.services import accounts, lockout, sessions, users
from core.services.accounts import check_start
from core.services.database import local_actor
from core.services.lockout import LOCKS
from core.settings import Settings
from db.engine import reading, transaction
from db.rows import SessionRow, SignInTriesRow, UserRow
from tests.identity.conftest import PASSWORD, add_user, try_in


def wait_over(engine: sa.Engine) -> None:
    """Let all waits be over."""
    with transaction(engine) as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        session.execute(
            update(SignInTriesRow)
            .where(SignInTriesRow.locked_until.is_not(None))
            .values(locked_until=past)
        )


def test_a_password_is_kept_as_an_argon2id_hash() -> None:
    hashed = passwords.hash_password(PASSWORD)
    assert hashed.startswith("$argon2id$")
    assert hashed != passwords.hash_password(PASSWORD)
    assert passwords.verify(PASSWORD, hashed)
    assert not passwords.verify("correct horse batterz", hashed)
    assert not passwords.verify(PASSWORD, None)


def test_one_letter_typed_in_two_ways_is_one_password() -> None:
    assert passwords.verify("schöne Grüße", passwords.hash_password("scho\u0308ne Gru\u0308ße"))


@pytest.mark.parametrize("password", ["", "nine char", "x" * 201, "a" * 12, "olga-olga-olga"])
def test_a_weak_password_is_refused(password: str) -> None:
    with pytest.raises(InvalidInputError):
        passwords.check_new(password, name="Olga-Olga-Olga")


def test_a_long_phrase_needs_no_signs() -> None:
    passwords.check_new("ten letter", name="olga")


def test_one_time_passwords_differ_and_may_be_new_ones() -> None:
    drawn = {passwords.draw_one_time() for _ in range(50)}
    assert len(drawn) == 50
    passwords.check_new(drawn.pop(), name="olga")


def test_who_knows_the_password_gets_a_session(
    engine: sa.Engine, with_accounts: Settings, olga: Actor
) -> None:
    token = try_in(engine, with_accounts, name="  OLGA ")
    found = sessions.find(engine, with_accounts, token=token)
    assert found is not None
    assert (found.actor, found.must_change_password) == (olga, False)
    with reading(engine) as session:
        (kept,) = session.scalars(select(SessionRow)).all()
    assert len(token) >= 43  # 256 bits in base 64
    assert token not in str(vars(kept))


def test_a_wrong_name_and_a_wrong_password_are_told_alike(
    engine: sa.Engine, with_accounts: Settings, olga: Actor
) -> None:
    add_user(engine, "otto", "staff", password=PASSWORD)
    admin = local_actor(engine)
    otto = users.find_user_id(engine, actor=admin, name="otto")
    users.set_disabled(engine, actor=admin, user_id=otto, is_disabled=True)
    for name, password in (
        ("olga", "wrong password"),
        ("nobody", PASSWORD),
        ("otto", PASSWORD),
        ("local", ""),
        ("", PASSWORD),
        ("a\0b", PASSWORD),
    ):
        with pytest.raises(UnauthenticatedError, match=accounts.WRONG):
            try_in(engine, with_accounts, name=name, password=password)


@pytest.mark.parametrize("name", ["olga", "nobody"])
def test_an_account_is_locked_longer_at_each_guess(
    engine: sa.Engine, with_accounts: Settings, olga: Actor, name: str
) -> None:
    lock = LOCKS["account"]
    for _ in range(lock.free):
        with pytest.raises(UnauthenticatedError):
            try_in(engine, with_accounts, name=name, password="wrong")
    waits = []
    for _ in range(3):
        with pytest.raises(TooManyTriesError) as locked:
            try_in(engine, with_accounts, name=name)  # even the right one is not looked at
        waits.append(locked.value.wait_s)
        wait_over(engine)
        with pytest.raises(UnauthenticatedError):
            try_in(engine, with_accounts, name=name, password="wrong")
    expected = [lock.first_s, 2 * lock.first_s, 4 * lock.first_s]
    assert waits == pytest.approx(expected, abs=5)  # less what has gone by since


def test_the_right_password_after_the_wait_forgets_the_failures(
    engine: sa.Engine, with_accounts: Settings, olga: Actor
) -> None:
    for _ in range(LOCKS["account"].free):
        with pytest.raises(UnauthenticatedError):
            try_in(engine, with_accounts, password="wrong")
    wait_over(engine)
    try_in(engine, with_accounts)
    for _ in range(LOCKS["account"].free - 1):
        with pytest.raises(UnauthenticatedError):
            try_in(engine, with_accounts, password="wrong")
    try_in(engine, with_accounts)


def test_an_address_that_tries_many_names_is_locked(any_engine: sa.Engine) -> None:
    for number in range(LOCKS["address"].free):
        lockout.begin(any_engine, account=f"name {number}", address="192.0.2.1")
    with pytest.raises(TooManyTriesError, match=r"wait 1\d seconds"):
        lockout.begin(any_engine, account="another", address="192.0.2.1")
    lockout.begin(any_engine, account="another", address="192.0.2.2")


def test_an_own_account_does_not_wash_an_address_clean(any_engine: sa.Engine) -> None:
    for number in range(LOCKS["address"].free):
        lockout.begin(any_engine, account="mine", address="192.0.2.1")
        lockout.succeed(any_engine, account="mine", address="192.0.2.1")
        lockout.begin(any_engine, account=f"victim {number}", address="192.0.2.1")
    with pytest.raises(TooManyTriesError):
        lockout.begin(any_engine, account="mine", address="192.0.2.1")


def test_a_hundred_guesses_at_once_are_not_free(any_engine: sa.Engine) -> None:
    def guess(_: int) -> bool:
        try:
            lockout.begin(any_engine, account="olga", address="192.0.2.1")
        except TooManyTriesError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        taken = sum(threads.map(guess, range(40)))
    assert taken == LOCKS["account"].free


def test_waits_grow_to_a_limit() -> None:
    lock = LOCKS["account"]
    waits = [lock.wait_s(tries) for tries in range(200)]
    assert waits == sorted(waits)
    assert (waits[lock.free - 1], waits[-1]) == (0, lock.longest_s)


def test_failures_are_forgotten_after_a_day(engine: sa.Engine) -> None:
    for _ in range(LOCKS["account"].free):
        lockout.begin(engine, account="olga", address="192.0.2.1")
    with transaction(engine) as session:
        long_ago = datetime.now(UTC) - lockout.FORGET_AFTER - timedelta(minutes=1)
        session.execute(update(SignInTriesRow).values(last_at=long_ago))
    lockout.begin(engine, account="olga", address="192.0.2.1")


def test_the_first_admin_is_made_once(engine: sa.Engine, with_accounts: Settings) -> None:
    password = users.ensure_admin(engine)
    assert password
    assert users.ensure_admin(engine) is None
    token = try_in(engine, with_accounts, name="admin", password=password)
    found = sessions.find(engine, with_accounts, token=token)
    assert found
    assert (found.actor.role, found.must_change_password) == ("admin", True)


def test_a_person_begins_with_a_one_time_password(
    engine: sa.Engine, with_accounts: Settings, everybody: dict[str, Actor]
) -> None:
    admin = everybody["admin"]
    first = users.create_user(engine, actor=admin, name="Olga", role="staff")
    with pytest.raises(ConflictError, match="'olga'"):
        users.create_user(engine, actor=admin, name="OLGA ", role="admin")
    token = try_in(engine, with_accounts, password=first)
    user_id = users.find_user_id(engine, actor=admin, name="olga")
    second = users.reset_password(engine, actor=admin, user_id=user_id)
    assert sessions.find(engine, with_accounts, token=token) is None
    with pytest.raises(UnauthenticatedError):
        try_in(engine, with_accounts, password=first)
    try_in(engine, with_accounts, password=second)


def test_a_new_password_opens_a_locked_account(
    engine: sa.Engine, with_accounts: Settings, olga: Actor, everybody: dict[str, Actor]
) -> None:
    for _ in range(LOCKS["account"].free):
        with pytest.raises(UnauthenticatedError):
            try_in(engine, with_accounts, password="wrong")
    password = users.reset_password(engine, actor=everybody["admin"], user_id=olga.id)
    try_in(engine, with_accounts, password=password)


def test_the_last_admin_and_the_local_user_stay_as_they_are(engine: sa.Engine) -> None:
    local = local_actor(engine)
    users.ensure_admin(engine)
    admin_id = users.find_user_id(engine, actor=local, name="admin")
    for user_id in (admin_id, local.id):
        for change in (
            lambda id_: users.set_role(engine, actor=local, user_id=id_, role="staff"),
            lambda id_: users.set_disabled(engine, actor=local, user_id=id_, is_disabled=True),
        ):
            with pytest.raises(ConflictError, match=r"last admin|commands on this machine"):
                change(user_id)
    users.create_user(engine, actor=local, name="second", role="admin")
    users.set_role(engine, actor=local, user_id=admin_id, role="staff")


def test_only_who_administers_changes_people(
    engine: sa.Engine, settings: Settings, everybody: dict[str, Actor]
) -> None:
    for role in PERMISSIONS.keys() - {"admin"}:
        actor = everybody[role]
        for ask in (
            lambda who: users.list_users(engine, settings, actor=who),
            lambda who: users.create_user(engine, actor=who, name="x", role="admin"),
            lambda who: users.set_role(engine, actor=who, user_id=who.id, role="admin"),
            lambda who: users.set_disabled(engine, actor=who, user_id=1, is_disabled=True),
            lambda who: users.reset_password(engine, actor=who, user_id=1),
            lambda who: users.find_user_id(engine, actor=who, name="admin"),
        ):
            with pytest.raises(ForbiddenError):
                ask(actor)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 121, "\u200b"])
def test_a_name_that_cannot_be_seen_is_refused(engine: sa.Engine, name: str) -> None:
    with pytest.raises(InvalidInputError):
        users.create_user(engine, actor=local_actor(engine), name=name, role="staff")


@pytest.mark.parametrize(
    ("changed", "listens_on", "problem"),
    [
        ({}, "127.0.0.1", None),
        ({}, "::1", None),
        ({}, "localhost", None),
        ({}, "", "every address"),
        ({}, "192.0.2.7", "192.0.2.7"),
        ({"accounts": "local"}, "", None),
        ({"host": "0.0.0.0"}, "0.0.0.0", None),
        ({"accounts": "off", "host": "0.0.0.0"}, "0.0.0.0", "CATALENS_ACCOUNTS=local"),
        ({"accounts": "off", "allowed_hosts": "shop.example"}, "127.0.0.1", "others can reach"),
        ({"accounts": "off", "host": "0.0.0.0", "accounts_off_anywhere": True}, "0.0.0.0", None),
        ({"accounts": "oidc"}, "127.0.0.1", "CATALENS_OIDC_ISSUER"),
        (
            {"accounts": "oidc", "oidc_issuer": "http://id.example", "oidc_client_id": "c"},
            "127.0.0.1",
            "https",
        ),
        (
            {
                "accounts": "oidc",
                "oidc_issuer": "https://id.example",
                "oidc_client_id": "c",
                "oidc_roles": "heads=king",
            },
            "127.0.0.1",
            "heads=king",
        ),
    ],
)
def test_a_web_app_without_accounts_opens_to_this_machine_alone(
    settings: Settings, changed: dict[str, object], listens_on: str, problem: str | None
) -> None:
    settings = settings.model_copy(update=changed)
    if problem is None:
        check_start(settings, listens_on=listens_on)
    else:
        with pytest.raises(CatalogError, match=problem):
            check_start(settings, listens_on=listens_on)


def test_accounts_are_on_where_others_can_come_in(settings: Settings) -> None:
    assert not settings.has_accounts
    for changed in ({"host": "0.0.0.0"}, {"host": ""}, {"allowed_hosts": "shop.example"}):
        assert settings.model_copy(update=changed).has_accounts


def test_a_user_of_an_unknown_role_may_nothing(engine: sa.Engine, olga: Actor) -> None:
    with reading(engine) as session:
        assert session.get_one(UserRow, olga.id).role in PERMISSIONS
    with pytest.raises(ForbiddenError):
        sessions.end_others(engine, actor=Actor(olga.id, "olga", "ghost"), session_id=1)
