"""The rules of the house that no linter knows."""

import ast
import re
import statistics
from pathlib import Path

from core.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("api", "benchmarks", "cli", "core", "db", "pages")
SOURCES = [ROOT / "app.py", *(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))]
BROAD_EXCEPTS = 3  # job runner, API boundary, page frame
TABLES = {Path("db/rows.py")}  # the schema, one class a table
VAGUE_NAMES = {"utils", "helpers", "manager", "common", "misc"}


def functions() -> dict[str, int]:
    """Return the length in lines of every function's body, without its docstring."""
    lengths = {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) and node.body[1:] else node.body
                length = (node.end_lineno or 0) - body[0].lineno + 1
                lengths[f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"] = length
    return lengths


def test_functions_are_short():
    lengths = functions()
    longest = sorted(lengths.items(), key=lambda item: -item[1])
    nine_tenths = statistics.quantiles(lengths.values(), n=10)[-1]

    assert statistics.median(lengths.values()) <= 10
    assert nine_tenths <= 25, longest[:20]
    assert [item for item in longest if item[1] > 50] == []


def test_files_are_short():
    sizes = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in SOURCES}

    assert {path: size for path, size in sizes.items() if size >= 400 and path not in TABLES} == {}


def test_no_module_has_a_vague_name():
    assert [path for path in SOURCES if path.stem in VAGUE_NAMES] == []


def test_broad_excepts_are_few_and_logged():
    found = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler) and _is_broad(node):
                assert "exception(" in ast.unparse(node), f"{path}:{node.lineno} does not log"
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")

    assert len(found) <= BROAD_EXCEPTS, found


def _is_broad(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:  # cleans up and lets it pass
        return False
    return handler.type is None or ast.unparse(handler.type) in {"Exception", "BaseException"}


def test_the_readme_lists_every_setting():
    rows = re.findall(r"^\| `(CATALENS_\w+)` \| (.*?) \| (.*?) \|$", readme(), flags=re.MULTILINE)

    assert rows == [
        (f"CATALENS_{name.upper()}", _show(field.default), field.description)
        for name, field in Settings.model_fields.items()
    ]


def _show(default: object) -> str:
    return f"`{default}`" if str(default) else "empty"


def readme() -> str:
    return (ROOT / "README.md").read_text()
