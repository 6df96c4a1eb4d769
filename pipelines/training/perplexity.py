"""Trains the perplexity model: ``python -m pipelines.training.perplexity``.

A small pruned n-gram model of mathematical prose, normalised as the filter normalises: formulas are
one word. It is estimated by kenlm's ``lmplz`` (``python -m pipelines.training.build_lmplz``) and
measured on works that it never saw, clean and corrupted. OpenWebMath's own model was estimated on
the first Proof-Pile with settings that weren't published (spec section 1.5).
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filters.models import ModelFile
from filters.normalisation import normalise_for_models
from filters.web.perplexity import Perplexity
from pipelines.training.build_lmplz import KENLM_VERSION, BuildFailed, Estimator, build_lmplz
from pipelines.training.card import ModelCard, describe_sources, file_sha256, write_card
from pipelines.training.corpus import Page, Source, cap_per_origin, distinct, load_sources, read_pages
from pipelines.training.corruption import CORRUPTIONS
from pipelines.training.folds import assign_folds
from pipelines.training.math_score import label_of
from pipelines.training.measures import area_under_curve, quantile

__all__ = ["PerplexityTraining", "TooFewTexts", "train_perplexity"]


class TooFewTexts(ValueError):
    """There isn't enough to train on and to measure with."""


@dataclass(frozen=True, slots=True)
class PerplexityTraining:
    """What to train on and how.

    Attributes:
        sources: Texts: those with the role ``prose`` are learnt, with the pages of the others that
            hold LaTeX commands; ``foreign`` ones and pages without formulas are only measured.
        output: Folder for the model and its card.
        data: Folder that the globs of the sources are relative to.
        name: The model's name; its file is ``NAME.binary``.
        per_origin: At most so many texts of one site or work.
        order: Words in the longest n-gram.
        prune: n-grams seen at most so often are left out, by length; kenlm's ``--prune``.
        fewest_occurrences: Rarer words are unknown words.
        folds: One origin in so many is held out to measure with.
        fewest_words: Texts with fewer words are neither learnt nor measured.
    """

    sources: tuple[Source, ...]
    output: Path
    data: Path = Path()
    name: str = "perplexity-small"
    per_origin: int = 600
    order: int = 5
    prune: tuple[int, ...] = (0, 2, 3, 4, 5)
    fewest_occurrences: int = 4
    folds: int = 6
    fewest_words: int = 50


def train_perplexity(config: PerplexityTraining) -> ModelCard:
    """Trains, measures and writes the model and its card.

    Returns:
        The card.

    Raises:
        TooFewTexts: Nothing to learn or nothing to measure with.
        BuildFailed: kenlm's estimator isn't there and can't be built, or it failed.
    """
    pages = list(distinct(read_pages(config.sources, config.data)))
    return _train(pages, config, build_lmplz())


def _train(pages: Sequence[Page], config: PerplexityTraining, estimator: Estimator) -> ModelCard:
    pages = [p for p in pages if len(p.text.split()) >= config.fewest_words]
    clean = cap_per_origin([page for page in pages if _is_clean(page)], config.per_origin)
    folds = assign_folds(((page.origin, True) for page in clean), config.folds)
    learnt = [page for page in clean if folds[page.origin] != 0]
    held_out = [page for page in clean if folds[page.origin] == 0]
    if not learnt or not held_out:
        raise TooFewTexts(
            f"{len(clean)} clean texts from {len(folds)} origins: at least two origins are needed, "
            "one to learn from and one to measure with; give more --text"
        )
    config.output.mkdir(parents=True, exist_ok=True)
    model = config.output / f"{config.name}.binary"
    lines = [line for page in learnt for line in _lines(page.text)]
    _estimate(lines, model, config, estimator)
    card = _card(config, model, learnt, held_out, pages)
    write_card(card, model)
    return card


def _is_clean(page: Page) -> bool:
    if page.source.role == "web":
        return label_of(page) == "positive"
    return page.source.role == "prose"


def _lines(text: str) -> list[str]:
    """A text as it is scored: one line."""
    return [normalise_for_models(text, "ours")]


def _estimate(
    lines: Sequence[str], model: Path, config: PerplexityTraining, estimator: Estimator
) -> None:
    counts: dict[str, int] = {}
    for line in lines:
        for word in line.split():
            counts[word] = counts.get(word, 0) + 1
    known = sorted(word for word, count in counts.items() if count >= config.fewest_occurrences)
    with tempfile.TemporaryDirectory() as folder:
        text, arpa, vocabulary = (Path(folder) / name for name in ("text", "arpa", "vocabulary"))
        text.write_text("\n".join(lines) + "\n", "utf-8")
        vocabulary.write_text(" ".join(known) + "\n", "utf-8")
        _run(
            [estimator.lmplz, "-o", config.order, "--prune", *config.prune[: config.order],
             "--limit_vocab_file", vocabulary, "--discount_fallback", "--memory", "1G",
             "--temp_prefix", folder + "/", "--text", text, "--arpa", arpa]
        )  # fmt: skip
        # A trie whose probabilities and back-offs have 8 bits, its pointers compressed.
        _run([estimator.build_binary, "-q", "8", "-b", "8", "-a", "22", "trie", arpa, model])


