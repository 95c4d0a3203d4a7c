"""What every benchmark shares: its options, its data, and how its figures are told.

A benchmark is a module with a ``measure(options)`` that returns figures by key, and ends in
``harness.main(NAME, measure)``. Run it by ``python -m benchmarks.NAME``.
"""

import argparse
import json
import logging
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from core import storage
from core.allocator import keep_freed_memory
from core.sample import render_catalog

RESULTS_DIR = Path(__file__).parent / "results"
PACKAGES = ("torch", "torchvision", "timm", "numpy", "pillow", "streamlit", "sqlalchemy", "dbos")
BENCHMARKS_DIR = Path(tempfile.gettempdir()) / "catalens-benchmarks"
QUICK_PER_CATEGORY = 6
PER_CATEGORY = 60

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Options:
    """How a benchmark is run.

    Attributes:
        quick: Less data and fewer repeats: to see that it runs, not to quote.
        data: A labelled folder, manifest or Grocery; None is the sample catalog.
    """

    quick: bool
    data: Path | None

    def labelled_photos(self) -> Path:
        """Return the data, drawn once for all benchmarks if nobody named any."""
        if self.data is not None:
            return self.data
        count = QUICK_PER_CATEGORY if self.quick else PER_CATEGORY
        folder = BENCHMARKS_DIR / f"sample-{count}"
        return render_catalog(folder, per_category=count).root / "train"


@contextmanager
def work_folder() -> Iterator[Path]:
    """Give a folder for one measurement, gone afterwards, even if the run is ended early."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with storage.work_folder(BENCHMARKS_DIR / "work") as folder:
        yield folder


def main(name: str, measure: Callable[[Options], Figures]) -> None:
    """Parse the command line, measure, print, and keep the result of a full run."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}")
    parser.add_argument("--quick", action="store_true", help="less data, nothing is kept")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--data", type=Path, help="labelled photos instead of the sample catalog")
    given = parser.parse_args()
    keep_freed_memory()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("core.services.measuring").setLevel(logging.INFO)  # each look at a test split
    figures = measure(Options(given.quick, given.data))
    machine = describe_machine()
    report = {
        "figures": figures,
        "machine": machine,
        "versions": {"python": platform.python_version()} | {p: version(p) for p in PACKAGES},
        "command": " ".join([parser.prog, *sys.argv[1:]]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if not given.quick:
        RESULTS_DIR.mkdir(exist_ok=True)
        (RESULTS_DIR / f"{name}.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report) if given.json else _table(figures, machine))


def describe_machine() -> str:
    """Return processor, cores, memory and accelerator in one line."""
    import torch

    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    parts = [_processor(), f"{os.cpu_count()} cores", f"{gib:.0f} GiB", platform.system()]
    if torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name())
    return ", ".join(parts)


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _table(figures: Mapping[str, float], machine: str) -> str:
    width = max(map(len, figures))
    lines = [f"{key:<{width}}  {value:>12,.3f}" for key, value in figures.items()]
    return "\n".join([machine, *lines])
