"""Time from ``catalens run`` (what ``make run`` calls) to an answer and to a drawn page.

The environment is installed and warm. The first run begins with an empty data directory and
migrates it; the runs after that are what a user sees every day.
"""

import importlib.util
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from benchmarks import harness
from benchmarks.harness import Figures, Options

RUNS = 5
QUICK_RUNS = 1
TIMEOUT_S = 120.0
POLL_S = 0.02
CHROMIUM_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync")


def measure(options: Options) -> Figures:
    """Return run_to_health_s, run_to_page_s (with a browser) and run_to_worker_s: medians."""
    runs = QUICK_RUNS if options.quick else RUNS
    with ExitStack() as stack:
        data_dir = str(stack.enter_context(harness.work_folder()))
        browser = open_browser(stack)
        first = _start_once(data_dir, browser)
        later = [_start_once(data_dir, browser) for _ in range(runs)]
    medians = {key: statistics.median(run[key] for run in later) for key in first}
    return {**medians, **{f"first_{key}": value for key, value in first.items()}}


def _start_once(data_dir: str, browser: Any) -> Figures:
    """Start everything, take the times, stop everything."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "CATALENS_DATA_DIR": data_dir}
    command = [sys.executable, "-m", "cli.main", "run", "--no-browser", f"--port={port}"]
    started_at = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    worker_ready = _watch(process)
    try:
        wait_until(lambda: answers(f"{address}/_stcore/health"))
        figures = {"run_to_health_s": time.perf_counter() - started_at}
        if browser is not None:
            _wait_for_page(browser, address)
            figures["run_to_page_s"] = time.perf_counter() - started_at
        wait_until(worker_ready.is_set)
        figures["run_to_worker_s"] = time.perf_counter() - started_at
        return figures
    finally:
        process.send_signal(signal.SIGTERM)  # SIGINT is ignored below some shells
        process.wait(TIMEOUT_S)


def _watch(process: "subprocess.Popen[str]") -> threading.Event:
    """Read what it says, so that it never blocks; set the event when its worker has started."""
    ready = threading.Event()

    def read() -> None:
        assert process.stderr
        for line in process.stderr:
            if "worker local has started" in line:
                ready.set()

    threading.Thread(target=read, daemon=True).start()
    return ready


def open_browser(stack: ExitStack) -> Any:
    """Return a Playwright browser, or None where there is none."""
    chromium = shutil.which("chromium")
    if chromium is None or importlib.util.find_spec("playwright") is None:
        return None
    from playwright.sync_api import sync_playwright

    playwright = stack.enter_context(sync_playwright())
    browser = playwright.chromium.launch(
        executable_path=chromium, args=list(CHROMIUM_ARGUMENTS), timeout=TIMEOUT_S * 1000
    )
    stack.callback(browser.close)
    return browser


def _wait_for_page(browser: Any, address: str) -> None:
    """Open the address and wait until its heading is drawn."""
    page = browser.new_page()
    page.goto(address)
    page.locator("[data-testid=stMain] h1").first.wait_for(timeout=TIMEOUT_S * 1000)
    page.close()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def wait_until(condition: Callable[[], bool], timeout_s: float = TIMEOUT_S) -> None:
    """Ask again and again until it is so.

    Raises:
        TimeoutError: It was not so in time.
    """
    deadline = time.perf_counter() + timeout_s
    while not condition():
        if time.perf_counter() > deadline:
            raise TimeoutError(f"nothing after {timeout_s} s")
        time.sleep(POLL_S)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    harness.main("startup", measure)