_SHOWN = 2000


def _run(command: Sequence[Any]) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildFailed(f"{' '.join(map(str, command))} failed:\n{done.stderr[-_SHOWN:]}")


# Shares of clean held-out texts that must stay, and how many texts of a kind are measured at most.
_KEPT = 0.99
_MEASURED = 400


def _card(
    config: PerplexityTraining,
    model: Path,
    learnt: Sequence[Page],
    held_out: Sequence[Page],
    pages: Sequence[Page],
) -> ModelCard:
    score = Perplexity(model=ModelFile(str(model))).score
    held_texts = [page.text for page in _some(held_out)]
    clean = [score(text) for text in held_texts]
    threshold = float(f"{quantile(clean, _KEPT):.2g}")
    rows = [_row("clean held-out prose", clean, clean, threshold)]
    for name, corrupt in CORRUPTIONS.items():
        scores = [score(corrupt(text)) for text in held_texts]
        rows.append(_row(name.replace("_", " "), scores, clean, threshold))
    for name, others in _others(pages).items():
        rows.append(_row(name, [score(page.text) for page in _some(others)], clean, threshold))
    skip = ("sources", "output", "data", "name")
    return ModelCard(
        name=config.name,
        summary=(
            "kenlm n-gram model of English mathematical prose, formulas as one word: perplexity of "
            "a text, low for prose, high for what isn't."
        ),
        sha256=file_sha256(model),
        bytes=model.stat().st_size,
        command="python -m pipelines.training.perplexity --text GLOB... --output DIR",
        settings={k: v for k, v in asdict(config).items() if k not in skip},
        software={"kenlm": KENLM_VERSION},
        sources=describe_sources(
            [(page, "learnt") for page in learnt] + [(page, "held out") for page in held_out]
        ),
        counts={
            "learnt_texts": len(learnt),
            "held_out_texts": len(held_out),
            "learnt_words": sum(len(page.text.split()) for page in learnt),
            "origins": len({page.origin for page in [*learnt, *held_out]}),
        },
        measures={
            "how": "works and sites held out whole; corruptions are made of the held-out texts",
            "perplexity": rows,
        },
        thresholds={
            "threshold": threshold,
            "keeps_of_clean_prose": round(sum(s <= threshold for s in clean) / len(clean), 4),
        },
        limits=[
            "Perplexities of different models don't compare: the original's 15,000 means nothing here.",
            "Ordinary English prose is no noise to it and mostly stays: MathScore is there for that.",
            "Texts of a few words have perplexities of any size.",
        ],
    )


def _row(
    name: str, scores: Sequence[float], clean: Sequence[float], threshold: float
) -> dict[str, Any]:
    row: dict[str, Any] = {"texts": name, "count": len(scores)}
    row["median"] = float(f"{quantile(scores, 0.5):.4g}") if scores else 0.0
    row["dropped"] = round(sum(s > threshold for s in scores) / max(len(scores), 1), 4)
    row["auc"] = round(area_under_curve(scores, clean), 4) if scores and scores != clean else 0.5
    return row


def _others(pages: Sequence[Page]) -> Mapping[str, list[Page]]:
    return {
        "other languages": [page for page in pages if page.source.role == "foreign"],
        "pages without formulas": [
            page for page in pages if page.source.role == "web" and label_of(page) == "negative"
        ],
    }


def _some(pages: Sequence[Page]) -> list[Page]:
    def drawn(page: Page) -> bytes:
        return hashlib.blake2b(page.text.encode(), digest_size=8).digest()

    return sorted(pages, key=drawn)[:_MEASURED]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.training.perplexity")
    parser.description = "Train the perplexity model; see runbooks/retrain-models.md."
    parser.add_argument("--text", nargs="*", default=[], metavar="GLOB", help="clean texts")
    parser.add_argument("--sources", type=Path, help="YAML file that names sources and licences")
    parser.add_argument("--data", type=Path, default=Path(), help="folder that its globs start in")
    parser.add_argument("--output", type=Path, required=True, help="folder for model and card")
    parser.add_argument("--name", default="perplexity-small")
    given = parser.parse_args(arguments)
    sources = load_sources(given.sources) if given.sources else []
    if given.text:
        sources.append(Source("text", tuple(given.text), role="prose"))
    if not sources:
        parser.error("give --text or --sources")
    config = PerplexityTraining(tuple(sources), given.output, given.data, given.name)
    try:
        card = train_perplexity(config)
    except (TooFewTexts, BuildFailed) as error:
        parser.exit(2, f"error: {error}\n")
    print(card.markdown())


if __name__ == "__main__":
    main()
