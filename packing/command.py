"""The command ``proofmill pack``, and ``proofmill packed`` for what it leaves.

Exit codes are those of ``proofmill``.
"""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape
from rich.table import Table

from pipelines.errors import InputError, RecipeError
from pipelines.options import Fresh, KeepWork, ProgressMode, Workers
from pipelines.run_directory import RunDirectory
from pipelines.terminal import err, explained, logged, out, quiet_import

if TYPE_CHECKING:
    from packing.provenance import Span
    from packing.recipe import PackingRecipe
    from packing.stages import TokenizerChoice

__all__ = ["app", "pack"]

app = typer.Typer(no_args_is_help=True, help="A packed corpus: prove it, trace it, describe it.")

Packed = Annotated[Path, typer.Argument(help="Folder of a packed corpus.")]


def pack(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN_DIR...",
            help="Finished runs, Parquet files or folders of them, as PATH or SOURCE=PATH.",
        ),
    ],
    tokenizer: Annotated[
        Path, typer.Option(help="tokenizer.json, SentencePiece model, tiktoken ranks, or a folder.")
    ],
    output: Annotated[Path, typer.Option(help="Folder of the packed corpus.")],
    edition: Annotated[
        str, typer.Option(help="An edition of packing, or a YAML file; see `packed editions`.")
    ] = "default",
    sequence_length: Annotated[
        int | None, typer.Option(min=8, help="Tokens that a model reads at once.")
    ] = None,
    packer: Annotated[
        Literal["concatenate", "best-fit", "one-per-sequence"] | None,
        typer.Option(help="How documents become sequences."),
    ] = None,
    format_: Annotated[
        list[str] | None,
        typer.Option("--format", help="megatron, raw, parquet, mds, litdata, or all; repeat."),
    ] = None,
    weight: Annotated[
        list[str] | None, typer.Option(help="SOURCE=N, a source's share; may be repeated.")
    ] = None,
    epochs: Annotated[
        list[str] | None,
        typer.Option(help="SOURCE=N, or N for all others: how often, instead of weights."),
    ] = None,
    target_tokens: Annotated[
        int | None, typer.Option(min=0, help="Tokens of the training; 0 for one epoch.")
    ] = None,
    order: Annotated[
        Literal["by-source", "mixed"] | None,
        typer.Option(help="Packed formats a folder a source, or one stream as it is trained."),
    ] = None,
    bos: Annotated[
        str | None, typer.Option(help="Before each document: bos, none, a token or an id.")
    ] = None,
    eod: Annotated[
        str | None, typer.Option(help="Behind each document: eos, unk, none, a token or an id.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Chooses every order.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Any other setting: tail=drop")
    ] = None,
    text_column: Annotated[str | None, typer.Option(help="Column of the text.")] = None,
    id_column: Annotated[str | None, typer.Option(help="Column of the id.")] = None,
    prompt_column: Annotated[str | None, typer.Option(help="Column of prompts.")] = None,
    completion_column: Annotated[str | None, typer.Option(help="Column of completions.")] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of tiktoken ranks, when their name doesn't tell.")
    ] = None,
    backend: Annotated[
        Literal["auto", "reference", "cpu", "torch"],
        typer.Option(help="What computes the ids; they are the same with all."),
    ] = "auto",
    device: Annotated[str | None, typer.Option(help="Device for --backend torch.")] = None,
    shards: Annotated[
        Path | None, typer.Option(help="Folder of token shards that several packings share.")
    ] = None,
    workers: Workers = 0,
    progress: ProgressMode = "live",
    fresh: Fresh = False,
    keep_work: KeepWork = False,
) -> None:
    """Tokenize documents and pack them into sequences, in the formats that trainers read."""
    with quiet_import():
        from packing.run import PackingRun
        from packing.sources import find_files
        from packing.stages import TokenizerChoice
    with explained():
        recipe = _recipe(
            edition,
            {
                "sequence_length": sequence_length,
                "packer": packer,
                "target_tokens": target_tokens,
                "order": order,
                "bos": bos,
                "eod": eod,
                "seed": seed,
            },
            set_ or [],
            formats=format_,
            weights=weight,
            epochs=epochs,
            columns={
                "text": text_column,
                "document_id": id_column,
                "prompt": prompt_column,
                "completion": completion_column,
            },
        )
        files = find_files(inputs, recipe.columns)
        choice = TokenizerChoice(
            str(tokenizer.resolve()), encoding, recipe.specials, backend, device
        )
        _load_tokenizer(choice)
        with logged(output):
            outcome = PackingRun(
                recipe,
                choice,
                files,
                output,
                shards=shards,
                workers=workers,
                display=progress,
                fresh=fresh,
                keep_work=keep_work,
                command=shlex.join(["proofmill", *sys.argv[1:]]),
            ).execute()
    manifest = outcome.manifest
    if progress == "json":
        keys = ("statistics", "mixture")
        summary = {key: manifest[key] for key in keys}
        print(json.dumps({"finished": True, "output": str(output), **summary}), flush=True)
    elif progress == "live":
        _show_statistics(manifest["statistics"], manifest["mixture"])
        state = "already complete" if outcome.already_complete else "done"
        total = manifest["statistics"]["total"]
        out.print(
            f"\n{state}: {total['documents']:,} documents, {total['sequences']:,} sequences, "
            f"{manifest['run']['seconds']:.1f} s",
            highlight=False,
        )
        err.print(f"proofmill packed verify {output} proves it", highlight=False)


