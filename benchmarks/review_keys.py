"""How soon the next picture is painted after a key, and whether a decision is ever wrong or lost.

A real server on a database of 100,000 listings, a real browser, keys at gaps of 30 ms. A key
on a picture that has not been painted is not counted: the screen ignores it. Each run goes on until
that many keys have met a picture: undisturbed, with the network cut for a while (``cut``), with
the server killed and started again (``restart``), with the tab closed right after the last key
(``close``). What was on screen under each key is noted apart from the screen, and compared with
the database:

* ``wrong``: a decision that is not the one which the key on that listing stands for;
* ``lost``: a key without a decision, ``double``: a listing with more than one;
* ``late``: came only when the review screen was opened again after the tab had been closed.

The time runs from the key event to the moment after the frame with the next picture was painted.
The JPEGs that are shown are there beforehand; the browser has seen none of them.
"""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from PIL import Image, ImageFilter

from benchmarks import drawn_queue, harness
from benchmarks.harness import Figures, Options
from benchmarks.startup import answers, free_port, open_browser, wait_until
from core.services import database
from core.settings import Settings
from core.storage import RENDITIONS, ImageStore
from db.rows import (
    DecisionRow,
    ImageRow,
    ListingImageRow,
    ListingRow,
    ModelVersionRow,
    PredictionRow,
)
from db.states import DecisionKind, ListingState, ModelState

LISTINGS = 100_000
PRESSES = 500
QUICK_LISTINGS = 2_000
QUICK_PRESSES = 30
GAP_S = 0.03
DISTURBED_S = 3.0
LIMIT_S = 240.0
SETTLED_S = 20.0
SHARE_SHOWN = 5  # this many times the presses of a run have photos, of each kind of work
PICTURES = 12
VIEW_PX = (1280, 960)
ARCHS = ("custom_cnn", "resnet50", "vit")
TOP = 5
KEYS = {"a": DecisionKind.ACCEPT, "x": DecisionKind.REJECT}

RECORDER = """(root) => {
  const times = (window.benchTimes = [])
  window.benchPresses = 0
  let pressed = null
  addEventListener("keydown", (event) => {
    if (!root.dataset.listing) return
    pressed = event.timeStamp
    const press = { listing: Number(root.dataset.listing), key: event.key }
    localStorage.setItem(`bench.${Date.now()}.${window.benchPresses++}`, JSON.stringify(press))
  }, true)
  new MutationObserver(() => {
    if (!root.dataset.listing || pressed === null) return
    const at = pressed
    pressed = null
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => times.push(performance.now() - at) // after the frame
    port2.postMessage(null)
  }).observe(root, { attributes: true, attributeFilter: ["data-listing"] })
}"""
READ_PRESSES = """() => Object.keys(localStorage)
  .filter((name) => name.startsWith("bench."))
  .map((name) => JSON.parse(localStorage.getItem(name)))"""


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a key met: the listing on screen, and the key."""

    listing_id: int
    key: str


class Server:
    """The web app, as a process that can be killed and started again at the same address."""

    def __init__(self, data_dir: Path) -> None:
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        options = ["--server.address=127.0.0.1", f"--server.port={port}"]
        self._command = [sys.executable, "-m", "streamlit", "run", "app.py", *options]
        self._environment = {**os.environ, "CATALENS_DATA_DIR": str(data_dir)}
        self._log = (data_dir / "web.log").open("wb")
        self._process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self._command, env=self._environment, stdout=self._log, stderr=self._log
        )

    def wait(self) -> None:
        wait_until(lambda: answers(f"{self.address}/_stcore/health"))

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        self.kill()
        self._process = self._start()

    def close(self) -> None:
        self.kill()
        self._log.close()


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What happens in the middle of a run, and a moment later."""

    key: str
    begin: Callable[[Any, Server], None]
    end: Callable[[Any, Server], None]
    closes: bool = False


def _nothing(_context: Any, _server: Server) -> None:
    pass


RUNS = (
    Disturbance("", _nothing, _nothing),
    Disturbance(
        ".cut",
        lambda context, _: context.set_offline(True),
        lambda context, _: context.set_offline(False),
    ),
    Disturbance(".restart", lambda _, server: server.restart(), _nothing),
    Disturbance(".close", _nothing, _nothing, closes=True),
)


