"""The command ``catalens`` and its table of subcommands."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import typer

from cli import console
from core.allocator import keep_freed_memory
from core.errors import CatalogError


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand; its module is imported only when it is called or described."""

    name: str
    module: str
    function: str

    def load(self) -> Callable[..., None]:
        function: Callable[..., None] = getattr(import_module(self.module), self.function)
        return function


COMMANDS = (
    Command("run", "cli.run", "run_command"),
    Command("worker", "cli.worker", "worker_command"),
    Command("import", "cli.imports", "import_command"),
    Command("classify", "cli.classify", "classify_command"),
    Command("replay", "cli.replays", "replay_command"),
    Command("publish", "cli.publishing", "publish_command"),
    Command("export", "cli.exports", "export_command"),
    Command("train", "cli.training", "train_command"),
    Command("models", "cli.training", "models_command"),
    Command("evaluate", "cli.evaluations", "evaluate_command"),
    Command("compare", "cli.evaluations", "compare_command"),
    Command("compare-embedders", "cli.embedders", "compare_embedders_command"),
    Command("audit-labels", "cli.audits", "audit_labels_command"),
    Command("corrected-labels", "cli.audits", "corrected_labels_command"),
    Command("sample", "cli.sample", "sample_command"),
)
GROUPS = ("cli.database", "cli.data", "cli.audit", "cli.users", "cli.categories")


def build_app() -> typer.Typer:
    """Return the Typer application with every subcommand."""
    app = typer.Typer(
        help="Catalog review: classify product photos, flag the doubtful, review the rest.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    for command in COMMANDS:
        app.command(command.name)(command.load())
    for module in GROUPS:
        app.add_typer(import_module(module).app)
    return app


def main() -> None:
    """Run the command; an error raised on purpose is one line and exit status 1."""
    keep_freed_memory()
    try:
        build_app()()
    except CatalogError as error:
        console.fail(str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
