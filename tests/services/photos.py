"""Folders of small photos for the services' tests."""

from pathlib import Path

from tests.imaging.samples import encoded, noise


def write_photos(folder: Path, count: int, *, first_seed: int = 0) -> Path:
    """Write different photos 0.png, 1.png, … and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        data = encoded(noise(24, 16, seed=first_seed + number), "PNG")
        (folder / f"{number}.png").write_bytes(data)
    return folder