def measure(options: Options) -> Figures:
    """Return p50_ms, p95_ms, presses, wrong, lost, double and late of each run."""
    listings = QUICK_LISTINGS if options.quick else LISTINGS
    presses = QUICK_PRESSES if options.quick else PRESSES
    figures: Figures = {}
    with ExitStack() as stack:
        folder = stack.enter_context(harness.work_folder())
        settings = Settings(_env_file=None, data_dir=folder, database_url="")
        engine = database.open_engine(settings)
        stack.callback(engine.dispose)
        database.upgrade(engine)
        drawn_queue.draw(engine, listings)
        show_photos(engine, settings, count=SHARE_SHOWN * presses)
        server = Server(folder)
        stack.callback(server.close)
        server.wait()
        browser = open_browser(stack)
        for run in RUNS:
            found = _measure_run(engine, server, browser, run, presses)
            print(run.key or "plain", found, file=sys.stderr)
            figures |= {f"{key}{run.key}": value for key, value in found.items()}
    return figures


def show_photos(engine: sa.Engine, settings: Settings, *, count: int) -> None:
    """Give what comes first in the queue a photo each, and what three models say of it."""
    with engine.begin() as connection:
        first = _first_listings(connection, count)
        known = set(connection.scalars(sa.select(ListingImageRow.id)))
        fresh = [id_ for id_ in first if id_ not in known]
        sizes = {"size_bytes": 1, "width_px": VIEW_PX[0], "height_px": VIEW_PX[1], "format": "JPEG"}
        rows = [{"id": id_, "sha256": f"{id_:064}", **sizes} for id_ in fresh]
        drawn_queue.insert(connection, ImageRow, rows)
        photos = [
            {"id": id_, "listing_id": id_, "image_id": id_, "position": 0, "file_name": "a.jpg"}
            for id_ in fresh
        ]
        drawn_queue.insert(connection, ListingImageRow, photos)
        _insert_predictions(connection, first)
    _store_renditions(settings, [f"{id_:064}" for id_ in first])


def _first_listings(connection: sa.Connection, count: int) -> Sequence[int]:
    """Return those that come first, of each kind of work: any of them may be the next."""
    found: list[int] = []
    for effort in connection.scalars(sa.select(ListingRow.effort).distinct()):
        query = (
            sa.select(ListingRow.id)
            .where(ListingRow.effort == effort, ListingRow.state == ListingState.NEEDS_REVIEW)
            .order_by(ListingRow.expected_errors.desc())
            .limit(count)
        )
        found += connection.scalars(query)
    return found


def _insert_predictions(connection: sa.Connection, photo_ids: Sequence[int]) -> None:
    drawing = random.Random(0)
    versions = [
        {
            "id": number + 1,
            "arch": arch,
            "digest": f"{number:064}",
            "file_name": "none",
            "file_bytes": 1,
            "parameters": 1,
            "labels": [],
            "metrics": {},
            "state": ModelState.ACTIVE,
        }
        for number, arch in enumerate(ARCHS)
    ]
    drawn_queue.insert(connection, ModelVersionRow, versions)
    predictions = []
    for photo_id in photo_ids:
        for version in versions:
            ids = drawing.sample(range(1, drawn_queue.CATEGORIES + 1), TOP)
            top = [{"category_id": id_, "probability": 0.5 / 2**n} for n, id_ in enumerate(ids)]
            said = {"category_id": ids[0], "probability": 0.5, "top": top}
            about = {"listing_image_id": photo_id, "model_version_id": version["id"]}
            predictions.append({**about, **said})
    drawn_queue.insert(connection, PredictionRow, predictions)


def _store_renditions(settings: Settings, names: Sequence[str]) -> None:
    """Lay a JPEG under every name, as if somebody had seen each before; twelve different ones."""
    store = ImageStore.of(settings)
    drawn = [_draw_picture(settings.data_dir / f"picture-{n}.jpg", n) for n in range(PICTURES)]
    for size_px in RENDITIONS.values():
        for place, name in enumerate(names):
            path = store.rendition_path(name, size_px)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.hardlink_to(drawn[place % PICTURES])


