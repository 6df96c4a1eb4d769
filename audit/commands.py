"""The commands ``proofmill audit``; exit codes are those of ``proofmill``, and 1 for a document
that the run hasn't."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audit.explorer.command import serve
from pipelines.terminal import explained, out

if TYPE_CHECKING:
    from audit.run import AuditRun

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Ask a finished run why, and what a change would do.")
labels_app = typer.Typer(no_args_is_help=True, help="Labels that people gave.")
app.add_typer(labels_app, name="labels")
app.command()(serve)

RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="Folder of a finished run, or its s3:// address.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Top = Annotated[int, typer.Option(min=1, help="How many groups are listed.")]


@app.command()
def explain(
    run: RunArgument,
    key: Annotated[str, typer.Argument(metavar="URL|DOCUMENT_ID", help="The document.")],
    overlap: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of an overlap report; those beside the run are found."),
    ] = None,
    dedup: Annotated[
        str, typer.Option(help="Folder of `proofmill dedup` that judged it again.")
    ] = "",
    text: Annotated[bool, typer.Option(help="Whether the text is shown.")] = True,
    as_json: AsJson = False,
) -> None:
    """Show the whole trail of one document."""
    from audit.explaining import explain as ask
    from audit.run import open_run
    from audit.terminal import show_explanation

    with opened(run) as asked:
        with explained():
            other = open_run(dedup) if dedup else None
            found = ask(asked, key, overlaps=overlap or [], dedup=other)
        if as_json:
            _print_json(found if text else [_without_text(entry) for entry in found])
            return
        for explanation in found:
            show_explanation(explanation, text=text)


@app.command()
def funnel(
    run: RunArgument,
    by: Annotated[
        str,
        typer.Option(help="domain, crawl, language, repo or any plain column of the trails."),
    ] = "",
    top: Top = 20,
    picture: Annotated[
        Path | None, typer.Option(help="Also draw it: a .png, .svg or .pdf file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show records, bytes and tokens by stage and reason, or by a column."""
    from audit.funnels import funnel as ask
    from audit.pictures import draw_funnel_of
    from audit.terminal import show_funnel

    with opened(run) as asked, explained():
        found = ask(asked, by, limit=top)
        if picture is not None:
            draw_funnel_of(found, asked.title, picture)
    if as_json:
        _print_json(found)
    else:
        show_funnel(found)


@app.command()
def domains(run: RunArgument, top: Top = 50, as_json: AsJson = False) -> None:
    """Show what each domain brought and what became of it."""
    from audit.sites import domains as ask
    from audit.terminal import show_groups

    with opened(run) as asked, explained():
        found = ask(asked, limit=top)
    if as_json:
        _print_json(found.groups)
    else:
        show_groups(found)


