"""How long it takes from handing a photo in to the grid of what is most like it.

The web app and the worker run as they do for a user, on a SQLite file with 100,000 drawn
listings: their embeddings are mixed from those of labelled photos (``benchmarks.mixtures``),
their thumbnails are real photos. Photos for testing, which are none of them, are pasted into
the search page in a real browser on the same machine. The time runs from the paste to the moment
after the frame in which all thumbnails in sight are painted; ``upload_to_hits_ms_p50`` is the
same through the API alone: hand in, ask until it can be searched by, search.
"""

import itertools
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from benchmarks import drawn_queue, harness
from benchmarks.harness import Figures, Options
from benchmarks.mixtures import Mixtures, Vectors
from benchmarks.review_keys import Server
from benchmarks.startup import open_browser, wait_until
from core.imaging import encode_jpeg
from core.services import database
from core.settings import Settings
from core.storage import RENDITIONS, ImageStore
from db.base import Base
from db.rows import BatchRow, EmbeddingRow, ImageRow, ListingImageRow, ListingRow
from db.states import ListingState

LISTINGS, QUICK_LISTINGS = 100_000, 5_000
SEARCHES, QUICK_SEARCHES = 60, 10
WARMING = 3  # searches before any is timed
PICTURES = 300  # different thumbnails
PAUSE_S = 0.5  # somebody looks at what was found
LIMIT_S = 60.0
DOOR = "lookup-door.json"
SEED = 0

TIMED = """async (gallery, name) => {
  const answer = await fetch(name)
  const file = new File([await answer.blob()], "photo.jpg", { type: "image/jpeg" })
  const before = new Set(gallery.querySelectorAll("img"))
  const transfer = new DataTransfer()
  transfer.items.add(file)
  const start = performance.now()
  document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }))
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
  const isInSight = (image) => image.getBoundingClientRect().top < innerHeight
  const isPainted = (image) => image.complete && image.naturalWidth > 0
  for (;;) {
    await wait(4) // asking at every frame would make the browser draw each
    const images = [...gallery.querySelectorAll("img")].filter((image) => !before.has(image))
    if (images.length && images.filter(isInSight).every(isPainted)) break
  }
  return new Promise((resolve) => {
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => resolve(performance.now() - start)
      port2.postMessage(null)
    })
  })
}"""


def measure(options: Options) -> Figures:
    """Return p50 and p95 in the browser, where there is one, and through the API."""
    size = QUICK_LISTINGS if options.quick else LISTINGS
    searches = QUICK_SEARCHES if options.quick else SEARCHES
    with ExitStack() as stack:
        folder = stack.enter_context(harness.work_folder())
        settings = Settings(_env_file=None, data_dir=folder, database_url="")
        sought = _draw(settings, options.labelled_photos(), size, 2 * searches + 2 * WARMING)
        server = Server(folder)
        stack.callback(server.close)
        stack.enter_context(_worker(folder))
        server.wait()
        wait_until((folder / DOOR).exists)  # until the worker has loaded its network
        photos = iter(sought)
        through_api = [_search(server.address, each) for each in _take(photos, searches)]
        browser = open_browser(stack)
        painted = _paste(browser, server, list(_take(photos, searches))) if browser else []
    times = {"upload_to_hits": through_api, "upload_to_grid": painted}
    return {
        f"{name}_ms_p{percent}": float(np.percentile(spent[WARMING:], percent))
        for name, spent in times.items()
        for percent in (50, 95)
        if spent
    }


def _take(photos: Iterator[Path], searches: int) -> Iterator[Path]:
    return itertools.islice(photos, searches + WARMING)


@dataclass(frozen=True, slots=True, eq=False)
class Photos:
    """Labelled photos with the features of the packaged network, (N, D) of length 1.

    Attributes:
        is_held_out: (N,) bool: to search by, and never among what is searched.
    """

    paths: Sequence[Path]
    labels: NDArray[np.str_]
    features: Vectors
    is_held_out: NDArray[np.bool_]

    @classmethod
    def read(cls, data: Path) -> Self:
        from benchmarks.features import load_features
        from core.training.datasets import read_dataset

        samples = read_dataset(data).samples
        features = load_features([sample.path for sample in samples])
        is_held_out = np.array([sample.part == "test" for sample in samples])
        if not is_held_out.any():
            is_held_out[::5] = True
        return cls(
            [sample.path for sample in samples],
            np.array([sample.label for sample in samples]),
            features / np.linalg.norm(features, axis=1, keepdims=True),
            is_held_out,
        )

    def mix(self, size: int) -> Mixtures:
        """Return that many vectors like those of the photos that are searched."""
        return Mixtures.of(self.features[~self.is_held_out], self.labels[~self.is_held_out], size)

    def list_sought(self, count: int) -> Sequence[int]:
        """Return the places of photos to search by, in random order."""
        places = np.random.default_rng(SEED).permutation(np.flatnonzero(self.is_held_out))
        return [int(place) for place in places[:count]]


