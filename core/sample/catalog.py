"""Draw the sample catalog into a folder."""

import csv
import io
import json
import multiprocessing
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from core.errors import ConflictError
from core.sample.faults import FAULTS
from core.sample.photo import take_photo
from core.sample.plan import plan_catalog
from core.sample.products import PRODUCTS
from core.sample.shot import Shot

SEED = 2026
PER_CATEGORY = 60
PROCESSES = 2
JPEG_QUALITY = 90
_SHOTS_A_TASK = 15
_STAMP = "sample.json"
_GROUND_TRUTH = "ground_truth.csv"
MANIFEST = "incoming/manifest.csv"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class SampleCatalog:
    """Where everything lies, and what was planted.

    Attributes:
        train_dir: One folder a category; for training only.
        manifest: The CSV of the incoming listings, beside their photos.
        ground_truth: CSV of every incoming photo: true category, fault, detail.
        categories: Paths in the category tree.
        planted: How many photos have each fault.
    """

    root: Path
    train_dir: Path
    manifest: Path
    ground_truth: Path
    categories: tuple[str, ...]
    train_photos: int
    incoming_photos: int
    planted: Mapping[str, int]


def render_catalog(
    target: Path,
    *,
    seed: int = SEED,
    per_category: int = PER_CATEGORY,
    on_progress: Progress | None = None,
) -> SampleCatalog:
    """Draw the catalog; where the same one is complete already, nothing is done.

    Args:
        target: A folder that is new, empty, or holds an earlier run of this.
        on_progress: Called with the photos drawn and the photos in all.

    Raises:
        ConflictError: The folder holds something else.
    """
    shots = plan_catalog(seed, per_category)
    catalog = _describe(target, shots)
    _claim(target, {"seed": seed, "per_category": per_category})
    if not catalog.ground_truth.exists():
        _take_all(target, shots, on_progress)
        _write_csv(catalog.manifest, _manifest_rows(shots))
        _write_csv(catalog.ground_truth, _truth_rows(shots))
    return catalog


def _describe(target: Path, shots: Sequence[Shot]) -> SampleCatalog:
    incoming = [shot for shot in shots if shot.sku]
    planted = Counter(shot.fault for shot in incoming if shot.fault)
    return SampleCatalog(
        root=target,
        train_dir=target / "train",
        manifest=target / MANIFEST,
        ground_truth=target / _GROUND_TRUTH,
        categories=tuple(product.category for product in PRODUCTS),
        train_photos=len(shots) - len(incoming),
        incoming_photos=len(incoming),
        planted={fault: planted[fault] for fault in FAULTS},
    )


def _claim(target: Path, wanted: Mapping[str, int]) -> None:
    """Mark the folder as a sample catalog of these numbers."""
    stamp = target / _STAMP
    if stamp.exists():
        found = json.loads(stamp.read_text())
        if found == wanted:
            return
        raise ConflictError(
            f"{target} holds a sample catalog drawn with {found}, not {wanted}; "
            "choose another folder"
        )
    if target.exists() and any(target.iterdir()):
        raise ConflictError(f"{target} is not empty; choose a new folder for the sample catalog")
    target.mkdir(parents=True, exist_ok=True)
    stamp.write_text(json.dumps(wanted))


def _take_all(target: Path, shots: Sequence[Shot], on_progress: Progress | None) -> None:
    """Take the photos in processes of their own, which share no state with this one."""
    for folder in {(target / shot.file).parent for shot in shots}:
        folder.mkdir(parents=True, exist_ok=True)
    by_file = {shot.file: shot for shot in shots}
    originals = [by_file[shot.copy_of] if shot.copy_of else shot for shot in shots]
    with _processes() as pool:
        photos = pool.map(photograph, originals, chunksize=_SHOTS_A_TASK)
        for done, (shot, data) in enumerate(zip(shots, photos, strict=True), start=1):
            (target / shot.file).write_bytes(data)
            if on_progress is not None:
                on_progress(done, len(shots))


@contextmanager
def _processes() -> Iterator[ProcessPoolExecutor]:
    """A pool that drops what it has not begun when its user fails or stops."""
    context = multiprocessing.get_context("spawn")  # the worker has threads, which fork breaks
    pool = ProcessPoolExecutor(PROCESSES, mp_context=context, initializer=_end_with_parent)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, however that died."""
    cv2.setNumThreads(1)
    parent = multiprocessing.parent_process()
    assert parent

    def wait_for_the_end() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait_for_the_end, name="lifeline", daemon=True).start()


def photograph(shot: Shot) -> bytes:
    """Return the JPEG of one shot; equal shots give equal bytes."""
    pixels = take_photo(
        PRODUCTS[shot.product],
        shot.colour,
        item=np.random.default_rng(shot.item_seed),
        view=np.random.default_rng(shot.view_seed),
    )
    if shot.fault:
        pixels = FAULTS[shot.fault].damage(pixels, shot.strength)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()


def _write_csv(path: Path, rows: Iterator[dict[str, object]]) -> None:
    """Write the rows under a name that appears only when all are there."""
    first = next(rows)
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(first))
        writer.writeheader()
        writer.writerow(first)
        writer.writerows(rows)
    partial.replace(path)


def _incoming(shots: Sequence[Shot]) -> Iterator[Shot]:
    return (shot for shot in shots if shot.sku)


def _manifest_rows(shots: Sequence[Shot]) -> Iterator[dict[str, object]]:
    for shot in _incoming(shots):
        yield {
            "file": shot.file.removeprefix("incoming/"),
            "sku": shot.sku,
            "title": shot.title,
            "seller": shot.seller,
            "brand": shot.brand,
            "price": shot.price,
            "claimed_category": shot.claimed,
        }


def _truth_rows(shots: Sequence[Shot]) -> Iterator[dict[str, object]]:
    for shot in _incoming(shots):
        yield {
            "file": shot.file.removeprefix("incoming/"),
            "sku": shot.sku,
            "category": shot.category,
            "fault": shot.fault,
            "detail": shot.detail,
        }
