"""``catalens run``: the web app and the worker, started, watched and stopped together."""

import logging
import math
import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cli import console
from cli.signals import stop_event
from cli.supervisor import Program, Supervised, stop_all
from core.errors import ConflictError
from core.services import accounts, database, users
from core.settings import Settings, get_settings

PROJECT_DIR = Path(__file__).resolve().parents[1]
TIED_PYTHON = (sys.executable, "-m", "cli.lifeline")  # then a module that ends with us
POLL_S = 0.1
HEALTH_TIMEOUT_S = 60.0


def run_command(
    *,
    sample: Annotated[bool, typer.Option("--sample", help="Draw the sample catalog.")] = False,
    port: Annotated[int | None, typer.Option(help="Port of the web app.")] = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address.")
    ] = False,
) -> None:
    """Start Catalens: migrate, run the web app and the worker, open the address."""
    settings = get_settings()
    if port is not None:
        settings = settings.model_copy(update={"port": port})
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    accounts.check_start(settings, listens_on=settings.host)
    check_port(settings.host, settings.port)
    engine = database.get_engine()
    database.upgrade(engine)
    if settings.has_accounts:
        _introduce_admin()
    if sample:
        _ask_for_sample()
    _supervise(settings, stop_event(), open_browser=settings.open_browser and not no_browser)


def check_port(host: str, port: int) -> None:
    """Make sure that the web app can listen there.

    Raises:
        ConflictError: Something else does.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConflictError(
                f"port {port} of {host} cannot be used ({error.strerror}). Perhaps Catalens runs "
                f"already: open http://{_browsable(host)}:{port}. If not, choose another port: "
                f"CATALENS_PORT={port + 1}"
            ) from error


def _supervise(settings: Settings, stop: threading.Event, *, open_browser: bool) -> None:
    address = f"http://{_browsable(settings.host)}:{settings.port}"
    web, worker = Supervised(_web_app(settings)), Supervised(_worker(settings))
    try:
        is_open = _wait_for_health([web], address, stop, timeout_s=HEALTH_TIMEOUT_S)
        if not is_open and not stop.is_set():
            console.stderr.print(
                f"The web app does not answer at {address} yet, after {HEALTH_TIMEOUT_S:.0f} s; "
                "still waiting"
            )
            is_open = _wait_for_health([web, worker], address, stop, timeout_s=math.inf)
        if is_open:
            console.stderr.print(f"Catalens is open at [bold]{address}[/bold] (Ctrl-C stops it)")
            if open_browser and _has_display():
                webbrowser.open(address)
        while not stop.is_set():
            web.tend()
            worker.tend()
            stop.wait(POLL_S)
    finally:
        stop_all([web, worker])


def _wait_for_health(
    tended: Sequence[Supervised], address: str, stop: threading.Event, *, timeout_s: float
) -> bool:
    """Keep the programs running until the web app answers; return whether it does.

    At first that is the web app alone, which so has the processor to itself.
    """
    deadline = time.monotonic() + timeout_s
    while not stop.is_set() and time.monotonic() < deadline:
        for program in tended:
            program.tend()
        if _is_healthy(address):
            return True
        stop.wait(POLL_S)
    return False


def _is_healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _web_app(settings: Settings) -> Program:
    command = [*TIED_PYTHON, "streamlit", "run", str(PROJECT_DIR / "app.py")]
    command += [f"--server.address={settings.host}", f"--server.port={settings.port}"]
    # What a proxy says is believed by CATALENS_TRUST_PROXY alone, not by the server as well.
    environment = {"CATALENS_PORT": str(settings.port), "FORWARDED_ALLOW_IPS": ""}
    return Program("web app", command, environment)


def _worker(settings: Settings) -> Program:
    command = [*TIED_PYTHON, "cli.main", "worker"]
    return Program("worker", command, {"CATALENS_PORT": str(settings.port)})


def _ask_for_sample() -> None:
    from core.services.sample import start_sample

    engine = database.get_engine()
    try:
        start_sample(engine, actor=database.local_actor(engine))
    except ConflictError as error:
        console.stderr.print(str(error), highlight=False, markup=False)


def _introduce_admin() -> None:
    """Make the first admin where there is none, and print the password this once."""
    password = users.ensure_admin(database.get_engine())
    if password is not None:
        console.stderr.print(
            f"Sign in as [bold]{users.FIRST_ADMIN}[/bold] with the one-time password "
            f"[bold]{password}[/bold] (shown this once)",
            highlight=False,
            soft_wrap=True,
        )


def _browsable(host: str) -> str:
    """The address that a browser on this machine uses for a host that the app listens on."""
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 -- compared, not bound
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _has_display() -> bool:
    """Whether a browser opened here would be a window, not a text browser in this terminal."""
    return sys.platform != "linux" or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())
