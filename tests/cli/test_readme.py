"""Every command of the README, run in its order by a newcomer with two folders of photos."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.test_house import ROOT, readme

MAKE_TARGETS = {"run", "test"}


def shell_lines() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", readme(), flags=re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def inline_commands() -> list[str]:
    return re.findall(r"`(catalens [a-z][^`]*)`", readme())


@pytest.fixture
def newcomer(tmp_path: Path) -> Path:
    """A folder with ``photos`` and with ``labelled`` photos, one folder a category."""
    (tmp_path / "photos").mkdir()
    for number in range(16):
        category = ("round", "square")[number % 2]
        folder = tmp_path / "labelled" / category
        folder.mkdir(parents=True, exist_ok=True)
        draw_photo(number, category).save(folder / f"{number}.png")
        draw_photo(number + 100, category).save(tmp_path / "photos" / f"{number}.jpg")
    return tmp_path


def draw_photo(number: int, category: str) -> Image.Image:
    picture = Image.new("RGB", (96, 96), "white")
    draw = ImageDraw.Draw(picture)
    shape = draw.ellipse if category == "round" else draw.rectangle
    shape((8 + number % 10, 10, 80, 70 + number % 20), fill=(200, 10 + 2 * number % 200, 60))
    return picture


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = shlex.split(command)
    assert words[0] == "catalens", command
    return subprocess.run(
        [Path(sys.executable).with_name("catalens"), *words[1:]],
        check=False,
        cwd=folder,
        env=os.environ | {"CATALENS_DATA_DIR": str(folder / "data"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.mark.slow
def test_every_command_of_the_readme_works(newcomer: Path):
    commands = [line for line in shell_lines() if line.startswith("catalens ")]
    assert len(commands) >= 5

    for command in [*commands, *inline_commands()]:
        result = run(command, newcomer)
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"

    assert len((newcomer / "spring.csv").read_text().splitlines()) == 1 + 16


def test_every_make_target_of_the_readme_is_in_the_makefile():
    named = {line.split()[1] for line in shell_lines() if line.startswith("make ")}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))

    assert named == MAKE_TARGETS
    assert named <= targets


def test_every_other_command_of_the_readme_is_known():
    assert [line for line in shell_lines() if not line.startswith(("make ", "catalens "))] == []


def test_every_file_that_the_readme_links_to_is_there():
    links = re.findall(r"\]\((?!http)([^)]+)\)", readme())

    assert [link for link in links if not (ROOT / link).exists()] == []
