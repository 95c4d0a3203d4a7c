"""Passwords: argon2id hashes, what a new one must be, and ones that are used once.

The rules follow NIST SP 800-63B (5.1.1.2): a least length, no rules of composition, any
character, nothing that is the name itself.
"""

import secrets
import unicodedata
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from core.errors import InvalidInputError

MIN_LENGTH = 10
MAX_LENGTH = 200
_ONE_TIME_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that are mistaken for each other
_ONE_TIME_GROUPS, _GROUP_LENGTH = 4, 5  # 31^20: 99 bits

_hasher = PasswordHash((Argon2Hasher(),))


def hash_password(password: str) -> str:
    """Return the argon2id hash with its salt and costs; takes about 0.1 s and 64 MiB."""
    return _hasher.hash(_normalized(password))


def verify(password: str, password_hash: str | None) -> bool:
    """Whether the password has the hash; without a hash it takes as long, and is never right."""
    is_right = _hasher.verify(_normalized(password), password_hash or _decoy_hash())
    return is_right and password_hash is not None


def check_new(password: str, *, name: str) -> None:
    """Raise InvalidInputError unless the password may be somebody's new one."""
    length = len(password)
    if length < MIN_LENGTH:
        raise InvalidInputError(
            f"the new password has {length} characters; it needs at least {MIN_LENGTH}"
        )
    if length > MAX_LENGTH:
        raise InvalidInputError(
            f"the new password has {length} characters; at most {MAX_LENGTH} are taken"
        )
    if _normalized(password).casefold() == name.casefold() or len(set(password)) == 1:
        raise InvalidInputError(
            "the new password is the name, or one character again and again; choose another"
        )


def draw_one_time() -> str:
    """Return a random password that can be read out, such as ``k7mfp-2xwhd-...``."""
    groups = (
        "".join(secrets.choice(_ONE_TIME_LETTERS) for _ in range(_GROUP_LENGTH))
        for _ in range(_ONE_TIME_GROUPS)
    )
    return "-".join(groups)


@cache
def _decoy_hash() -> str:
    return _hasher.hash(secrets.token_hex())


def _normalized(password: str) -> str:
    """One form of each character, however the keyboard sends it."""
    return unicodedata.normalize("NFKC", password)
