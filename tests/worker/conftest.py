"""Worker processes for the tests beside this file."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.settings import Settings

PROJECT_DIR = Path(__file__).resolve().parents[2]


@dataclass
class WorkerProcess:
    """A running worker."""

    pid: int
    log: Path
    nursery: "Nursery"
    ended: bool = False

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        os.kill(self.pid, signal.SIGKILL)
        assert self.wait() == -signal.SIGKILL

    def terminate(self) -> int:
        """Ask it to stop; return its exit status."""
        os.kill(self.pid, signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        self.ended = True
        return int(self.nursery.ask({"wait": self.pid}))

    def finish(self) -> str:
        """Wait until it ends well; return what it said."""
        status = self.wait()
        assert status == 0, self.said
        return self.said

    @property
    def said(self) -> str:
        return self.log.read_text()


class Nursery:
    """The process that workers fork from."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.worker.nursery"],
            cwd=PROJECT_DIR,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, request: dict[str, object]) -> str:
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return self._process.stdout.readline()

    def close(self) -> None:
        self._process.communicate()


class Workers:
    """Starts workers of one test and leaves none behind."""

    def __init__(self, nursery: Nursery, folder: Path) -> None:
        self._nursery = nursery
        self._folder = folder
        self._started: list[WorkerProcess] = []

    def start(
        self, settings: Settings, *options: str, delay_s: float = 0.0, poison: str = ""
    ) -> WorkerProcess:
        values = settings.model_dump(mode="json")
        environment = {f"CATALENS_{key.upper()}": str(value) for key, value in values.items()}
        environment |= {"TROUBLE_DELAY_S": str(delay_s), "TROUBLE_POISON": poison}
        log = self._folder / f"worker-{len(self._started)}.log"
        log.touch()
        pid = self._nursery.ask({"start": options, "environment": environment, "log": str(log)})
        worker = WorkerProcess(int(pid), log, self._nursery)
        self._started.append(worker)
        return worker

    def close(self) -> None:
        for worker in self._started:
            if not worker.ended:
                worker.kill()


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def workers(nursery: Nursery, tmp_path: Path) -> Iterator[Workers]:
    workers = Workers(nursery, tmp_path)
    yield workers
    workers.close()
