"""A real web app and a real worker, each a process of its own."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROJECT_DIR = Path(__file__).parents[2]
START_TIMEOUT_S = 180.0
STOP_TIMEOUT_S = 20.0


@contextmanager
def run_web_app(data_dir: Path, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run the web app on a free port; yield its address."""
    with _held_port() as port:
        address = f"http://127.0.0.1:{port}"
        options = ["--server.address=127.0.0.1", f"--server.port={port}"]
        command = [sys.executable, "-m", "streamlit", "run", "app.py", *options]
        with _process(command, data_dir, "web.log", environment or {}) as process:
            _wait_for(f"{address}/_stcore/health", process)
            yield address


@contextmanager
def run_worker(data_dir: Path) -> Iterator[None]:
    with _process([sys.executable, "-m", "cli.main", "worker"], data_dir, "worker.log", {}):
        yield


@contextmanager
def run_both(data_dir: Path) -> Iterator[str]:
    """Run the web app and a worker on the same data; yield the address."""
    with ExitStack() as stack:
        address = stack.enter_context(run_web_app(data_dir))
        stack.enter_context(run_worker(data_dir))
        yield address


@contextmanager
def _process(
    command: Sequence[str], data_dir: Path, log: str, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    environment = (
        os.environ
        | environment
        | {
            "CATALENS_DATA_DIR": str(data_dir),
            "OMP_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
        }
    )
    with (data_dir / log).open("wb") as file:
        process = subprocess.Popen(
            command, cwd=PROJECT_DIR, env=environment, stdout=file, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def _held_port() -> Iterator[int]:
    """A free port that no other test is given, but that a server may listen at."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "the web app ended; see web.log in its data directory"
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"{address} did not answer within {START_TIMEOUT_S:.0f} s")
