"""``catalens data``: look at labelled data without training on it."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from cli import console
from cli.options import Json
from core.services.context import open_context

if TYPE_CHECKING:
    from core.training.data.checks import DataReport, Example, Finding

_SHOWN = 3  # examples of a finding; --json has more

app = typer.Typer(name="data", help="Check data to train on.", no_args_is_help=True)


@app.callback()
def data_group() -> None:
    """Keep ``check`` a subcommand though it is the only one."""


@app.command("check")
def check_command(
    data: Annotated[
        str,
        typer.Argument(
            metavar="PATH",
            help="A folder for each category, a CSV or Parquet file, Grocery, Products-10K, or "
            "the word 'reviewed' for what was accepted and corrected here.",
        ),
    ],
    json_output: Json = False,
) -> None:
    """Say what a training would make of the data; exit code 1 if it would be refused."""
    from core.services.datasets import check_dataset

    context = open_context()
    with console.progress_bar() as bar:
        task = bar.add_task("reading", total=None)
        report = check_dataset(
            context.engine,
            context.settings,
            actor=context.actor,
            data=data,
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if json_output:
        console.print_json(report.to_dict())
    else:
        _print(report)
    if not report.is_trainable:
        raise typer.Exit(1)


def _print(report: "DataReport") -> None:
    parts = ", ".join(f"{count:,} {part}" for part, count in report.parts.items())
    console.stdout.print(
        f"{report.name} ({report.format}): {report.pictures:,} pictures ({parts}), "
        f"{report.categories:,} categories in {report.groups:,} groups",
        highlight=False,
        markup=False,
    )
    if report.findings:
        console.stdout.print(_table(report.findings))
    verdict = "This can be trained on." if report.is_trainable else "This cannot be trained on."
    console.stdout.print(verdict)


def _table(findings: "tuple[Finding, ...]") -> Table:
    found = Column("what was found", overflow="fold")  # a path is worth nothing when cut
    table = Table("severity", Column("cases", justify="right"), found, show_lines=True)
    for finding in findings:
        colour = "red" if finding.severity == "error" else "yellow"
        examples = "\n".join(f"· {_describe(example)}" for example in finding.examples[:_SHOWN])
        table.add_row(
            f"[{colour}]{finding.severity}[/]",
            f"{finding.count:,}",
            f"[bold]{finding.label}[/]\n{finding.explanation}\n{finding.remedy}\n"
            f"[dim]{escape(examples)}[/]",
        )
    return table


def _describe(example: "Example") -> str:
    """The files with their labels, or the labels of a finding about categories."""
    if not example.files:
        return ", ".join(example.labels)
    labels = example.labels or ("",) * len(example.files)
    pairs = zip(example.files, labels, strict=True)
    files = "\n  ".join(f"{file} ({label})" if label else file for file, label in pairs)
    return f"{files}: {example.detail}" if example.detail else files