def _load_tokenizer(choice: TokenizerChoice) -> None:
    from packing.tokenizers import TokenizerFileError

    try:
        choice.load()
    except (TokenizerFileError, ModuleNotFoundError, FileNotFoundError, ValueError) as error:
        raise InputError(f"--tokenizer: {error}") from error


def _recipe(
    edition: str,
    changes: dict[str, Any],
    settings: list[str],
    *,
    formats: list[str] | None,
    weights: list[str] | None,
    epochs: list[str] | None,
    columns: dict[str, str | None],
) -> PackingRecipe:
    """The edition with what the command changes."""
    from packing.recipe import FORMATS, PackingRecipe, load_edition
    from packing.sources import ColumnNames

    recipe = load_edition(edition)
    found = {name: value for name, value in changes.items() if value is not None}
    if formats:
        found["formats"] = FORMATS if "all" in formats else tuple(dict.fromkeys(formats))
    if weights:
        found["weights"] = {
            **recipe.weights,
            **dict(_setting(text, "--weight") for text in weights),
        }
    if epochs:
        pairs = (text if "=" in text else f"*={text}" for text in epochs)
        found["epochs"] = dict(_setting(text, "--epochs") for text in pairs)
        # An edition's weights give way.
        found.setdefault("weights", {})
    given = {name: value for name, value in columns.items() if value is not None}
    found["columns"] = ColumnNames(**{**asdict(recipe.columns), **given})
    # `concatenate` alone has an overlap and an order of documents.
    if found.get("packer", recipe.packer) != "concatenate":
        found |= {"overlap": 0, "shuffle_documents": False}
    for text in settings:
        name, value = _setting(text, "--set")
        if name not in PackingRecipe.model_fields:
            known = ", ".join(PackingRecipe.model_fields)
            raise RecipeError(f"--set {name}: there are {known}")
        found[name] = value
    return recipe.changed(found)


