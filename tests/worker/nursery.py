"""Starts real worker processes quickly: they fork from a process that has torch loaded.

``python -m tests.worker.nursery`` reads one JSON object a line: ``{"start": options,
"environment": …, "log": path}`` answers with the new process's id, ``{"wait": id}`` with
its exit status. The workers are those of ``catalens worker``, except that their decoder
sleeps TROUBLE_DELAY_S a photo and kills its process at the photo TROUBLE_POISON.
"""

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import typer

from cli.worker import worker_command
from core.inference import classifier
from core.worker import process  # noqa: F401 -- loads torch before the fork

WAIT_S = 240.0

decode = classifier.decode


def troubled_decode(data: bytes, *arguments: Any) -> Any:
    time.sleep(float(os.environ["TROUBLE_DELAY_S"]))
    if hashlib.sha256(data).hexdigest() == os.environ["TROUBLE_POISON"]:
        os._exit(139)
    return decode(data, *arguments)


def start(options: list[str], environment: dict[str, str], log: str) -> int:
    child = os.fork()
    if child:
        return child
    os.environ.update(environment)
    with Path(log).open("ab") as file, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    classifier.decode = troubled_decode
    sys.argv = ["worker", *options]
    typer.run(worker_command)
    raise SystemExit


def wait(pid: int) -> int:
    """Return the exit status; a worker that hangs is killed."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        if "start" in request:
            answer = start(request["start"], request["environment"], request["log"])
        else:
            answer = wait(request["wait"])
        print(answer, flush=True)


if __name__ == "__main__":
    main()
