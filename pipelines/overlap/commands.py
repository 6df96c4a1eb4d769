"""The commands ``proofmill overlap``; exit codes are those of ``proofmill``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from pipelines.errors import InputError
from pipelines.options import ProgressMode, Workers
from pipelines.terminal import explained, logged, out, quiet_import

if TYPE_CHECKING:
    from pipelines.overlap.report import Report

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Test problems in a corpus: find them, remove them.")


@app.command()
def report(
    corpus: Annotated[
        list[str],
        typer.Argument(help="Parquet or JSON lines: files, folders, globs, folders of runs."),
    ],
    problems: Annotated[
        list[str],
        typer.Option(help="KIND=PATH or NAME:KIND=PATH, see `overlap kinds`; may be repeated."),
    ],
    output: Annotated[Path, typer.Option(help="Folder of the report.")],
    edition: Annotated[
        list[str] | None, typer.Option(help="published-30 and its like; may be repeated.")
    ] = None,
    verify: Annotated[
        bool, typer.Option(help="Measure how much of each problem is around a match.")
    ] = False,
    text_column: Annotated[str, typer.Option(help="Column of the text.")] = "text",
    id_column: Annotated[str, typer.Option(help="Column of the id.")] = "document_id",
    path_column: Annotated[str, typer.Option(help="Column of the source's path.")] = "path",
    workers: Workers = 0,
    progress: ProgressMode = "live",
    fresh: Annotated[bool, typer.Option(help="Delete what an earlier search left.")] = False,
) -> None:
    """Say which problems are in a corpus, and where."""
    with quiet_import():
        from filters.overlap import editions_named
        from pipelines.engine import Engine
        from pipelines.overlap.corpus import Columns, resolve_corpus
        from pipelines.overlap.problem_sets import read_set
        from pipelines.overlap.report import OverlapReport
    with explained():
        try:
            editions = editions_named(edition or ["published-30", "normalised-13"])
        except KeyError as error:
            raise InputError(f"--edition: {error.args[0]}") from error
        files = resolve_corpus(corpus)
        sets = [read_set(spec) for spec in problems]
        with logged(output):
            made = OverlapReport(
                files,
                Columns(text_column, id_column, path_column),
                sets,
                editions,
                output,
                Engine(workers),
                verify=verify,
                display=progress,
                fresh=fresh,
            ).execute()
        _show(made, progress)


@app.command()
def remove(
    report_dir: Annotated[Path, typer.Argument(help="Folder of a finished report.")],
    output: Annotated[Path, typer.Option(help="Folder of the corpus without the problems.")],
    policy: Annotated[
        Literal["drop", "cut"], typer.Option(help="Drop the document, or cut the stretch out.")
    ] = "drop",
    margin: Annotated[
        int, typer.Option(min=0, help="Characters that are cut on both sides, to a word's end.")
    ] = 0,
    edition: Annotated[
        list[str] | None, typer.Option(help="Matches that count; all of the report by default.")
    ] = None,
    min_ngrams: Annotated[int, typer.Option(min=1, help="Fewer n-grams are passed over.")] = 1,
    min_lcs: Annotated[
        float,
        typer.Option(min=0, max=1, help="A smaller share in order doesn't count; FineMath: 0.6."),
    ] = 0.0,
    workers: Workers = 0,
    progress: ProgressMode = "live",
) -> None:
    """Write the corpus of a report without the problems found in it."""
    with quiet_import():
        from filters.overlap.removal import RemovalRule
        from pipelines.engine import Engine
        from pipelines.overlap.removal import Removal
        from pipelines.overlap.report import read_report
    with explained():
        found = read_report(report_dir)
        known = [*(e["name"] for e in found.content["editions"]), "statement", "name"]
        for name in edition or []:
            if name not in known:
                raise InputError(f"--edition {name}: the report has {', '.join(known)}")
        if min_lcs and not found.content["verify"]:
            raise InputError("--min-lcs needs a report that was made with --verify")
        rule = RemovalRule(policy, margin, tuple(sorted(edition or known)), min_ngrams, min_lcs)
        with logged(output):
            manifest = Removal(found, rule, output, Engine(workers), display=progress).execute()
    if progress == "json":
        print(json.dumps({"finished": True, "output": str(output), **manifest["counts"]}))
    elif progress == "live":
        counts = manifest["counts"]
        out.print(
            f"{counts['documents']:,} documents: {counts['kept']:,} kept as they were, "
            f"{counts['cut']:,} cut, {counts['dropped']:,} dropped; "
            f"{output}/removals says which and why",
            highlight=False,
        )


@app.command()
def accuracy(
    report_dir: Annotated[Path, typer.Argument(help="Folder of a finished report.")],
    outputs: Annotated[Path, typer.Argument(help="A model's answers: JSON lines or JSON.")],
    problem_set: Annotated[str, typer.Option(help="The problem set that was answered.")],
    side: Annotated[str, typer.Option(help="input, output or formal.")] = "input",
    edition: Annotated[str, typer.Option(help="What counts as found.")] = "published-30",
    item_field: Annotated[str, typer.Option(help="Field of the item.")] = "item",
    correct_field: Annotated[str, typer.Option(help="Field that is 1 if right.")] = "correct",
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Say whether a model does better on the problems that are in its corpus."""
    with quiet_import():
        from pipelines.overlap.accuracy import accuracy_by_group, read_outputs
        from pipelines.overlap.report import read_report
    with explained():
        answers = read_outputs(outputs, item_field, correct_field)
        groups = accuracy_by_group(read_report(report_dir), answers, problem_set, side, edition)
    rows = [group.to_json() for group in groups]
    if as_json:
        print(json.dumps(rows))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("group", "found", "accuracy", "not found", "accuracy"):
        table.add_column(heading, justify="left" if heading == "group" else "right")
    for row in rows:
        table.add_row(
            row["group"] or "all",
            f"{row['found']:,}",
            _percent(row["found_accuracy"]),
            f"{row['others']:,}",
            _percent(row["others_accuracy"]),
        )
    out.print(table)


@app.command()
def kinds() -> None:
    """List the kinds of problem sets that can be read."""
    from pipelines.overlap.problem_sets import set_kinds

    table = Table(box=None, pad_edge=False)
    for heading in ("kind", "what it is", "files", "licence"):
        table.add_column(heading, overflow="fold")
    for name, kind in set_kinds().items():
        table.add_row(name, kind.title, " ".join(kind.suffixes), kind.licence)
    out.print(table)


def _show(made: Report, progress: str) -> None:
    if progress == "json":
        summary = {"finished": True, "output": str(made.root), **made.content["counts"]}
        print(json.dumps(summary), flush=True)
    if progress != "live":
        return
    table = Table(title="Found", title_justify="left", box=None, pad_edge=False)
    for heading in ("edition", "set", "side"):
        table.add_column(heading, no_wrap=True)
    for heading in ("items", "short", "found", "whole", "docs"):
        table.add_column(heading, justify="right")
    for row in made.content["overlap"]:
        counted = row["problems"], row["problems"] - row["searched"], row["found"]
        table.add_row(
            *(row[name] for name in ("edition", "problem_set", "side")),
            *(f"{count:,}" for count in (*counted, row["found_whole"], row["documents"])),
        )
    out.print(table)
    counts = made.content["counts"]
    out.print(
        f"\n{counts['with_problems']:,} of {counts['documents']:,} documents hold something of a "
        f"problem, {counts['unread']:,} couldn't be read",
        highlight=False,
    )
    out.print(f"{made.root}/index.html shows them side by side", highlight=False)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
