"""What the commands print with: results on standard output, all else on standard error."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

stdout = Console()
stderr = Console(stderr=True)


def print_json(value: Any) -> None:
    """Print one JSON object on one line of standard output."""
    print(json.dumps(value, default=str, ensure_ascii=False))


def fail(message: str) -> None:
    """Print an error in red on standard error."""
    stderr.print("Error:", style="bold red", end=" ")
    stderr.print(message, highlight=False, markup=False)


def show_readings() -> None:
    """Print, above the progress bar, each time that a model sees a test split; and warnings."""
    handler = RichHandler(console=stderr, show_path=False, show_time=False)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    logging.getLogger("core.services.measuring").setLevel(logging.INFO)


def progress_bar() -> Progress:
    """Return a progress bar with the time left, on standard error."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        console=stderr,
    )


@contextmanager
def stage_bar(first: str) -> Iterator[Callable[..., None]]:
    """Give a function of a stage, how much of it is done, of how much, and a description of it.

    Args:
        first: What is said until it is called.
    """
    with progress_bar() as bar:
        task = bar.add_task(first, total=None)
        stage = ""

        def show(now: str, done: int, total: int, description: str | None = None) -> None:
            nonlocal stage
            if now != stage:
                stage = now
                bar.reset(task)  # the time left is that of the stage
            bar.update(task, description=description or now, completed=done, total=total)

        yield show
