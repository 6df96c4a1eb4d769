"""Trains the perplexity model: ``python -m pipelines.training.perplexity``.

A small pruned n-gram model of mathematical prose, normalised as the filter normalises: formulas are
one word. It is estimated by kenlm's ``lmplz`` (``python -m pipelines.training.build_lmplz``) and
measured on works that it never saw, clean and corrupted. OpenWebMath's own model was estimated on
the first Proof-Pile with settings that weren't published (spec section 1.5).
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filters.models import ModelFile
from filters.normalisation import normalise_for_models
from filters.web.language import Language
from filters.web.perplexity import Perplexity
from pipelines.training.build_lmplz import KENLM_VERSION, BuildFailed, Estimator, build_lmplz
from pipelines.training.card import ModelCard, describe_sources, file_sha256, write_card
from pipelines.training.corpus import (
    Page,
    Source,
    cap_per_origin,
    distinct,
    load_sources,
    read_pages,
)
from pipelines.training.corruption import CORRUPTIONS
from pipelines.training.folds import assign_folds
from pipelines.training.math_score import label_of
from pipelines.training.measures import area_under_curve, quantile
from schemas import Document

__all__ = ["PerplexityTraining", "TooFewTexts", "train_perplexity"]


# Share of clean held-out texts that must stay, and how many texts of an origin and of a kind are
# measured at most.
_KEPT = 0.99
_MEASURED_PER_ORIGIN = 25
_MEASURED = 400


class TooFewTexts(ValueError):
    """There isn't enough to train on and to measure with."""


@dataclass(frozen=True, slots=True)
class PerplexityTraining:
    """What to train on and how.

    Attributes:
        sources: Texts: those with the role ``prose`` are learnt, with the web pages that hold LaTeX
            commands and some that don't; ``foreign`` ones are only measured.
        output: Folder for the model and its card.
        data: Folder that the globs of the sources are relative to.
        name: The model's name; its file is ``NAME.binary``.
        per_origin: At most so many texts of one site or work.
        order: Words in the longest n-gram.
        prune: n-grams seen at most so often are left out, by length; kenlm's ``--prune``.
        fewest_occurrences: Rarer words are unknown words.
        unknown_word: log10 probability of an unknown word. What lmplz estimates (about -5) is too
            kind to misread and fused words, which this filter is there to find.
        ordinary_pages: So many English web pages without formulas are learnt besides. With none
            the model takes the words of an unusual subject for noise: in a trial its auc fell from
            0.955 to 0.950 against fused words, from 0.968 to 0.957 against shuffled ones.
        folds: Parts of the cross-validation by origin.
        fewest_words: Texts with fewer words are neither learnt nor measured.
    """

    sources: tuple[Source, ...]
    output: Path
    data: Path = Path()
    name: str = "perplexity-small"
    per_origin: int = 300
    order: int = 3
    prune: tuple[int, ...] = (0, 1, 2)
    fewest_occurrences: int = 5
    unknown_word: float = -7.0
    ordinary_pages: int = 600
    folds: int = 5
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
    pages = [page for page in pages if len(page.text.split()) >= config.fewest_words]
    clean = cap_per_origin([page for page in pages if _is_clean(page)], config.per_origin)
    folds = assign_folds(((page.origin, True) for page in clean), config.folds)
    if len(folds) < config.folds:
        raise TooFewTexts(
            f"{len(clean)} clean texts from {len(folds)} origins, at least {config.folds} origins "
            "are needed, so that each is once measured by a model that saw nothing of it; "
            "give more --text"
        )
    ordinary = _some([page for page in pages if _is_ordinary(page)], None)
    learnt_too, others = ordinary[: config.ordinary_pages], ordinary[config.ordinary_pages :]
    kinds = {"other languages": _foreign(pages), "ordinary web pages": others}
    scores = _Scores()
    with tempfile.TemporaryDirectory() as folder:
        for fold in range(config.folds):
            rest = [page for page in clean if folds[page.origin] != fold]
            held_out = [page for page in clean if folds[page.origin] == fold]
            model = Path(folder) / f"{fold}.binary"
            _estimate([*rest, *learnt_too], model, config, estimator)
            scores.add(_some(cap_per_origin(held_out, _MEASURED_PER_ORIGIN)), model)
            if fold == 0:
                for kind, found in kinds.items():
                    scores.add_kind(kind, _some(found), model)
    config.output.mkdir(parents=True, exist_ok=True)
    model = config.output / f"{config.name}.binary"
    _estimate([*clean, *learnt_too], model, config, estimator)
    card = _card(config, model, clean, learnt_too, scores)
    write_card(card, model)
    return card


class _Scores:
    """Perplexities of texts by kind, all by models that saw nothing of their origin."""

    def __init__(self) -> None:
        self.clean: list[float] = []
        self.kinds: dict[str, list[float]] = {}

    def add(self, held_out: Sequence[Page], model: Path) -> None:
        """Scores clean texts and what is made of them by corruption."""
        score = Perplexity(model=ModelFile(str(model))).score
        for page in held_out:
            self.clean.append(score(page.text))
            if page.source.role == "web":
                self.kinds.setdefault("web pages with formulas", []).append(self.clean[-1])
            for name, corrupt in CORRUPTIONS.items():
                self.kinds.setdefault(name.replace("_", " "), []).append(score(corrupt(page.text)))

    def add_kind(self, kind: str, pages: Sequence[Page], model: Path) -> None:
        """Scores other texts as they are."""
        score = Perplexity(model=ModelFile(str(model))).score
        if pages:
            self.kinds[kind] = [score(page.text) for page in pages]


