"""MathScore: thresholds, and what the packaged model makes of real-sounding prose."""

from __future__ import annotations

import pytest

from filters.models import ModelFile, ModelMismatch, ModelNotFound, model_path
from filters.web.math_score import MathScore, classifier_line
from schemas import Document
from schemas.latex_commands import POPULAR_COMMAND, POPULAR_COMMANDS

# Written here, in the manner of each kind of page.
_MATHEMATICS = {
    "lecture notes": """
        We now turn to the question of when a continuous function on a metric space attains its
        maximum. Suppose that $K$ is compact and let $f$ be continuous on $K$. Since the image of a
        compact set is compact, it is closed and bounded, and so the supremum belongs to it. The
        converse of the theorem is false in general, as the following example shows.""",
    "question": """
        I am trying to show that every finite integral domain is a field, but I am stuck on the
        last step. My attempt: take a nonzero element $a$ and consider the map that multiplies by
        it. This map is injective because there are no zero divisors. How do I conclude that it is
        surjective? Any hint would be appreciated. Edit: thanks, it follows by counting.""",
    "encyclopaedia": """
        In linear algebra, an eigenvector of a linear transformation is a nonzero vector that is
        only scaled when the transformation is applied to it. The corresponding eigenvalue is the
        factor by which it is scaled. Eigenvalues are the roots of the characteristic polynomial,
        and a matrix is diagonalizable if and only if there is a basis of eigenvectors.""",
}
_ORDINARY = {
    "news": """
        The mayor said on Tuesday that the new bridge will open to traffic next spring, two years
        later than planned. Residents have complained about noise and dust since construction began.
        The city council is expected to vote on additional funding at its meeting next week.""",
    "shop": """
        Our best-selling waterproof jacket is back in stock in three new colours. Free delivery on
        orders over fifty pounds. Machine washable, two zipped pockets, adjustable hood. Customers
        who bought this item also bought our hiking socks. Add to basket.""",
    "recipe": """
        Melt the butter in a heavy pan, add the chopped onion and cook gently until soft. Stir in the
        rice, pour over the hot stock and simmer for twenty minutes. Season with salt and pepper and
        serve with grated cheese and a green salad.""",
}


def _document(text: str, formulas: int = 0) -> Document:
    return Document("0" * 32, text=text, formulas_kept={"delimited": formulas})


@pytest.mark.parametrize("kind", _MATHEMATICS)
def test_mathematics_is_kept(kind: str) -> None:
    assert MathScore().judge(_document(_MATHEMATICS[kind], 3)).keeps


@pytest.mark.parametrize("kind", _ORDINARY)
def test_ordinary_prose_is_dropped_even_with_a_formula(kind: str) -> None:
    score = MathScore().score(_ORDINARY[kind])
    assert score < 0.2
    decision = MathScore().judge(_document(_ORDINARY[kind]))
    assert (decision.keeps, decision.reason) == (False, "below_threshold")


def test_formulas_do_not_count() -> None:
    bare = _ORDINARY["news"].replace("Tuesday", "Tuesday $ $ ")
    formula = _ORDINARY["news"].replace("Tuesday", r"Tuesday $\sum_{i} \frac{x_i}{n}$ ")
    assert MathScore().score(formula) == pytest.approx(MathScore().score(bare), abs=0.02)


def test_only_words_are_read() -> None:
    text = "# Let #f(x) = 2x# be `code` {{ an_x }}: https://a.example\\alpha well-known."
    assert classifier_line(text, "ours") == "let be an well-known"
    assert classifier_line("Let $x$ be (y)!", "published") == "let  be (y)!"


def test_formulas_that_no_extractor_found_do_not_count() -> None:
    text = _MATHEMATICS["question"]
    loose = text.replace(".", " # f^-1 ( x ) = ( 2x + 1 ) / ( x-3 ) # . #")
    assert MathScore().score(loose) == pytest.approx(MathScore().score(text), abs=0.05)


def test_the_threshold_depends_on_formulas_in_the_text() -> None:
    text = _MATHEMATICS["question"]
    score = MathScore().score(text)
    judge = MathScore(threshold_with_math=score, threshold_without_math=score + 1e-6).judge
    kept = judge(_document(text, formulas=1))
    assert (kept.keeps, kept.score, kept.threshold) == (True, score, score)
    dropped = judge(_document(text, formulas=0))
    assert (dropped.keeps, dropped.threshold) == (False, score + 1e-6)


def test_of_formulas_with_hardly_a_word_it_cannot_tell() -> None:
    text = "Recipe of the day: $e^{i \\pi} + 1 = 0$"
    undecided = MathScore().judge(_document(text, formulas=1))
    assert (undecided.keeps, undecided.reason) == (True, "too_short_to_tell")
    assert not MathScore().judge(_document(text)).keeps
    assert not MathScore(edition="published").judge(_document(text, formulas=1)).keeps


@pytest.mark.parametrize("text", ["", "\n", "$x$", "设函数", "\x00\x1f", "a" * 100_000])
def test_any_text_has_a_score(text: str) -> None:
    for edition in ("ours", "published"):
        assert 0.0 <= MathScore(edition=edition).score(text) <= 1.0


def test_published_edition_fuses_words() -> None:
    text = "every\nfinite\nintegral\ndomain\nis\na\nfield"
    published = MathScore(edition="published").score(text)
    assert published == pytest.approx(MathScore(edition="published").score(text.replace("\n", "")))
    assert published != pytest.approx(MathScore().score(text), abs=1e-6)


def test_a_missing_or_changed_model_names_the_command() -> None:
    MathScore().check()
    with pytest.raises(ModelNotFound, match=r"proofmill train math-score"):
        MathScore(model="/nowhere/math.ftz").check()
    path = str(model_path("math-score-small"))
    with pytest.raises(ModelMismatch, match="sha256"):
        MathScore(model=ModelFile(path, "0" * 64)).check()
    assert MathScore(model=path).model_digest() == MathScore().model_digest()


def test_popular_commands_are_whole() -> None:
    assert len(set(POPULAR_COMMANDS)) == 84
    assert POPULAR_COMMAND.search(r"x \in A")
    assert POPULAR_COMMAND.search(r"\frac12")
    assert POPULAR_COMMAND.search(r"C:\Users\intel\bin") is None
    assert POPULAR_COMMAND.search(r"first\\end") is None
    assert POPULAR_COMMAND.search(r"\totally \beware") is None
