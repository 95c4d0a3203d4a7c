"""``catalens audit-labels`` and ``catalens corrected-labels``."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from cli import console
from cli.options import Json, LabelledData
from core.services import audit_exports, audits
from core.services.audits import AuditRequest, AuditSummary, Finding, FindingFilter, Skipped
from core.services.context import Context, open_context
from core.storage import write_whole

SKIPPED_SHOWN = 10


def audit_labels_command(
    *,
    data: LabelledData,
    branch: Annotated[
        str, typer.Option(help="Only the categories of this path and below it, such as 'Home'.")
    ] = "",
    trusted: Annotated[
        str,
        typer.Option(
            help="Labelled data that a person has confirmed, a chance sample of --data: the "
            "expected false alarms are then measured on it."
        ),
    ] = "",
    false_alarms: Annotated[
        float, typer.Option(help="Share of unfounded findings to allow.")
    ] = audits.DEFAULT_FALSE_ALARMS,
    show: Annotated[int, typer.Option(help="Most findings to print.", min=0)] = 30,
    output: Annotated[
        Path | None, typer.Option(help="Write all findings to this .csv, .parquet or .json file.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Find wrong labels in a whole catalogue, the most suspect first.

    Each label is judged by what the other photos teach. What is found is kept; the page Label
    audit shows it with the photos, to be put right there.
    """
    from core.services.auditing import audit_labels

    if output is not None:
        audit_exports.check_output(output)
    context = open_context()
    request = AuditRequest(data, branch, trusted, false_alarms)
    with console.stage_bar("reading labels") as on_progress:
        found = audit_labels(
            context.engine,
            context.settings,
            actor=context.actor,
            request=request,
            on_progress=on_progress,
        )
    if output is not None:
        audit_exports.write_findings(
            context.engine, context.settings, actor=context.actor, audit_id=found.id, path=output
        )
    _print(found, _list(context, found, show), json_output=json_output)
    if output is not None:
        console.stderr.print(f"Wrote {output}.", highlight=False, markup=False)


def corrected_labels_command(
    audit: Annotated[int, typer.Argument(help="Id of the audit; 0 takes the newest.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            help="File to write, in the folder that holds the photos; standard output without it.",
        ),
    ] = None,
) -> None:
    """Write an audited catalogue with the labels that people settled, as CSV to train on.

    Photos are named from the folder that the file lies in.
    """
    context = open_context()
    if output is not None:
        audit_exports.check_output(output, (".csv",))
    audit_id = audit or audits.get_newest(context.engine, actor=context.actor).id
    table = audit_exports.corrected_csv(
        context.engine,
        context.settings,
        actor=context.actor,
        audit_id=audit_id,
        folder=output and output.absolute().parent,
    )
    if output is None:
        print(table, end="")
        return
    write_whole(output, table.encode())
    console.stderr.print(f"Wrote {output}.", highlight=False, markup=False)


def _list(context: Context, found: AuditSummary, show: int) -> Sequence[Finding]:
    return audits.list_findings(
        context.engine,
        context.settings,
        actor=context.actor,
        audit_id=found.id,
        only=FindingFilter(rate=found.false_alarms),
        limit=show,
    )


def _print(found: AuditSummary, shown: Sequence[Finding], *, json_output: bool) -> None:
    promise = found.promise(found.findings, found.false_alarms)
    if json_output:
        findings = [asdict(finding) for finding in shown]
        console.print_json({**asdict(found), "promise": promise, "shown": findings})
        return
    if shown:
        console.stdout.print(_table(shown, Path(found.data)))
    say = console.stdout.print
    say(
        f"{found.data_name}: {found.photos:,} photos, {found.categories:,} categories. {promise}",
        highlight=False,
        markup=False,
    )
    if len(shown) < found.findings:
        say(f"{found.findings - len(shown):,} more are on the page Label audit, or in --output.")
    _print_skipped(found.skipped, found.skipped_photos)


def _table(shown: Sequence[Finding], data: Path) -> Table:
    table = Table(
        Column("rank", justify="right"),
        Column("photo", overflow="fold"),  # a path is worth nothing when cut
        Column("claimed", overflow="fold"),
        Column("suggested", overflow="fold"),
        Column("wrong", justify="right"),
        Column("unfounded down to here", justify="right"),
    )
    for each in shown:
        table.add_row(
            str(each.rank),
            escape(_shorten(each.path, data)),
            escape(each.claimed),
            escape(each.suggested),
            f"{each.wrong:.1%}",
            f"{each.rate:.1%}",
        )
    return table


def _shorten(path: str, data: Path) -> str:
    """Return the path from the labelled data on, where it lies there."""
    folder = data if data.is_dir() else data.parent
    return str(Path(path).relative_to(folder)) if Path(path).is_relative_to(folder) else path


def _print_skipped(skipped: Sequence[Skipped], count: int) -> None:
    if not count:
        return
    table = Table(Column("not judged", overflow="fold"), "why")
    for each in skipped[:SKIPPED_SHOWN]:
        table.add_row(escape(each.path), escape(each.reason))
    console.stderr.print(table)
    if count > SKIPPED_SHOWN:
        console.stderr.print(f"{count - SKIPPED_SHOWN:,} more were not judged; --json lists them.")