def _draw(settings: Settings, data: Path, size: int, searches: int) -> Sequence[Path]:
    """Fill the database and lay thumbnails out; return photos to search by."""
    from benchmarks.features import ARCH
    from core.models import load_embedder

    photos = Photos.read(data)
    engine = database.open_engine(settings)
    database.upgrade(engine)
    draw_catalogue(engine, photos.mix(size), load_embedder(ARCH).space)
    engine.dispose()
    shown = np.flatnonzero(~photos.is_held_out)[:PICTURES]
    _lay_thumbnails(settings, [photos.paths[place] for place in shown], size)
    return [photos.paths[place] for place in photos.list_sought(searches)]


def draw_catalogue(engine: sa.Engine, mixtures: Mixtures, space: str) -> None:
    """Add a listing with a photo and its embedding for each of the vectors."""
    actor = database.local_actor(engine)
    batch = {"id": 1, "name": "drawn", "content_digest": "0", "source": "", "refusals": []}
    with engine.begin() as connection:
        drawn_queue.insert(connection, BatchRow, [{**batch, "created_by": actor.id}])
        for ids, vectors in mixtures.iterate(0):
            for row, values in _rows(ids.tolist(), vectors, space).items():
                drawn_queue.insert(connection, row, values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(
            "VACUUM ANALYZE" if engine.dialect.name == "postgresql" else "PRAGMA optimize"
        )


def _rows(
    ids: Sequence[int], vectors: Vectors, space: str
) -> Mapping[type[Base], Sequence[Mapping[str, Any]]]:
    listing = {"batch_id": 1, "state": ListingState.NEEDS_REVIEW}
    image = {"size_bytes": 1, "width_px": 640, "height_px": 480, "format": "JPEG"}
    photo = {"position": 0, "file_name": "a.jpg"}
    packed = [vector.tobytes() for vector in vectors.astype("<f2")]
    return {
        ListingRow: [
            {"id": id_, "sku": f"S-{id_}", "title": f"Listing {id_}", **listing} for id_ in ids
        ],
        ImageRow: [{"id": id_, "sha256": _name(id_), **image} for id_ in ids],
        ListingImageRow: [{"id": id_, "listing_id": id_, "image_id": id_, **photo} for id_ in ids],
        EmbeddingRow: [
            {"image_id": id_, "space": space, "dim": vectors.shape[1], "vector": vector}
            for id_, vector in zip(ids, packed, strict=True)
        ],
    }


def _name(id_: int) -> str:
    return f"{id_:064x}"


def _lay_thumbnails(settings: Settings, pictures: Sequence[Path], size: int) -> None:
    """Lay a small JPEG under every photo's name, as if somebody had seen each before."""
    from benchmarks.features import LIMITS
    from core.imaging import decode

    store = ImageStore.of(settings)
    side_px = RENDITIONS["thumb"]
    made = []
    for place, path in enumerate(pictures):
        made.append(settings.data_dir / f"thumbnail-{place}.jpg")
        pixels = decode(path.read_bytes(), LIMITS).pixels
        made[-1].write_bytes(encode_jpeg(pixels, max_side_px=side_px))
    for id_ in range(1, size + 1):
        path = store.rendition_path(_name(id_), side_px)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.hardlink_to(made[id_ % len(made)])


@contextmanager
def _worker(folder: Path) -> Iterator[None]:
    environment = {**os.environ, "CATALENS_DATA_DIR": str(folder)}
    command = [sys.executable, "-m", "cli.main", "worker"]
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(LIMIT_S)


def _search(address: str, photo: Path) -> float:
    """Return the milliseconds from handing a photo in to its hits."""
    data = photo.read_bytes()
    start = time.perf_counter()
    lookup = _ask(urllib.request.Request(f"{address}/api/search/photos", data, method="POST"))
    while lookup["state"] == "pending":
        if time.perf_counter() - start > LIMIT_S:
            raise TimeoutError(f"{photo} cannot be searched by after {LIMIT_S} s")
        time.sleep(0.01)
        lookup = _ask(f"{address}/api/search/photos/{lookup['id']}")
    found = _ask(f"{address}/api/search?photo={lookup['id']}")
    assert found["hits"], found
    return 1000 * (time.perf_counter() - start)


def _ask(request: Any) -> Any:
    with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
        return json.load(answer)


def _paste(browser: Any, server: Server, photos: Sequence[Path]) -> Sequence[float]:
    context = browser.new_context(base_url=server.address, viewport={"width": 1366, "height": 820})
    page = context.new_page()
    page.set_default_timeout(LIMIT_S * 1000)
    waiting = {f"/pasted/{place}": path for place, path in enumerate(photos)}
    page.route(
        "**/pasted/*", lambda route: route.fulfill(path=waiting[route.request.url[-_tail(route) :]])
    )
    page.goto("/search")
    page.locator(".gallery figure").first.wait_for()
    page.locator(".lens").wait_for()
    times = []
    for name in waiting:
        times.append(float(page.locator(".gallery").evaluate(TIMED, name)))
        page.wait_for_load_state("networkidle")
        time.sleep(PAUSE_S)
    context.close()
    return times


def _tail(route: Any) -> int:
    url: str = route.request.url
    return len(url) - url.index("/pasted/")


if __name__ == "__main__":
    harness.main("upload_to_grid", measure)
