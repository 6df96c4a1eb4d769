"""``proofmill train``: the commands that make models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from pipelines.errors import InputError
from pipelines.inputs import resolve_inputs
from pipelines.options import BEAM, ProgressMode, Workers
from pipelines.terminal import err, explained, out, quiet_import
from pipelines.training.build_lmplz import build_lmplz, find_lmplz
from pipelines.training.classifier import Step
from pipelines.training.sources import Source, load_sources

if TYPE_CHECKING:
    from pipelines.training.card import ModelCard
    from pipelines.training.corpus import CorpusInputs
    from pipelines.training.pages import Corpus

__all__ = ["train_app"]

train_app = typer.Typer(no_args_is_help=True, help="Make the models behind the filters.")

_Output = Annotated[Path, typer.Option(help="Folder for the model, its card and its picture.")]
_Sources = Annotated[
    Path | None,
    typer.Option(help="YAML file that names sources and their licences."),
]
_Data = Annotated[Path, typer.Option(help="Folder that the sources' globs start in.")]
_Name = Annotated[str, typer.Option(help="The model's name.")]
_Dimension = Annotated[int, typer.Option(min=1, help="Length of a word's vector.")]
_Epochs = Annotated[int, typer.Option(min=1, help="How often each text is learnt.")]
_Buckets = Annotated[
    int, typer.Option(min=1, help="Vectors that word pairs share before it's compressed.")
]
_Features = Annotated[int, typer.Option(min=1, help="Rows left when it's compressed.")]
_Folds = Annotated[int, typer.Option(min=2, help="Parts of the cross-validation.")]
_Seed = Annotated[int, typer.Option(help="Seed of the initial vectors.")]
_PerOrigin = Annotated[int, typer.Option(min=1, help="At most so many texts of one site or work.")]


@train_app.command("math-score", context_settings=BEAM)
def math_score(
    context: typer.Context,
    output: _Output,
    warc: Annotated[
        list[str] | None,
        typer.Option(help="Web archives, as `run --input` takes them; may be repeated."),
    ] = None,
    pages: Annotated[
        list[str] | None,
        typer.Option(help="Files, folders or globs of pages of many sites; may be repeated."),
    ] = None,
    sources: _Sources = None,
    data: _Data = Path(),
    limit: Annotated[
        int | None, typer.Option(min=1, help="Take the first N archives of each paths list.")
    ] = None,
    name: _Name = "math-score-small",
    per_origin: _PerOrigin = 250,
    fewest_words: Annotated[
        int, typer.Option(min=1, help="Pages with less prose teach nothing.")
    ] = 30,
    dimension: _Dimension = 8,
    epochs: _Epochs = 5,
    buckets: _Buckets = 200_000,
    features: _Features = 60_000,
    folds: _Folds = 5,
    seed: _Seed = 7,
    workers: Workers = 0,
    progress: ProgressMode = "live",
) -> None:
    """Train the classifier that tells mathematical prose, from pages labelled by their formulas.

    Beam options follow after `--`.
    """
    with quiet_import():
        from pipelines.training.classifier import ClassifierSettings
        from pipelines.training.corpus import CorpusInputs
        from pipelines.training.math_score import MathScoreSettings, train_math_score
    with explained():
        given = _given_sources(sources, Source("pages", tuple(pages or ())))
        archives = resolve_inputs(warc, limit=limit) if warc else []
        if not given and not archives:
            raise InputError("nothing to learn from: give --warc, --pages or --sources")
        inputs = CorpusInputs(tuple(given), data, tuple(archives))
        settings = MathScoreSettings(
            per_origin=per_origin,
            fewest_words=fewest_words,
            classifier=ClassifierSettings(
                dimension=dimension,
                epochs=epochs,
                buckets=buckets,
                features=features,
                folds=folds,
                seed=seed,
            ),
        )
        corpus = _built(inputs, output, (workers, context.args), progress)
        with _steps(folds + 3, progress) as step:
            card = train_math_score(corpus, settings, output, name, step)
        _report(card, output, progress)


@train_app.command("perplexity", context_settings=BEAM)
def perplexity(
    context: typer.Context,
    output: _Output,
    documents: Annotated[
        list[str] | None,
        typer.Option(
            help="Parquet files or folders of documents (columns document_id and text), clean "
            "prose; may be repeated."
        ),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(help="Files, folders or globs of clean prose, each one work."),
    ] = None,
    sources: _Sources = None,
    data: _Data = Path(),
    share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the documents, drawn by document_id.")
    ] = 1.0,
    name: _Name = "perplexity-small",
    order: Annotated[int, typer.Option(min=2, max=6, help="Words in the longest n-gram.")] = 5,
    prune: Annotated[
        str, typer.Option(help="n-grams seen at most so often are left out, by length.")
    ] = "0 1 2 2 2",
    fewest_occurrences: Annotated[
        int, typer.Option(min=1, help="Rarer words are unknown words.")
    ] = 5,
    per_origin: _PerOrigin = 300,
    folds: _Folds = 5,
    memory: Annotated[
        str, typer.Option(help="Memory of the estimator's sort, as lmplz takes it: 1G, 50%.")
    ] = "1G",
    arpa: Annotated[bool, typer.Option(help="Keep the model in the ARPA format too.")] = True,
    workers: Workers = 0,
    progress: ProgressMode = "live",
) -> None:
    """Train the n-gram model of clean mathematical prose. Beam options follow after `--`."""
    with quiet_import():
        from pipelines.training.corpus import CorpusInputs
        from pipelines.training.language_model import LanguageModelSettings, required_estimator
        from pipelines.training.perplexity import PerplexitySettings, train_perplexity
    with explained():
        works = [
            Source(pattern, (pattern,), origin="source", role="prose") for pattern in text or ()
        ]
        given = [*_given_sources(sources), *works]
        files = _parquet_files(documents or ())
        if not given and not files:
            raise InputError("nothing to learn from: give --documents, --text or --sources")
        settings = PerplexitySettings(
            per_origin=per_origin,
            folds=folds,
            model=LanguageModelSettings.of(order, prune, fewest_occurrences, memory),
        )
        estimator = required_estimator()
        inputs = CorpusInputs(tuple(given), data, documents=tuple(files), share=share)
        corpus = _built(inputs, output, (workers, context.args), progress)
        with _steps(folds + 2, progress) as step:
            card = train_perplexity(corpus, settings, output, name, estimator, step, keep_arpa=arpa)
        _report(card, output, progress)


@train_app.command("quality")
def quality(
    labels: Annotated[
        Path,
        typer.Option(
            help="TSV or Parquet with a score from 0 to 5, and a text, document_id or url."
        ),
    ],
    output: _Output,
    documents: Annotated[
        list[str] | None,
        typer.Option(help="Parquet files or folders with the texts, if the labels have none."),
    ] = None,
    name: _Name = "educational",
    dimension: _Dimension = 8,
    epochs: _Epochs = 20,
    buckets: _Buckets = 200_000,
    features: _Features = 60_000,
    folds: _Folds = 5,
    seed: _Seed = 7,
    progress: ProgressMode = "live",
) -> None:
    """Train the educational score from labels that you have."""
    from pipelines.training.classifier import ClassifierSettings
    from pipelines.training.quality import QualitySettings, read_examples, train_quality

    with explained():
        settings = QualitySettings(
            classifier=ClassifierSettings(
                dimension=dimension,
                epochs=epochs,
                buckets=buckets,
                features=features,
                folds=folds,
                seed=seed,
            )
        )
        examples = read_examples(labels, _parquet_files(documents or ()), settings)
        with _steps(folds + 2, progress) as step:
            card = train_quality(examples, labels, settings, output, name, step)
        _report(card, output, progress)


@train_app.command("lmplz")
def lmplz(
    jobs: Annotated[int, typer.Option(min=1, help="Compilers at a time.")] = 2,
) -> None:
    """Build kenlm's estimator into the user's cache folder; about two minutes."""
    with explained():
        if find_lmplz() is None:
            err.print("building kenlm's programs; this takes about two minutes")
        for program in build_lmplz(jobs).programs:
            print(program)


def _given_sources(file: Path | None, *others: Source) -> list[Source]:
    found = load_sources(file) if file else []
    return [*found, *(source for source in others if source.files)]


def _parquet_files(places: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for place in places:
        path = Path(place)
        inside = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
        if not inside or not all(file.is_file() for file in inside):
            raise InputError(f"{place} is no Parquet file, and no folder that holds one")
        found += inside
    for file in found:
        _check_columns(file)
    return found


def _check_columns(file: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        columns = set(pq.read_schema(file).names)
    except pa.ArrowException as error:
        raise InputError(f"{file} is no Parquet file: {error}") from error
    missing = {"document_id", "text"} - columns
    if missing:
        raise InputError(f"{file} has no column {' and no '.join(sorted(missing))}")


def _built(
    inputs: CorpusInputs,
    output: Path,
    engine: tuple[int, Sequence[str]],
    display: Literal["live", "json", "quiet"],
) -> Corpus:
    with quiet_import():
        from pipelines.engine import Engine
        from pipelines.training.corpus import build_corpus
    return build_corpus(inputs, output / "corpus", Engine(*engine), display)


@contextmanager
def _steps(count: int, display: Literal["live", "json", "quiet"]) -> Iterator[Step]:
    """Shows what is being done: a bar on a terminal, a line a step elsewhere."""
    if display == "quiet":
        yield lambda _: None
        return
    if not err.is_terminal or display == "json":
        yield lambda label: err.print(label, highlight=False)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err) as bar:
        task = bar.add_task("", total=count)
        done = -1

        def step(label: str) -> None:
            nonlocal done
            done += 1
            bar.update(task, description=label, completed=done)

        yield step
        bar.update(task, completed=count)


def _report(card: ModelCard, output: Path, display: str) -> None:
    if display == "quiet":
        return
    out.print(card.markdown(), markup=False, highlight=False, soft_wrap=True)
    model = output / card.name
    out.print(f"card: {model}.md, picture: {model}.png", markup=False, soft_wrap=True)