def _draw_picture(path: Path, seed: int) -> Path:
    """Draw a JPEG of about 130 kB."""
    width_px, height_px = VIEW_PX
    noise = np.random.default_rng(seed).integers(0, 256, (height_px, width_px, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(1.6))
    picture.save(path, quality=70)
    return path


def _measure_run(
    engine: sa.Engine, server: Server, browser: Any, run: Disturbance, presses: int
) -> Figures:
    last = _last_decision(engine)
    context = browser.new_context(base_url=server.address, viewport={"width": 1366, "height": 820})
    page = open_review(context)
    page.locator("section.review").evaluate(RECORDER)
    _press(page, context, server, run, presses)
    times = page.evaluate("() => window.benchTimes")
    if not run.closes:
        _wait_sent(page)
    page.close()
    looking = context.new_page()
    looking.goto("/api/categories?q=none")  # the same origin, and nothing that would send decisions
    pressed = [Pressed(each["listing"], each["key"]) for each in looking.evaluate(READ_PRESSES)]
    in_time = _wait_kept(engine, last, len(pressed))
    if len(in_time) < len(pressed):
        _wait_sent(open_review(context))
    kept = _wait_kept(engine, last, len(pressed))
    context.close()
    return {
        "p50_ms": float(np.percentile(times, 50)),
        "p95_ms": float(np.percentile(times, 95)),
        "presses": float(len(pressed)),
        **compare(pressed, kept),
        "late": float(len(kept) - len(in_time)),
    }


def compare(pressed: Sequence[Pressed], kept: Sequence[tuple[int, str]]) -> Figures:
    """Count what is wrong, lost and double among decisions: (listing id, kind)."""
    meant = {(each.listing_id, str(KEYS[each.key])) for each in pressed}
    decided = {listing_id for listing_id, _ in kept}
    times = Counter(listing_id for listing_id, _ in kept)
    return {
        "wrong": float(sum(decision not in meant for decision in kept)),
        "lost": float(sum(each.listing_id not in decided for each in pressed)),
        "double": float(sum(count - 1 for count in times.values())),
    }


def open_review(context: Any) -> Any:
    page = context.new_page()
    page.goto("/review")
    page.locator("section.review[data-listing]").wait_for(timeout=60_000)
    return page


def _press(page: Any, context: Any, server: Server, run: Disturbance, presses: int) -> None:
    """Press until that many keys have met a picture; disturb it after a third of them."""
    deadline = time.perf_counter() + LIMIT_S
    begun: float | None = None
    has_ended = False
    count = 0
    while page.evaluate("() => window.benchPresses") < presses:
        for _ in range(10):
            start = time.perf_counter()
            page.keyboard.press(tuple(KEYS)[count % len(KEYS)])
            count += 1
            time.sleep(max(0.0, GAP_S - (time.perf_counter() - start)))
        now = time.perf_counter()
        if now > deadline:
            shown = page.locator("section.review").inner_text()[:200]
            raise TimeoutError(
                f"after {LIMIT_S} s {presses} keys have not met a picture; on screen: {shown!r}"
            )
        if begun is None and page.evaluate("() => window.benchPresses") > presses / 3:
            begun = now
            run.begin(context, server)
        if begun is not None and not has_ended and now > begun + DISTURBED_S:
            has_ended = True
            run.end(context, server)


def _wait_sent(page: Any) -> None:
    page.locator('section.review[data-unsent="0"]').wait_for(timeout=LIMIT_S * 1000)


def _last_decision(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.max(DecisionRow.id))) or 0


def _wait_kept(engine: sa.Engine, after: int, count: int) -> Sequence[tuple[int, str]]:
    """Return (listing id, kind) of the decisions since, as soon as there are so many."""
    with suppress(TimeoutError):
        wait_until(lambda: len(_list_kept(engine, after)) >= count, SETTLED_S)
    return _list_kept(engine, after)


def _list_kept(engine: sa.Engine, after: int) -> Sequence[tuple[int, str]]:
    query = sa.select(DecisionRow.listing_id, DecisionRow.kind).where(DecisionRow.id > after)
    with engine.connect() as connection:
        return [(row.listing_id, row.kind) for row in connection.execute(query)]


if __name__ == "__main__":
    harness.main("review_keys", measure)