def _setting(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise RecipeError(f"{option} {text}: write NAME=VALUE")
    return name, value


@app.command()
def editions() -> None:
    """List the editions of packing."""
    from packing.recipe import load_edition, packaged_editions

    table = Table(box=None, pad_edge=False, show_header=False)
    for name in packaged_editions():
        table.add_row(name, load_edition(name).summary)
    out.print(table)


@app.command()
def verify(
    folder: Packed,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Prove that a packed corpus is what its manifest says."""
    with quiet_import():
        from packing.verification import verify_packing
    with explained():
        found = verify_packing(folder)
    if as_json:
        print(json.dumps({"checked": found.checked, "faults": found.faults}))
    else:
        for line in found.checked:
            out.print(f"[green]holds[/]  {escape(line)}", highlight=False)
        for line in found.faults:
            out.print(f"[red]fault[/]  {escape(line)}", highlight=False)
    raise typer.Exit(0 if found.holds else 1)


@app.command()
def statistics(
    folder: Packed,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Show tokens a byte, truncation, padding, lengths and the mixture."""
    with quiet_import():
        from packing.corpus import PackedCorpus
    with explained():
        corpus = PackedCorpus(folder)
        files = (corpus.folder.statistics, corpus.folder.mixture)
        numbers, mixture = (json.loads(path.read_text("utf-8")) for path in files)
    if as_json:
        print(json.dumps({"statistics": numbers, "mixture": mixture}))
    else:
        _show_statistics(numbers, mixture)


@app.command("trace")
def trace_command(
    folder: Packed,
    source: Annotated[str, typer.Option(help="The source, as packed.json names it.")],
    sequence: Annotated[int, typer.Option(min=0, help="The sequence's number.")],
    tokens: Annotated[str, typer.Option(help="FIRST:END, counted in the sequence.")] = "",
    run: Annotated[
        list[Path] | None,
        typer.Option(help="Run whose trails are looked up; default: where the documents lay."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Say which documents, characters and records tokens of a sequence came from."""
    with quiet_import():
        from packing.corpus import PackedCorpus
        from packing.provenance import trace
    with explained():
        corpus = PackedCorpus(folder)
        try:
            first, end = _token_range(tokens)
            spans = trace(corpus, source, sequence, first, end)
        except (KeyError, IndexError) as error:
            raise InputError(str(error.args[0])) from error
        manifest = RunDirectory(folder).read_json(RunDirectory(folder).manifest) or {}
        runs = run or [Path(path) for path in manifest.get("run", {}).get("origins", ())]
        found = [(span, _trail(span, runs)) for span in spans]
    if as_json:
        rows = [{**asdict(span), "trail": trail} for span, trail in found]
        print(json.dumps(rows, default=str, ensure_ascii=False))
        return
    for span, trail in found:
        out.print(
            f"tokens {span.token_start}:{span.token_end}  [bold]{escape(span.document_id)}[/]  "
            f"characters {span.char_start}:{span.char_end}  {escape(span.file)} row {span.row}",
            highlight=False,
        )
        for name, value in (trail or {}).items():
            if value not in ("", None, [], 0) and name not in ("document_id", "decisions"):
                out.print(f"    {name}  {escape(str(value))}", style="dim", highlight=False)


def _token_range(text: str) -> tuple[int, int | None]:
    if not text:
        return 0, None
    first, colon, end = text.partition(":")
    try:
        start = int(first or 0)
        return start, (int(end) if end else None) if colon else start + 1
    except ValueError as error:
        raise InputError(f"--tokens {text}: write FIRST:END") from error


def _trail(span: Span, runs: list[Path]) -> dict[str, Any] | None:
    from packing.provenance import trail_of

    for run in runs:
        found = trail_of(run, span.document_id)
        if found is not None:
            return found
    return None


def _show_statistics(statistics: dict[str, Any], mixture: dict[str, Any]) -> None:
    rows = {**statistics["sources"], "all": statistics["total"]}
    tokenized = ("source", "documents", "MB", "tokens", "tokens/byte", "longest")
    out.print(
        _table(
            "tokens",
            tokenized,
            [
                (
                    name,
                    f"{row['documents']:,}",
                    f"{row['text_bytes'] / 1e6:,.1f}",
                    f"{row['text_tokens']:,}",
                    f"{row['tokens_per_byte']:.3f}",
                    f"{row['longest_document']:,}",
                )
                for name, row in rows.items()
            ],
        )
    )
    packed = ("source", "sequences", "padding", "documents cut", "of those that fit")
    out.print(
        _table(
            f"\n{statistics['packer']}, {statistics['sequence_length']:,} tokens a sequence",
            packed,
            [
                (
                    name,
                    f"{row['sequences']:,}",
                    f"{row['padding_rate']:.3%}",
                    f"{row['documents_cut']:,} ({row['cut_rate']:.1%})",
                    f"{row['documents_that_fit_cut']:,} ({row['avoidable_cut_rate']:.1%})",
                )
                for name, row in rows.items()
            ],
        )
    )
    total = statistics["total"]
    largest = max(total["lengths"].values(), default=1)
    out.print(
        _table(
            "\ndocuments by tokens",
            ("up to", "documents", ""),
            [
                (f"{int(limit):,}", f"{count:,}", "█" * max(round(40 * count / largest), 1))
                for limit, count in total["lengths"].items()
            ],
        )
    )
    skipped = ", ".join(f"{count:,} {reason}" for reason, count in total["skipped"].items())
    if skipped:
        out.print(f"\nno documents: {skipped}; skipped/ lists them", highlight=False)
    if total["cuts_at"] and any(total["cuts_at"].values()):
        cuts = ", ".join(f"{count:,} at a {place}" for place, count in total["cuts_at"].items())
        out.print(f"cuts of longer documents: {cuts}", highlight=False)
    out.print(
        _table(
            f"\nmixture of {mixture['tokens']:,} tokens",
            ("source", "weight", "tokens", "share", "epochs"),
            [
                (
                    row["source"],
                    f"{row['weight']:,}",
                    f"{row['drawn_tokens']:,}",
                    f"{row['share_of_tokens']:.2%}",
                    f"{row['epochs']:.3f}",
                )
                for row in mixture["sources"]
            ],
        )
    )
    if mixture["absent"]:
        out.print(f"not among the inputs: {', '.join(mixture['absent'])}", style="yellow")


def _table(title: str, headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> Table:
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place == 0 or not heading else "right")
    for row in rows:
        table.add_row(*row)
    return table
