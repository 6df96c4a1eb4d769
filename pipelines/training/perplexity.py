"""Trains the perplexity model: ``proofmill train perplexity``.

A small pruned n-gram model of mathematical prose, normalised as the filter normalises: formulas are
one word. It is measured on works that it never saw, clean and corrupted, by both filters that read
it, ``perplexity`` and ``word_order``. OpenWebMath's own model was estimated on the first Proof-Pile
with settings that weren't published (spec section 1.5).
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipelines.errors import InputError
from pipelines.training.build_lmplz import KENLM_VERSION, Estimator
from pipelines.training.card import ModelCard, describe_sources, write_card
from pipelines.training.classifier import Step
from pipelines.training.corruption import CORRUPTIONS, word_salad
from pipelines.training.folds import assign_folds
from pipelines.training.labels import NEGATIVE, POSITIVE
from pipelines.training.language_model import LanguageModelSettings, estimate, verify
from pipelines.training.pages import Corpus, Page, cap_per_origin
from pipelines.training.separation import (
    CLEAN,
    ORDINARY,
    WEB,
    Scores,
    add_scores,
    areas_against,
    draw_scores,
    kind_rows,
    suggested_thresholds,
)

__all__ = ["PerplexitySettings", "TooFewTexts", "train_perplexity"]

# How many texts of an origin and of a kind are measured at most.
_MEASURED_PER_ORIGIN = 25
_MEASURED = 400


class TooFewTexts(InputError):
    """There isn't enough to train on and to measure with."""


