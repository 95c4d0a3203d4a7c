"""One look at every photo: its fingerprint, and what a packaged network makes of it.

What was seen is kept on the disk, some photos at a time, so that an audit which was killed goes
on where it was and a second one of the same files looks at none.
"""

import hashlib
import io
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.imaging import ImageLimits
from core.models import Preprocessing, get_architecture
from core.models.architectures import embed
from core.models.devices import choose_device
from core.models.preprocessing import crop, normalise
from core.models.weights import build_network
from core.storage import write_whole
from core.training.data.scanning import THUMBNAIL_PX, Fingerprint, Scanned, Unusable, look

ARCH = "efficientnet_lite0"
CHUNK = 256  # photos whose features are kept as one file
_BATCH = 32
_AHEAD = 16  # photos decoded at once

Features = NDArray[np.float16]
OnLooked = Callable[[int, int], None]
"""Called with photos looked at and photos in all; may raise to stop."""


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """N photos.

    Attributes:
        scanned: What each is, or why it cannot be used.
        features: (N, D) float16; zeros where a photo cannot be used.
    """

    scanned: tuple[Scanned, ...]
    features: Features


class Eye:
    """Looks at photos with the packaged network; nothing is downloaded.

    Args:
        folder: Where features are kept.
    """

    def __init__(self, folder: Path, limits: ImageLimits, *, device: str, threads: int) -> None:
        self._folder, self._limits, self._threads = folder, limits, threads
        self._device = choose_device(device)
        row = get_architecture(ARCH)
        self._preprocessing: Preprocessing = row.preprocessing(row.image_size_px)

    @cached_property
    def _network(self) -> torch.nn.Module:
        row = get_architecture(ARCH)
        built = build_network(
            row, num_classes=2, image_size_px=row.image_size_px, weights="package"
        )
        return built.eval().to(self._device)

    def look_at(self, paths: Sequence[Path], on_looked: OnLooked) -> Looked:
        """Return what each photo shows; memory grows by its features only.

        Raises:
            WeightsUnavailableError: The package with the weights is not installed.
        """
        parts = []
        for start in range(0, len(paths), CHUNK):
            report = partial(_report, on_looked, start, len(paths))
            parts.append(self._look_at_chunk(paths[start : start + CHUNK], report))
            on_looked(min(start + CHUNK, len(paths)), len(paths))
        return Looked(
            tuple(each for part in parts for each in part.scanned),
            np.concatenate([part.features for part in parts]),
        )

    def _look_at_chunk(self, paths: Sequence[Path], on_looked: Callable[[int], None]) -> Looked:
        kept = self._folder / f"{ARCH}-{_digest(paths)}.npz"
        known = _load(kept)
        if known is None:
            known = self._look(paths, on_looked)
            write_whole(kept, _dump(known))
        return known

    def _look(self, paths: Sequence[Path], on_looked: Callable[[int], None]) -> Looked:
        scanned: list[Scanned] = []
        squares = []
        with ThreadPoolExecutor(self._threads, thread_name_prefix="audit") as pool:
            for at in range(0, len(paths), _AHEAD):
                for found, square in pool.map(self._open, paths[at : at + _AHEAD]):
                    scanned.append(found)
                    if square is not None:
                        squares.append(square)
                on_looked(len(scanned))
        usable = np.array([isinstance(each, Fingerprint) for each in scanned])
        seen = self._embed(squares)
        features = np.zeros((len(paths), seen.shape[1]), np.float16)
        features[usable] = seen
        return Looked(tuple(scanned), features)

    def _open(self, path: Path) -> tuple[Scanned, NDArray[np.uint8] | None]:
        found, pixels = look(path, self._limits)
        return found, None if pixels is None else crop(pixels, self._preprocessing.geometry)

    @torch.inference_mode()
    def _embed(self, squares: Sequence[NDArray[np.uint8]]) -> Features:
        """Return the pooled features, (N, D), of (S, S, 3) squares."""
        parts = [np.zeros((0, self._dimensions), np.float16)]
        for start in range(0, len(squares), _BATCH):
            batch = torch.from_numpy(np.stack(squares[start : start + _BATCH])).to(self._device)
            seen = embed(self._network, normalise(batch, self._preprocessing))
            parts.append(seen.half().cpu().numpy())
        return np.concatenate(parts)

    @property
    def _dimensions(self) -> int:
        return int(self._network.get_classifier().in_features)  # type: ignore[operator]


def _report(on_looked: OnLooked, start: int, total: int, done: int) -> None:
    on_looked(start + done, total)


def _digest(paths: Sequence[Path]) -> str:
    """Return what stands for these files as they are now."""
    return hashlib.sha256("\n".join(map(_stamp, paths)).encode()).hexdigest()[:32]


def _stamp(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return f"{path.absolute()} missing"
    return f"{path.absolute()} {found.st_size} {found.st_mtime_ns}"


def _dump(looked: Looked) -> bytes:
    blank = bytes(3 * THUMBNAIL_PX**2)
    prints = [each if isinstance(each, Fingerprint) else None for each in looked.scanned]
    problems = [each if isinstance(each, Unusable) else None for each in looked.scanned]
    thumbnails = b"".join(each.thumbnail if each else blank for each in prints)
    buffer = io.BytesIO()
    np.savez(
        buffer,
        sha256=np.array([each.sha256 if each else "" for each in prints]),
        thumbnails=np.frombuffer(thumbnails, np.uint8).reshape(len(prints), -1),
        reasons=np.array([each.reason if each else "" for each in problems]),
        messages=np.array([each.message if each else "" for each in problems]),
        features=looked.features,
    )
    return buffer.getvalue()


def _load(path: Path) -> Looked | None:
    """Return what was kept; None where nothing was, or the disk has damaged it."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as kept:
            rows = zip(
                kept["sha256"].tolist(),
                kept["thumbnails"],
                kept["reasons"].tolist(),
                kept["messages"].tolist(),
                strict=True,
            )
            features: Features = kept["features"]
            return Looked(tuple(_restore(*row) for row in rows), features)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def _restore(sha256: str, thumbnail: NDArray[np.uint8], reason: str, message: str) -> Scanned:
    return Fingerprint(sha256, thumbnail.tobytes()) if sha256 else Unusable(reason, message)
