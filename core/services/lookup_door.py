"""The short way to the worker: a photo goes in, its embedding comes out, nothing is queued.

A worker with its network loaded listens on this machine and says where in a file of the data
directory, which only its user can read. Where nobody listens, or nobody answers in time, the photo
waits for a worker as any other work does.
"""

import http.client
import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

from core.errors import InvalidInputError
from core.settings import Settings
from core.storage import write_whole

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
ANSWER_TIMEOUT_S = 5.0
SPACE_HEADER = "X-Space"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a worker listens, and the word it answers to."""

    port: int
    token: str


def announce(settings: Settings, address: Address) -> None:
    """Say where this worker listens; the newest is asked."""
    write_whole(_path(settings), json.dumps(asdict(address)).encode())


def withdraw(settings: Settings, address: Address) -> None:
    """Take back what was announced, unless another worker has said where it listens since."""
    if _find(settings) == address:
        _path(settings).unlink(missing_ok=True)


def embed(settings: Settings, data: bytes) -> tuple[str, bytes] | None:
    """Return space and vector of a photo; None where no worker answers.

    Raises:
        InvalidInputError: The worker says that it cannot be embedded, and why.
    """
    address = _find(settings)
    if address is None:
        return None
    connection = http.client.HTTPConnection(HOST, address.port, timeout=ANSWER_TIMEOUT_S)
    try:
        headers = {"Authorization": f"Bearer {address.token}"}
        connection.request("POST", "/", data, headers)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        log.warning("no worker answers at port %d, the photo waits: %s", address.port, error)
        return None
    finally:
        connection.close()
    if answer.status == 422:
        raise InvalidInputError(body.decode())
    space = answer.headers.get(SPACE_HEADER)
    return (space, body) if answer.status == 200 and space else None


def _find(settings: Settings) -> Address | None:
    try:
        return Address(**json.loads(_path(settings).read_bytes()))
    except FileNotFoundError:
        return None


def _path(settings: Settings) -> Path:
    return settings.data_dir / "lookup-door.json"
