"""What holds the parts of the review screen together, told without a browser."""

import re
from pathlib import Path

import pytest

from benchmarks.drawn_queue import FLAG_DETAIL
from benchmarks.review_keys import Pressed, compare
from core.flags import FLAG_KINDS, reason
from core.services.queue import LEASE_WINDOW, PAGE_WINDOW
from core.services.submissions import MAX_ACTS

FOLDER = Path(__file__).parents[2] / "pages" / "components" / "review"
HTML = (FOLDER / "index.html").read_text()
KEYS = (FOLDER / "keys.js").read_text()


def test_every_button_with_a_key_has_an_action_and_every_action_its_own_key() -> None:
    named = re.findall(r'\{ name: "([a-z-]+)", key: "([^"]+)"', KEYS)
    with_key = re.findall(r'data-action="([a-z-]+)"[^>]*>[^<]*<kbd></kbd>', HTML)
    assert set(with_key) <= {name for name, _ in named}
    assert len({key for _, key in named}) == len(named)
    assert {"accept", "reject", "grid", "accept-rest"} <= set(with_key)


def test_a_page_is_as_large_as_what_the_server_gives_at_once() -> None:
    [size] = re.findall(r"GRID_SIZE = (\d+)", (FOLDER / "grid.js").read_text())
    assert int(size) == PAGE_WINDOW


def test_no_more_is_asked_for_ahead_or_sent_together_than_the_server_takes() -> None:
    [ahead] = re.findall(r"PAGE_SIZE = (\d+)", (FOLDER / "queue.js").read_text())
    [together] = re.findall(r"MAX_TOGETHER = (\d+)", (FOLDER / "outbox.js").read_text())
    assert int(ahead) == LEASE_WINDOW
    assert 2 * LEASE_WINDOW <= PAGE_WINDOW, "asked for when as many are left"
    assert int(together) <= MAX_ACTS


@pytest.mark.parametrize("kind", FLAG_KINDS)
def test_the_benchmarks_have_what_any_flag_says_its_reason_from(kind: str) -> None:
    assert reason(kind, FLAG_DETAIL)


@pytest.mark.parametrize(
    ("kept", "wrong", "lost", "double"),
    [
        ([(1, "accept"), (2, "reject")], 0, 0, 0),
        ([(1, "accept")], 0, 1, 0),
        ([(1, "accept"), (1, "accept"), (2, "reject")], 0, 0, 1),
        ([(1, "reject"), (2, "reject")], 1, 0, 0),
        ([(1, "accept"), (2, "reject"), (3, "reject")], 1, 0, 0),
    ],
)
def test_the_benchmark_counts_what_went_wrong(
    kept: list[tuple[int, str]], wrong: int, lost: int, double: int
) -> None:
    pressed = [Pressed(1, "a"), Pressed(2, "x")]
    assert compare(pressed, kept) == {"wrong": wrong, "lost": lost, "double": double}