def _is_clean(page: Page) -> bool:
    if page.source.role == "web":
        return label_of(page) == "positive" and _is_english(page)
    return page.source.role == "prose"


def _estimate(
    pages: Sequence[Page], model: Path, config: PerplexityTraining, estimator: Estimator
) -> None:
    # A text is one line, as it is when it is scored.
    lines = sorted(normalise_for_models(page.text, "ours") for page in pages)
    counts = Counter(word for line in lines for word in line.split())
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
        _set_unknown_word(arpa, config.unknown_word)
        # A trie whose probabilities and back-offs have 8 bits, its pointers compressed.
        _run([estimator.build_binary, "-q", "8", "-b", "8", "-a", "22", "trie", arpa, model])


_UNKNOWN_WORD = re.compile(r"^-[0-9.e-]+(?=\t<unk>)", re.MULTILINE)


def _set_unknown_word(arpa: Path, log10: float) -> None:
    table, replaced = _UNKNOWN_WORD.subn(str(log10), arpa.read_text("utf-8"), count=1)
    if not replaced:
        raise BuildFailed(f"{arpa} has no <unk>: lmplz wrote something else than expected")
    arpa.write_text(table, "utf-8")


_SHOWN = 2000


def _run(command: Sequence[Any]) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildFailed(f"{' '.join(map(str, command))} failed:\n{done.stderr[-_SHOWN:]}")


def _card(
    config: PerplexityTraining,
    model: Path,
    clean: Sequence[Page],
    ordinary: Sequence[Page],
    scores: _Scores,
) -> ModelCard:
    threshold = float(f"{quantile(scores.clean, _KEPT):.2g}")
    kept = sum(score <= threshold for score in scores.clean) / len(scores.clean)
    rows = [_row("clean prose", scores.clean, scores.clean, threshold)]
    rows += [_row(kind, found, scores.clean, threshold) for kind, found in scores.kinds.items()]
    skip = ("sources", "output", "data", "name")
    return ModelCard(
        name=config.name,
        summary=(
            "kenlm n-gram model of English mathematical prose, formulas as one word: perplexity of "
            "a text, low for prose, high for what isn't."
        ),
        sha256=file_sha256(model),
        bytes=model.stat().st_size,
        command="python -m pipelines.training.perplexity --sources FILE --data DIR --output DIR",
        settings={k: v for k, v in asdict(config).items() if k not in skip},
        software={"kenlm": KENLM_VERSION},
        sources=describe_sources(
            [(page, "mathematical") for page in clean] + [(page, "ordinary") for page in ordinary]
        ),
        counts={
            "mathematical_texts": len(clean),
            "mathematical_words": sum(len(page.text.split()) for page in clean),
            "origins_of_these": len({page.origin for page in clean}),
            "ordinary_pages": len(ordinary),
            "ordinary_words": sum(len(page.text.split()) for page in ordinary),
        },
        measures={
            "how": (
                f"{config.folds}-fold cross-validation by origin: each text is measured by a model "
                "that saw nothing of its site or work; the packaged model is made of all. "
                "Corruptions are made of the held-out texts. auc: the probability that such a text "
                "has a higher perplexity than clean prose"
            ),
            "perplexity": rows,
        },
        thresholds={"threshold": threshold, "keeps_of_clean_prose": round(kept, 4)},
        limits=[
            "Perplexities of different models don't compare: OpenWebMath's 15,000 is of another.",
            "English only; Chinese has no spaces, hence few words: language must be judged before.",
            "Texts of a few words have perplexities of any size.",
        ],
    )


def _row(
    kind: str, found: Sequence[float], clean: Sequence[float], threshold: float
) -> dict[str, Any]:
    return {
        "texts": kind,
        "count": len(found),
        "median": float(f"{quantile(found, 0.5):.3g}"),
        "dropped": round(sum(score > threshold for score in found) / len(found), 3),
        "auc": round(area_under_curve(found, clean), 3) if found is not clean else 0.5,
    }


def _foreign(pages: Sequence[Page]) -> list[Page]:
    """Texts in other languages; what a translation left in English is none."""
    return [
        page
        for page in pages
        if page.source.role == "foreign"
        and not Language().judge(Document("", text=page.text)).keeps
    ]


def _is_ordinary(page: Page) -> bool:
    """Whether a page is English prose without formulas."""
    return page.source.role == "web" and label_of(page) == "negative" and _is_english(page)


def _is_english(page: Page) -> bool:
    return Language().judge(Document("", text=page.text)).keeps


def _some(pages: Sequence[Page], most: int | None = _MEASURED) -> list[Page]:
    """So many pages, drawn by hash."""

    def drawn(page: Page) -> bytes:
        return hashlib.blake2b(page.text.encode(), digest_size=8).digest()

    return sorted(pages, key=drawn)[:most]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.training.perplexity")
    parser.description = "Train the perplexity model; see runbooks/retrain-models.md."
    parser.add_argument(
        "--text",
        nargs="*",
        default=[],
        metavar="GLOB",
        help="clean texts; a work each, at least five",
    )
    parser.add_argument("--sources", type=Path, help="YAML file that names sources and licences")
    parser.add_argument("--data", type=Path, default=Path(), help="folder that its globs start in")
    parser.add_argument("--output", type=Path, required=True, help="folder for model and card")
    parser.add_argument("--name", default="perplexity-small")
    given = parser.parse_args(arguments)
    sources = load_sources(given.sources) if given.sources else []
    sources += [Source(glob, (glob,), origin="source", role="prose") for glob in given.text]
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
