import re
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN = re.compile(r"\bA?GPL|Affero|GNU General|non-?commercial|CC-BY-NC", re.IGNORECASE)
PERMISSIVE_TOO = {"text-unidecode"}  # Artistic or GPL, as the user likes


def required(name):
    lines = (ROOT / name).read_text().splitlines()
    return [line for line in lines if line.strip() and not line.startswith(("#", "-"))]


def names(file_name):
    return [re.split(r"[\[=;]", line)[0] for line in required(file_name)]


@pytest.mark.parametrize("file_name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned(file_name):
    for line in required(file_name):
        assert "==" in line, line


def test_every_requirement_has_its_reason_and_none_is_left_over():
    text = (ROOT / "docs/dependencies.md").read_text()
    rows = re.findall(r"^\| ([a-z][a-z0-9-]*) \|", text, flags=re.MULTILINE)

    documented = [row for row in rows if row != "package"]

    assert sorted(documented) == sorted(names("requirements.txt") + names("requirements-dev.txt"))


def test_nothing_installed_forbids_selling_the_product():
    for package in metadata.distributions():
        about = package.metadata
        licence = about.get("License-Expression") or (about.get("License") or "")[:80]
        classifiers = [
            line for line in about.get_all("Classifier") or () if line.startswith("License")
        ]
        told = " ".join((licence, *classifiers)).replace("LGPL", "").replace("GNU Lesser", "")
        if package.name not in PERMISSIVE_TOO:
            assert not FORBIDDEN.search(told), f"{package.name}: {told}"
