"""The command ``proofmill``.

Exit codes: 0 done; 1 the answer is no (``verify`` found a fault, ``calibrate`` no threshold); 2
wrong arguments, recipe, input or missing model, before any work; 3 some input files couldn't be
read; 4 the folder belongs to another run or is in use; 70 records went missing (a fault of ours);
74 input or output error, disk full included; 75 the engine ended early, run the same command again;
130 interrupted, likewise.
"""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml
from rich.markup import escape
from rich.table import Table

from pipelines.card import card_table
from pipelines.deduplication.command import dedup
from pipelines.estimate import estimate_line, estimate_of, estimate_table
from pipelines.files import address_of
from pipelines.funnel import funnel_table
from pipelines.goals.commands import goals_app
from pipelines.inspecting import Wanted, inspect_page
from pipelines.judge import Judged
from pipelines.options import (
    BEAM,
    Against,
    FinishedRun,
    Folder,
    Fresh,
    KeepWork,
    ProgressMode,
    Workers,
)
from pipelines.overlap.commands import app as overlap_app
from pipelines.recipe import difference, load_recipe, packaged_recipes
from pipelines.run_directory import RunDirectory
from pipelines.subsets import InputNames, subset_of
from pipelines.terminal import err, explained, logged, out, quiet_import, silence_logs
from pipelines.training.calibrate_command import calibrate_command
from pipelines.training.commands import train_app

if TYPE_CHECKING:
    from pipelines.runs import Outcome

__all__ = ["main"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Mathematical training corpora as reproducible pipelines, every decision on record.",
)
recipes_app = typer.Typer(no_args_is_help=True, help="Recipes: what decides what is in a corpus.")
app.add_typer(recipes_app, name="recipes")
app.add_typer(overlap_app, name="overlap")
app.add_typer(goals_app, name="goals")
app.add_typer(train_app, name="train")
app.command(context_settings=BEAM)(dedup)
app.command("calibrate")(calibrate_command)


def main() -> None:
    """Entry point of the command."""
    silence_logs()
    for plugin in entry_points(group="proofmill.commands"):
        command = plugin.load()
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=plugin.name)
        else:
            app.command(plugin.name)(command)
    app()


