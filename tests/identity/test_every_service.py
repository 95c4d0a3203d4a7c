"""No service does anything without asking who wants it."""

import ast
import importlib
import inspect
from pathlib import Path

from core.services import users

SERVICES = Path(users.__file__).parent


def test_every_service_that_is_given_an_actor_looks_at_it() -> None:
    """It requires a permission itself, or passes the actor on to who does."""
    for path in sorted(SERVICES.glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                names = [each.arg for each in (*node.args.args, *node.args.kwonlyargs)]
                used = [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]
                assert "actor" not in names or "actor" in used, f"{path.name}: {node.name}"


# What pages and routes call without an actor, and why that is safe.
WITHOUT_ACTOR = {
    "accounts": "signing in makes the actor, and changing a password is given the session",
    "database": "opens, migrates, and knows the local user",
    "export_formats": "a table",
    "provider": "signing in makes the actor",
    "sessions.identify": "finds the actor",
    "sessions.sign_out": "who has the token may end its session",
    "states": "a table",
}


def test_doors_call_no_service_without_saying_who_asks() -> None:
    root = SERVICES.parents[1]
    for path in sorted([*(root / "pages").rglob("*.py"), *(root / "api").rglob("*.py")]):
        tree = ast.parse(path.read_text())
        modules = {
            alias.asname or alias.name: alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "core.services"
            for alias in node.names
        }
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
                continue
            module = modules.get(node.value.id)
            if module is None or {module, f"{module}.{node.attr}"} & WITHOUT_ACTOR.keys():
                continue
            found = getattr(importlib.import_module(f"core.services.{module}"), node.attr)
            given = inspect.signature(found).parameters if inspect.isfunction(found) else {}
            if {"engine", "settings"} & given.keys():
                assert "actor" in given, f"{path}: {node.attr}"