@dataclass(frozen=True, slots=True)
class PerplexitySettings:
    """What of a corpus is learnt, and how.

    Attributes:
        per_origin: At most so many texts of one site or work.
        ordinary_pages: So many English web pages without formulas are learnt besides. With none
            the model takes the words of an unusual subject for noise: in a trial its auc fell from
            0.955 to 0.950 against fused words, from 0.968 to 0.957 against shuffled ones.
        folds: Parts of the cross-validation by origin.
        fewest_words: Texts with fewer words are neither learnt nor measured.
        model: How the model is estimated.
    """

    per_origin: int = 300
    ordinary_pages: int = 600
    folds: int = 5
    fewest_words: int = 50
    model: LanguageModelSettings = field(default_factory=LanguageModelSettings)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The pages of a corpus by what they are used for."""

    clean: list[Page]
    ordinary: list[Page]
    measured: dict[str, list[Page]]
    folds: dict[str, int]

    @property
    def measured_clean(self) -> set[str]:
        """The kinds that are as clean as what is learnt."""
        return {
            kind
            for kind, pages in self.measured.items()
            if any(page.source.role == "measured" for page in pages)
        }


def train_perplexity(
    corpus: Corpus,
    settings: PerplexitySettings,
    output: Path,
    name: str,
    estimator: Estimator,
    step: Step,
    *,
    keep_arpa: bool = True,
) -> ModelCard:
    """Trains, measures, verifies and writes the model, its card and its picture.

    Args:
        corpus: The texts: those with the role ``prose`` are learnt, with the web pages that hold
            LaTeX commands and some that don't; ``foreign`` and ``measured`` ones are only measured.
        settings: What is learnt, and how.
        output: Folder for the model; its file is ``NAME.binary``.
        name: The model's name.
        estimator: kenlm's programs.
        step: Told of what is being done.
        keep_arpa: Whether ``NAME.arpa`` is left beside the binary model.

    Returns:
        The card.

    Raises:
        TooFewTexts: Nothing to learn or nothing to measure with.
        BuildFailed: A program of kenlm failed.
        VerificationFailed: The model isn't what it must be.
    """
    step("choose texts")
    chosen = _choose(corpus, settings)
    learnt_too = corpus.texts(chosen.ordinary, "line")
    output.mkdir(parents=True, exist_ok=True)
    scores = _cross_validated(corpus, chosen, learnt_too, settings, output, estimator, step)
    step("estimate on all texts, and verify")
    binary, arpa = output / f"{name}.binary", output / f"{name}.arpa"
    lines = sorted([*corpus.texts(chosen.clean, "line"), *learnt_too])
    estimate(lines, binary, settings.model, estimator, arpa)
    verified = verify(arpa, binary, lines, estimator)
    if not keep_arpa:
        arpa.unlink()
    card = _card(settings, binary, chosen, lines, scores, verified)
    write_card(card, binary)
    draw_scores(name, scores, card.thresholds, binary.with_suffix(".png"))
    return card


def _choose(corpus: Corpus, settings: PerplexitySettings) -> _Chosen:
    pages = [page for page in corpus.pages() if page.words >= settings.fewest_words]
    clean = cap_per_origin([page for page in pages if _is_clean(page)], settings.per_origin)
    folds = assign_folds(((page.origin, True) for page in clean), settings.folds)
    if len(folds) < settings.folds:
        raise TooFewTexts(
            f"{len(clean)} clean texts from {len(folds)} origins, at least {settings.folds} "
            "origins are needed, so that each is once measured by a model that saw nothing of it; "
            "give more --documents or --text"
        )
    ordinary = _drawn([page for page in pages if _is_ordinary(page)], None)
    measured: dict[str, list[Page]] = {}
    for page in pages:
        if page.source.role == "measured" and page.english:
            measured.setdefault(page.source.name.replace("-", " "), []).append(page)
    measured["other languages"] = [p for p in pages if p.source.role == "foreign" and not p.english]
    measured[ORDINARY] = ordinary[settings.ordinary_pages :]
    return _Chosen(clean, ordinary[: settings.ordinary_pages], measured, folds)


def _is_clean(page: Page) -> bool:
    if page.source.role == "web":
        return page.label == POSITIVE
    return page.source.role == "prose"


def _is_ordinary(page: Page) -> bool:
    return page.source.role == "web" and page.label == NEGATIVE


def _drawn(pages: Sequence[Page], most: int | None = _MEASURED) -> list[Page]:
    """So many pages, drawn by hash."""

    def drawn(page: Page) -> bytes:
        return hashlib.blake2b(page.key, digest_size=8).digest()

    return sorted(pages, key=lambda page: (drawn(page), page.order))[:most]


def _cross_validated(
    corpus: Corpus,
    chosen: _Chosen,
    learnt_too: Sequence[str],
    settings: PerplexitySettings,
    output: Path,
    estimator: Estimator,
    step: Step,
) -> Scores:
    scores: Scores = {CLEAN: [], WEB: []}
    with tempfile.TemporaryDirectory(dir=output) as folder:
        for fold in range(settings.folds):
            step(f"measure, fold {fold + 1} of {settings.folds}")
            rest = [page for page in chosen.clean if chosen.folds[page.origin] != fold]
            held_out = [page for page in chosen.clean if chosen.folds[page.origin] == fold]
            model = Path(folder) / f"{fold}.binary"
            lines = [*corpus.texts(rest, "line"), *learnt_too]
            estimate(lines, model, settings.model, estimator)
            _score_held_out(corpus, held_out, model, scores)
            if fold == 0:
                for kind, pages in chosen.measured.items():
                    texts = corpus.texts(_drawn(pages), "text")
                    add_scores(scores, kind, texts, model)
    return {kind: found for kind, found in scores.items() if found}


def _score_held_out(corpus: Corpus, held_out: Sequence[Page], model: Path, scores: Scores) -> None:
    """Scores clean texts and what is made of them by corruption."""
    pages = _drawn(cap_per_origin(held_out, _MEASURED_PER_ORIGIN))
    texts = corpus.texts(pages, "text")
    add_scores(scores, CLEAN, texts, model)
    web = [t for page, t in zip(pages, texts, strict=True) if page.source.role == "web"]
    add_scores(scores, WEB, web, model)
    for name, corrupt in CORRUPTIONS.items():
        add_scores(scores, name.replace("_", " "), list(map(corrupt, texts)), model)
    vocabulary = sorted({word for text in texts for word in text.split() if word.isalpha()})
    salads = [word_salad(text, vocabulary) for text in texts] if vocabulary else []
    add_scores(scores, "word salad", salads, model)


def _card(
    settings: PerplexitySettings,
    binary: Path,
    chosen: _Chosen,
    lines: Sequence[str],
    scores: Scores,
    verified: dict[str, Any],
) -> ModelCard:
    clean = scores[CLEAN]
    references = sorted(kind for kind in scores if kind in chosen.measured_clean)
    perplexity, gain, kept = suggested_thresholds(clean)
    plain = asdict(settings)
    digest = hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest()
    return ModelCard.of_file(
        binary,
        summary=(
            "kenlm n-gram model of English mathematical prose, formulas as one word: perplexity of "
            "a text, low for prose, high for what isn't; and the gain of word order, high for "
            "prose, low for words in none."
        ),
        command=(
            f"proofmill train perplexity --order {settings.model.order} --prune "
            f"'{' '.join(map(str, settings.model.prune))}' --sources FILE --data DIR --output DIR"
        ),
        settings={**{k: v for k, v in plain.items() if k != "model"}, **plain["model"]},
        software={"kenlm": KENLM_VERSION},
        data_sha256=digest,
        sources=describe_sources(
            [(page, "mathematical") for page in chosen.clean]
            + [(page, "ordinary") for page in chosen.ordinary]
        ),
        counts={
            "mathematical_texts": len(chosen.clean),
            "mathematical_words": sum(page.words for page in chosen.clean),
            "origins_of_these": len({page.origin for page in chosen.clean}),
            "ordinary_pages": len(chosen.ordinary),
            "ordinary_words": sum(page.words for page in chosen.ordinary),
        },
        measures={
            "how": (
                f"{settings.folds}-fold cross-validation by origin: each text is measured by a "
                "model that saw nothing of its site or work; the packaged model is made of all. "
                "Corruptions are made of the held-out texts. auc: the probability that such a text "
                "has a higher perplexity (or a lower gain of order) than clean prose; dropped: "
                "at these thresholds"
            ),
            "kinds": kind_rows(scores, perplexity, gain),
            **{
                f"auc_against_{reference.replace(' ', '_')}": areas_against(scores, reference)
                for reference in references
            },
            "verified": verified,
        },
        thresholds={
            "perplexity": perplexity,
            "word_order": gain,
            "keeps_of_clean_prose": round(kept, 4),
        },
        limits=[
            "Perplexities of different models don't compare: OpenWebMath's 15,000 is of another.",
            "English only; Chinese has no spaces, hence few words: language must be judged before.",
            "Texts of a few words have perplexities of any size.",
        ],
    )