@app.command(context_settings=BEAM)
def run(
    context: typer.Context,
    recipe: Annotated[str, typer.Argument(help="Name of a packaged recipe, or a recipe file.")],
    output: Folder,
    input: Annotated[  # noqa: A002
        list[str] | None,
        typer.Option(
            help="File, folder, glob, s3:// or https:// address, or a list such as warc.paths.gz; "
            "may be repeated. Default: the recipe's embedded sample."
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Take the first N files of each paths list.")
    ] = None,
    paths_base: Annotated[
        str,
        typer.Option(
            help="What the lines of a paths list are relative to. By default the subset's source, "
            "for web https://data.commoncrawl.org/."
        ),
    ] = "",
    against: Against = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a setting: math_score.threshold_with_math=0.3"),
    ] = None,
    workers: Workers = 0,
    progress: ProgressMode = "live",
    fresh: Fresh = False,
    keep_work: KeepWork = False,
    dry_run: Annotated[
        bool, typer.Option(help="Say what it would take, check every graph, run nothing.")
    ] = False,
) -> None:
    """Run a recipe. Beam options follow after `--`."""
    with quiet_import():
        from pipelines.engine import Engine
        from pipelines.rehearsal import rehearsal_table, rehearse
        from pipelines.runs import Run
    with explained():
        chosen = load_recipe(recipe).changed(set_ or [])
        engine = Engine(workers, tuple(context.args), chosen.profile)
        chosen.check()
        if not input and progress != "quiet":
            err.print("no --input: the embedded sample is used")
        subset = subset_of(chosen.subset)
        files = subset.resolve(InputNames(input or subset.sample(), limit, paths_base))
        estimate = estimate_of(chosen.profile, files)
        if dry_run or engine.rehearses:
            out.print(estimate_table(estimate, engine.worker_count))
            out.print(rehearsal_table(rehearse(chosen, files, output, engine)))
            return
        if progress != "quiet":
            err.print(estimate_line(estimate), highlight=False)
        with logged(output):
            outcome = Run(
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
        _report(outcome, output, progress)


@app.command()
def verify(
    run_dir: FinishedRun,
    regenerate: Annotated[
        bool, typer.Option(help="Make the run again in a scratch folder and compare bytes.")
    ] = False,
    workers: Annotated[int, typer.Option(min=0, help="Worker processes for that.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Prove that a run is what its manifest says."""
    with quiet_import():
        from pipelines.verify import verify_run
    with explained():
        found = verify_run(run_dir, regenerate=regenerate, workers=workers)
    if as_json:
        print(json.dumps({"checked": found.checked, "faults": found.faults}))
    else:
        for line in found.checked:
            out.print(f"[green]holds[/]  {escape(line)}", highlight=False)
        for line in found.faults:
            out.print(f"[red]fault[/]  {escape(line)}", highlight=False)
    raise typer.Exit(0 if found.holds else 1)


@app.command()
def extract(
    source: Annotated[str, typer.Argument(help="HTML file, archive, or a URL with --warc.")],
    warc: Annotated[str, typer.Option(help="The archive that holds the URL.")] = "",
    url: Annotated[str, typer.Option(help="Target URI of the page in the archive.")] = "",
    offset: Annotated[int | None, typer.Option(help="Byte offset of its record.")] = None,
    record_id: Annotated[str, typer.Option("--id", help="Its WARC-Record-ID.")] = "",
    recipe: Annotated[str, typer.Option(help="Recipe that judges it.")] = "open-web-math",
    set_: Annotated[list[str] | None, typer.Option("--set", help="Change a setting.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
    text_only: Annotated[bool, typer.Option("--text", help="Print the text alone.")] = False,
) -> None:
    """Show one page's text and what every stage says of it."""
    with explained():
        chosen = load_recipe(recipe).changed(set_ or [])
        chosen.check()
        wanted = Wanted(url or (source if warc else ""), offset, record_id.strip("<>"))
        judged = inspect_page(warc or source, wanted, chosen)
    if as_json:
        print(json.dumps(_judged_json(judged), ensure_ascii=False))
    elif text_only:
        print(judged.text)
    else:
        _show(judged)


@recipes_app.command("list")
def list_recipes() -> None:
    """List the packaged recipes."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for name in packaged_recipes():
        table.add_row(name, load_recipe(name).summary)
    out.print(table)


@recipes_app.command("show")
def show_recipe(
    recipe: Annotated[str, typer.Argument(help="Name or file.")],
    set_: Annotated[list[str] | None, typer.Option("--set", help="Change a setting.")] = None,
) -> None:
    """Print a recipe with every default spelled out, and its digest."""
    with explained():
        chosen = load_recipe(recipe).changed(set_ or [])
        text = yaml.safe_dump(chosen.resolved, sort_keys=False, allow_unicode=True, width=100)
        print(f"# sha256 {chosen.digest}\n{text}", end="")


@recipes_app.command("diff")
def diff_recipes(
    first: Annotated[str, typer.Argument(help="Name or file.")],
    second: Annotated[str, typer.Argument(help="Name or file.")],
) -> None:
    """Show what differs between two recipes."""
    with explained():
        rows = difference(load_recipe(first), load_recipe(second))
    table = Table(box=None, pad_edge=False)
    for heading in ("setting", first, second):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    out.print(table)


def _report(outcome: Outcome, folder: Path, progress: str) -> None:
    output = address_of(folder)
    manifest = outcome.manifest
    counts = manifest["counts"]
    if progress == "json":
        summary = {
            "finished": True,
            "output": output,
            "seconds": manifest["run"]["seconds"],
            "counts": counts,
            "drops": manifest["drops"],
            "manifest": f"{output}/manifest.json",
        }
        print(json.dumps(summary), flush=True)
        return
    if progress == "quiet":
        return
    out.print(funnel_table(outcome.funnel))
    card = RunDirectory(folder).read_json(folder / "card.json")
    if card is not None:
        out.print(card_table(card))
    formulas = sum(manifest["formulas"]["formulas_kept"].values())
    state = "already complete" if outcome.already_complete else "done"
    out.print(
        f"\n{state}: {counts['kept']:,} documents of {counts['records']:,} records, "
        f"{manifest['text_bytes'] / 1e6:,.2f} MB of text, {formulas:,} formulas, "
        f"{manifest['run']['seconds']:.1f} s",
        highlight=False,
    )
    if manifest["failed_inputs"]:
        out.print(f"[yellow]{len(manifest['failed_inputs'])} input file(s) failed[/]")
    out.print(_next_steps(output, has_card=card is not None), highlight=False)


def _next_steps(output: str, *, has_card: bool) -> Table:
    table = Table(
        box=None, pad_edge=False, show_header=False, title="\nLook at", title_justify="left"
    )
    rows = (
        (f"{output}/funnel.png", "the picture of the funnel"),
        (f"{output}/documents/", "the corpus, Parquet shards"),
        *([(f"{output}/card.md", "what is in it, by language and split")] if has_card else ()),
        (f"{output}/trails/", "why each record is in or out, one row a record"),
        (f"{output}/manifest.json", "recipe, digests, counts"),
        (f"proofmill verify {output}", "prove it"),
        (f"proofmill audit explain {output} URL", "why a document is in, or out"),
        (f"proofmill audit serve {output}", "the same in a browser, and what a change would do"),
        (f"proofmill report {output}", "one page to mail"),
    )
    for row in rows:
        table.add_row(*row)
    return table


def _judged_json(judged: Judged) -> dict[str, Any]:
    return {"trail": asdict(judged.trail), "text": judged.text}


def _show(judged: Judged) -> None:
    trail = judged.trail
    out.print(f"[bold]{escape(trail.url)}[/]  {trail.document_id}", highlight=False)
    place = ", ".join(
        f"{name} {value}" for name, value in asdict(trail.provenance).items() if value
    )
    out.print(
        f"{escape(place)}  {trail.record_type} {trail.source_bytes:,} bytes {trail.notes}",
        style="dim",
        highlight=False,
    )
    table = Table(box=None, pad_edge=False)
    for heading in ("stage", "verdict", "reason", "score", "threshold", "detail"):
        table.add_column(heading, overflow="fold")
    for decision in trail.decisions:
        style = "green" if decision.keeps else "red"
        table.add_row(
            decision.filter + (" (shadow)" if decision.shadow else ""),
            f"[{style}]{decision.verdict}[/]",
            escape(decision.reason),
            *("" if x is None else f"{x:.4g}" for x in (decision.score, decision.threshold)),
            escape(decision.detail),
        )
    out.print(table)
    counts = ", ".join(
        f"{name} {trail.formulas_kept.get(name, 0)}/{found}"
        for name, found in sorted(trail.formulas_found.items())
    )
    out.print(f"formulas kept/found: {counts or 'none'}\n", highlight=False)
    out.print(judged.text, markup=False, highlight=False)


if __name__ == "__main__":
    main()
