"""The command ``proofmill dedup``."""

from __future__ import annotations

import json
import shlex
import sys
from typing import Annotated, Any

import typer
from rich.table import Table

from pipelines.deduplication.recipe import load_deduplication_recipe
from pipelines.files import address_of
from pipelines.funnel import funnel_table
from pipelines.options import Against, Folder, Fresh, KeepWork, ProgressMode, Workers
from pipelines.terminal import err, explained, logged, out, quiet_import

__all__ = ["dedup"]


def dedup(
    context: typer.Context,
    input: Annotated[  # noqa: A002
        list[str],
        typer.Option(
            help="Parquet file, folder of them, or finished run, as PATH or SUBSET=PATH; "
            "may be repeated."
        ),
    ],
    output: Folder,
    recipe: Annotated[
        str, typer.Option(help="Name of a packaged recipe, or a recipe file.")
    ] = "deduplicate",
    against: Against = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a setting: near_duplicates.threshold=0.9"),
    ] = None,
    workers: Workers = 0,
    progress: ProgressMode = "live",
    fresh: Fresh = False,
    keep_work: KeepWork = False,
) -> None:
    """Drop duplicates by address, equal and similar text. Beam options follow after `--`."""
    with quiet_import():
        from pipelines.deduplication.corpus import CorpusRun
        from pipelines.deduplication.parts import resolve_corpora
        from pipelines.engine import Engine
    with explained():
        chosen = load_deduplication_recipe(recipe).changed(set_ or [])
        engine = Engine(workers, tuple(context.args))
        files = resolve_corpora(input, chosen.columns)
        with logged(output):
            outcome = CorpusRun(
                chosen,
                files,
                output,
                engine,
                against=against or [],
                display=progress,
                fresh=fresh,
                keep_work=keep_work,
                command=shlex.join(["proofmill", *sys.argv[1:]]),
            ).execute()
    manifest = outcome.manifest
    if progress == "json":
        keys = ("counts", "drops", "overlap")
        summary = {key: manifest[key] for key in keys}
        print(json.dumps({"finished": True, "output": address_of(output), **summary}), flush=True)
    elif progress == "live":
        out.print(funnel_table(outcome.funnel))
        out.print(_overlap_table(manifest))
        counts, seconds = manifest["counts"], manifest["run"]["seconds"]
        state = "already complete" if outcome.already_complete else "done"
        out.print(
            f"\n{state}: {counts['kept']:,} of {counts['documents']:,} documents, {seconds:.1f} s",
            highlight=False,
        )
        err.print(
            f"every document's decision is in {address_of(output)}/decisions/", highlight=False
        )


def _overlap_table(manifest: dict[str, Any]) -> Table:
    """Which subset's documents went because of which other's."""
    totals = {row["subset"]: row for row in manifest["subsets"]}
    table = Table(box=None, pad_edge=False, title="\nOverlap", title_justify="left")
    for heading in ("of subset", "a copy stays in", "found by"):
        table.add_column(heading)
    for heading in ("documents", "of all", "characters", "of all"):
        table.add_column(heading, justify="right")
    for row in manifest["overlap"]:
        total = totals[row["subset"]]
        table.add_row(
            row["subset"],
            row["kept_subset"],
            row["stage"],
            f"{row['documents']:,}",
            f"{row['documents'] / max(total['documents'], 1):.2%}",
            f"{row['text_chars']:,}",
            f"{row['text_chars'] / max(total['text_chars'], 1):.2%}",
        )
    return table
