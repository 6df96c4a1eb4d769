"""Perplexity: the formula, the threshold, and what the packaged model is there to find."""

from __future__ import annotations

import math
import random

import pytest

from filters.models import ModelFile, ModelMismatch, ModelNotFound, load_kenlm, model_path
from filters.web.perplexity import Perplexity
from schemas import Document

# Written here.
CLEAN = """
We first show that the limit exists. Let $(a_n)$ be an increasing sequence of real numbers that is
bounded above, and let $s$ be its least upper bound. Given $\\epsilon > 0$, there is an index $N$ such
that $a_N > s - \\epsilon$, since otherwise $s - \\epsilon$ would be an upper bound. For every $n \\ge N$ we
have $a_N \\le a_n \\le s$ because the sequence is increasing. It follows that the sequence converges to
$s$. The same argument, applied to $-a_n$, proves the statement for decreasing sequences. Note that the
theorem is false for the rational numbers, as there are bounded increasing sequences of rational
numbers that have no rational limit. This is the reason why the real numbers are said to be complete.
"""


def _shuffled(text: str) -> str:
    words = text.split()
    random.Random(1).shuffle(words)
    return " ".join(words)


def _misread(text: str) -> str:
    rng = random.Random(1)
    return "".join(
        rng.choice("1lo0cnvw") if c.isalpha() and rng.random() < 0.2 else c for c in text
    )


_BAD = {
    "shuffled": _shuffled(CLEAN),
    "misread": _misread(CLEAN),
    "fused": CLEAN.replace(" ", ""),
    "menu": "Home About us Contact Log in Sign up FAQ Cart Checkout Careers Press Sitemap RSS " * 4,
    "french": """On montre d'abord que la limite existe. Soit une suite croissante de nombres reels
        majoree, et soit sa borne superieure. Il existe un indice tel que tous les termes suivants
        en soient proches, sinon ce nombre serait aussi un majorant.""",
    "salad": "zq vexor blimpf trundle quark wibble fnord sprocket gleam " * 6,
}


def test_clean_prose_is_kept() -> None:
    decision = Perplexity().judge(Document("0" * 32, text=CLEAN))
    assert decision.keeps
    assert decision.score is not None and decision.score < Perplexity().threshold / 3


@pytest.mark.parametrize("kind", _BAD)
def test_bad_text_is_more_perplexing(kind: str) -> None:
    assert Perplexity().score(_BAD[kind]) > 4 * Perplexity().score(CLEAN)


@pytest.mark.parametrize("kind", ["misread", "fused", "menu", "french", "salad"])
def test_what_is_no_prose_is_dropped(kind: str) -> None:
    decision = Perplexity().judge(Document("0" * 32, text=_BAD[kind]))
    assert (decision.keeps, decision.reason) == (False, "above_threshold")


def test_the_formula_is_that_of_the_original() -> None:
    line = "let [EQUATION] be a real number ."
    expected = 10 ** (-load_kenlm("perplexity-small").score(line) / 7)
    assert Perplexity().score("Let $x$ be a real number.") == pytest.approx(expected)


def test_the_threshold_itself_passes() -> None:
    document = Document("0" * 32, text=CLEAN)
    score = Perplexity().score(CLEAN)
    assert Perplexity(threshold=score).judge(document).keeps
    dropped = Perplexity(threshold=score * 0.999).judge(document)
    assert (dropped.keeps, dropped.score, dropped.threshold) == (False, score, score * 0.999)


def test_words_of_two_lines_do_not_fuse_in_ours() -> None:
    text = CLEAN.strip()
    assert Perplexity().score(text) == Perplexity().score(" ".join(text.split()))
    published = Perplexity(edition="published")
    assert published.score(text) > published.score(" ".join(text.split()))


def test_noise_in_a_part_does_not_condemn_a_page() -> None:
    prose = CLEAN * 4
    words = len(prose.split())
    noise = "zq vx blmpf trndl qrk wbbl fnrd sprckt " * (words // 24)
    assert Perplexity().judge(Document("0" * 32, text=prose + noise)).keeps
    assert Perplexity().score(prose + noise) < Perplexity().threshold / 10
    # The original's way: one string.
    published = Perplexity(edition="published")
    assert published.score(prose + noise) > 10 * published.score(prose)
    # Where noise outweighs prose, it decides.
    assert not Perplexity().judge(Document("0" * 32, text=CLEAN + noise * 3)).keeps


@pytest.mark.parametrize("edition", ["ours", "published"])
def test_an_empty_text_is_dropped(edition: str) -> None:
    judge = Perplexity(edition=edition)  # type: ignore[arg-type]
    assert math.isinf(judge.score(" \n"))
    decision = judge.judge(Document("0" * 32, text=" \n"))
    assert (decision.keeps, decision.reason, decision.score) == (False, "no_words", None)


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "\x00", "设函数" * 1000, "$x$ " * 50_000, "<s> </s>"]
)
def test_any_text_has_a_score(text: str) -> None:
    assert Perplexity().score(text) > 0


def test_a_missing_or_changed_model_names_the_command() -> None:
    Perplexity().check()
    with pytest.raises(ModelNotFound, match=r"proofmill train perplexity"):
        Perplexity(model="/nowhere/model.binary").check()
    path = str(model_path("perplexity-small"))
    with pytest.raises(ModelMismatch, match="sha256"):
        Perplexity(model=ModelFile(path, "0" * 64)).check()