@app.command()
def sample(
    run: RunArgument,
    dropped_by: Annotated[str, typer.Option(help="The stage that dropped them.")] = "",
    reason: Annotated[str, typer.Option(help="Its reason.")] = "",
    stage: Annotated[
        str, typer.Option(help="The stage whose score counts; --dropped-by by default.")
    ] = "",
    near_threshold: Annotated[
        float | None,
        typer.Option(min=0, help="The most that the score is away from its threshold."),
    ] = None,
    kept: Annotated[bool, typer.Option("--kept", help="Only documents that were kept.")] = False,
    domain: Annotated[str, typer.Option(help="Only documents of a domain.")] = "",
    language: Annotated[str, typer.Option(help="Only documents in a language.")] = "",
    n: Annotated[int, typer.Option("-n", min=1, help="How many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show documents that a stage decided on, with their text."""
    from audit.sampling import sample as ask
    from audit.terminal import show_sample

    with opened(run) as asked, explained():
        found = ask(
            asked,
            dropped_by=dropped_by,
            reason=reason,
            stage=stage,
            near_threshold=near_threshold,
            kept=kept,
            site=domain,
            language=language,
            n=n,
        )
    if as_json:
        _print_json(found)
    else:
        show_sample(found)


@app.command("what-if")
def what_if(
    run: RunArgument,
    set_: Annotated[
        list[str],
        typer.Option("--set", help="Change a setting: math_score.threshold_with_math=0.3"),
    ],
    examples: Annotated[int, typer.Option(min=0, help="Documents shown of each kind.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Say what would enter and leave under other settings."""
    from audit.terminal import show_what_if
    from audit.what_if import what_if as ask

    with opened(run) as asked, explained():
        found = ask(asked, set_, examples=examples)
    if as_json:
        _print_json(found)
    else:
        show_what_if(found)


@app.command()
def diff(
    run_a: Annotated[str, typer.Argument(help="The first run.")],
    run_b: Annotated[str, typer.Argument(help="The second run.")],
    examples: Annotated[int, typer.Option(min=0, help="Documents shown of each kind.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Show which documents changed sides between two runs, and whose text changed."""
    from audit.comparing import diff as ask
    from audit.terminal import show_comparison

    with opened(run_a) as first, opened(run_b) as second, explained():
        found = ask(first, second, examples=examples)
        if as_json:
            _print_json(found)
        else:
            show_comparison(found, first, second)


@app.command()
def duplicates(
    run: RunArgument,
    cluster: Annotated[
        str,
        typer.Argument(help="A cluster's name, or a document of it; the largest without one."),
    ] = "",
    top: Top = 20,
    as_json: AsJson = False,
) -> None:
    """Show a group of duplicates, and which document stands for it."""
    from audit.duplicates import cluster_of, clusters
    from audit.terminal import show_cluster, show_clusters

    with opened(run) as asked, explained():
        found: Any = cluster_of(asked, cluster) if cluster else clusters(asked, limit=top)
    if as_json:
        _print_json(found)
    elif cluster:
        show_cluster(found)
    else:
        show_clusters(found)


@app.command()
def search(
    run: RunArgument,
    url: Annotated[str, typer.Option(help="Part of the URL, or a document_id.")] = "",
    domain: Annotated[str, typer.Option(help="The domain, or one above it.")] = "",
    text: Annotated[str, typer.Option(help="Words of a text that the run has.")] = "",
    dropped_by: Annotated[str, typer.Option(help="The stage that dropped them.")] = "",
    n: Annotated[int, typer.Option("-n", min=1, help="At most so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Find documents by URL, domain or words of their text."""
    from audit.searching import search as ask
    from audit.terminal import show_hits

    with opened(run) as asked, explained():
        found = ask(asked, url=url, domain=domain, text=text, dropped_by=dropped_by, limit=n)
    if as_json:
        _print_json(found)
    else:
        show_hits(found)


@app.command()
def export(
    run: RunArgument,
    output: Annotated[Path, typer.Option(help="The sheet: .csv, .tsv or .parquet.")],
    dropped_by: Annotated[str, typer.Option(help="The stage that dropped them.")] = "",
    stage: Annotated[str, typer.Option(help="The stage whose score is in the sheet.")] = "",
    near_threshold: Annotated[
        float | None,
        typer.Option(min=0, help="The most that the score is away from its threshold."),
    ] = None,
    kept: Annotated[bool, typer.Option("--kept", help="Only documents that were kept.")] = False,
    n: Annotated[int, typer.Option("-n", min=1, help="How many.")] = 200,
) -> None:
    """Write a sheet for labelling by hand."""
    from audit.labelling import export_sheet
    from audit.sampling import sample as ask

    with opened(run) as asked, explained():
        documents = ask(
            asked,
            dropped_by=dropped_by,
            stage=stage,
            near_threshold=near_threshold,
            kept=kept,
            n=n,
        )
        count = export_sheet(output, documents)
    bare = sum(document.text is None for document in documents)
    out.print(f"{output}: {count:,} documents to label, keep or drop", highlight=False)
    if bare:
        out.print(
            f"{bare:,} of them without text: the run kept none of it (audit.dropped_text)",
            highlight=False,
        )


@labels_app.command("import")
def import_labels(
    run: RunArgument,
    sheet: Annotated[Path, typer.Argument(help="A sheet that was filled in.")],
    stage: Annotated[
        str, typer.Option("--filter", help="Measure this filter against the labels.")
    ] = "",
    detail: Annotated[
        str, typer.Option(help="Only its decisions with this detail: one of several thresholds.")
    ] = "",
    precision: Annotated[
        float, typer.Option(min=0, max=1, help="The precision that a threshold must reach.")
    ] = 0.95,
    labels: Annotated[
        Path | None, typer.Option(help="Where labels are kept; RUN.labels.parquet by default.")
    ] = None,
    labeller: Annotated[str, typer.Option(help="Who labelled.")] = "",
    as_json: AsJson = False,
) -> None:
    """Keep the labels of a sheet, and say what they mean for a filter."""
    from audit.labelling import default_labels_path, import_sheet, save_labels

    with opened(run) as asked, explained():
        path = labels or default_labels_path(asked)
        added = import_sheet(sheet, labeller=labeller)
        held = save_labels(path, added)
        _measured(asked, held, stage, detail, precision, as_json, f"{path}: {len(added):,} labels")


@labels_app.command("measure")
def measure_labels(
    run: RunArgument,
    stage: Annotated[str, typer.Option("--filter", help="The filter.")],
    detail: Annotated[
        str, typer.Option(help="Only its decisions with this detail: one of several thresholds.")
    ] = "",
    precision: Annotated[
        float, typer.Option(min=0, max=1, help="The precision that a threshold must reach.")
    ] = 0.95,
    labels: Annotated[
        Path | None, typer.Option(help="Where labels are kept; RUN.labels.parquet by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what the labels that are kept mean for a filter."""
    from audit.labelling import default_labels_path, read_labels

    with opened(run) as asked, explained():
        path = labels or default_labels_path(asked)
        held = read_labels(path)
        _measured(asked, held, stage, detail, precision, as_json, str(path))


def _measured(
    run: AuditRun, held: Any, stage: str, detail: str, precision: float, as_json: bool, where: str
) -> None:
    from audit.labelling import measure_filter
    from audit.terminal import show_measure

    found = measure_filter(run, held, stage, detail=detail, wanted=precision) if stage else None
    if as_json:
        _print_json({"labels": len(held), "measure": found})
        return
    out.print(f"{where} ({len(held):,} in all)", highlight=False)
    if found is not None:
        show_measure(found)


@contextmanager
def opened(where: str) -> Iterator[AuditRun]:
    """A run, opened for one command; what is wrong with it ends the command."""
    from audit.run import open_run

    with explained():
        run = open_run(where)
    with run:
        yield run


def _without_text(answer: Any) -> dict[str, Any]:
    from audit.plain import plain

    content: dict[str, Any] = plain(answer)
    del content["text"]
    return content


def _print_json(answer: Any) -> None:
    from audit.plain import plain

    print(json.dumps(plain(answer), ensure_ascii=False))
