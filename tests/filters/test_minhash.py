"""MinHash: signatures that are the same everywhere, and that keep formulas apart."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from filters.minhash import (
    MinHash,
    Normalisation,
    Shingler,
    band_hashes,
    candidate_probability,
    estimated_jaccard,
    exact_jaccard,
    optimal_bands,
)

MASK = 2**64 - 1
MULTIPLIER = 2862933555777941757
SIGNS = "+-/=<>^_|!'%()[]{}"

SHEET = """# Exercises on quadratic equations

Solve each of the following equations over the real numbers, and check your answer by substitution.

1. Solve $x^2 - 5x + 6 = 0$.
2. Solve $2x^2 + 7x - 4 = 0$.
3. Find all $k$ for which $x^2 + kx + 9 = 0$ has one root.
4. Solve $\\frac{3}{x} + \\frac{4}{x+1} = 2$.
5. Factor $x^3 - 8$ and find its real roots.
6. Compute $\\int_0^4 (3x^2 - 2x)\\,dx$.
"""
OTHER_SHEET = """# Exercises on quadratic equations

Solve each of the following equations over the real numbers, and check your answer by substitution.

1. Solve $x^2 + 7x - 8 = 0$.
2. Solve $3x^2 - 2x + 5 = 0$.
3. Find all $k$ for which $x^2 - kx + 4 = 0$ has one root.
4. Solve $\\frac{5}{x} - \\frac{2}{x-3} = 7$.
5. Factor $x^3 + 27$ and find its real roots.
6. Compute $\\int_1^9 (5x^2 + 4x)\\,dx$.
"""

GOLDEN = [
    [17512781, 23692723, 77786479, 37973768, 27658927, 11763709, 14256480, 25214190],
    [5755673, 1416957716, 283382080, 252184369, 1052071776, 224481807, 393526633, 1060891137],
]


def mix(value: int) -> int:
    value ^= value >> 30
    value = value * 0xBF58476D1CE4E5B9 & MASK
    value ^= value >> 27
    value = value * 0x94D049BB133111EB & MASK
    return value ^ value >> 31


def reference_shingles(text: str, ngram: int) -> set[int]:
    """The shingles of an ASCII text as the documentation tells them, in plain integers."""
    tokens: list[str] = []
    word = ""
    plain = re.sub(r"\\[()\[\]]", " ", text.lower())
    for sign in plain + " ":
        if sign.isalnum():
            word += sign
            continue
        if word:
            tokens.append(word)
            word = ""
        if sign in SIGNS:
            tokens.append(sign)
    hashes = []
    for token in tokens:
        total = sum((byte + 1) * MULTIPLIER**place for place, byte in enumerate(token.encode()))
        hashes.append(mix(total + len(token) & MASK))
    runs = [hashes[i : i + ngram] for i in range(max(len(hashes) - ngram + 1, min(len(hashes), 1)))]
    found = set()
    for run in runs:
        combined = 0
        for value in run:
            combined = (combined * MULTIPLIER + value) & MASK
        found.add(mix(combined) >> 32)
    return found


def jaccard(first: str, second: str, normalisation: Normalisation) -> float:
    shingles = Shingler(normalisation=normalisation).shingles([first, second])
    return exact_jaccard(shingles.of(0), shingles.of(1))


@given(st.lists(st.text(st.characters(max_codepoint=127)), min_size=1), st.integers(1, 6))
@example(["a \\( b \\) c", "\\)", ""], 1)
def test_shingles_are_those_of_the_plain_definition(texts: list[str], ngram: int) -> None:
    shingles = Shingler(ngram).shingles(texts)
    for number, text in enumerate(texts):
        assert set(shingles.of(number).tolist()) == reference_shingles(text, ngram)


def test_a_text_of_many_megabytes_has_the_shingles_of_its_parts() -> None:
    generator = random.Random(2)
    words = [f"word{generator.randrange(10**7)}" for _ in range(400_000)]
    whole = Shingler(1).shingles([" ".join(words)]).of(0)
    parts = [" ".join(words[start : start + 1000]) for start in range(0, len(words), 1000)]
    assert np.array_equal(whole, np.unique(Shingler(1).shingles(parts).values))


def test_of_a_token_without_end_only_the_beginning_counts() -> None:
    blob = "a" * 5_000_000
    shingles = Shingler(1).shingles([f"x {blob} y", f"x {blob}b y", "x y"])
    assert np.array_equal(shingles.of(0), shingles.of(1))
    assert [len(shingles.of(number)) for number in range(3)] == [3, 3, 2]


def test_signature_never_changes() -> None:
    """Stored signatures are compared with new ones: these are of the first version."""
    minhash = MinHash(8)
    made = minhash.signatures(minhash.shingler.shingles([SHEET, "Sei $f$ stetig – 集合 ∫ x²."]))
    assert made.tolist() == GOLDEN


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(), max_size=12), st.sampled_from(["word", "character"]), st.integers(1, 8))
def test_a_signature_depends_on_its_text_alone(texts: list[str], unit: str, ngram: int) -> None:
    minhash = MinHash(16, Shingler(ngram, unit))  # type: ignore[arg-type]
    together = minhash.signatures(minhash.shingler.shingles(texts))
    for text, signature in zip(texts, together, strict=True):
        alone = minhash.signatures(minhash.shingler.shingles([text]))
        assert alone[0].tolist() == signature.tolist()


def test_lone_surrogates_and_nul_are_text_like_any_other() -> None:
    shingles = Shingler().shingles(["a \ud800 b \x00 c d e", "", " \n\t"])
    assert [len(shingles.of(number)) for number in range(3)] == [2, 0, 0]


def test_many_long_texts_are_signed_like_single_ones() -> None:
    generator = random.Random(1)
    words = [f"w{number}" for number in range(5000)]
    texts = [" ".join(generator.choices(words, k=k)) for k in (1, 40_000, 0, 7, 70_000, 4)]
    minhash = MinHash(32)
    made = minhash.signatures(minhash.shingler.shingles(texts))
    for text, signature in zip(texts, made, strict=True):
        shingles = minhash.shingler.shingles([text])
        assert (minhash.signatures(shingles)[0] == signature).all()


def test_exercise_sheets_with_other_coefficients_and_signs_are_no_duplicates() -> None:
    assert jaccard(SHEET, OTHER_SHEET, "maths") < 0.5
    # What a normalisation made for prose thinks of them.
    assert jaccard(SHEET, OTHER_SHEET, "prose") > 0.8


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("we get $x + 1 = 2$ for all x", "we get $x - 1 = 2$ for all x"),
        ("we get $x \u2212 1 = 2$ for all x", "we get $x + 1 = 2$ for all x"),
        ("so that $e^{x+1}$ grows", "so that $e^{x}+1$ grows"),
        ("the set $(x+1)^2$ of it", "the set $x+1^2$ of it"),
        ("let $f'(x)$ be small", "let $f(x)$ be small"),
        ("then $a \\le b$ holds", "then $a \\ge b$ holds"),
        ("so $x_1$ is it", "so $x^1$ is it"),
        ("so $\u222b f$ is it", "so $\u2211 f$ is it"),
        ("so x² is it, for all of them", "so x₂ is it, for all of them"),
        ("so $x = 3.5$ is it", "so $x = 35$ is it"),
    ],
)
def test_formulas_that_differ_in_a_sign_differ(first: str, second: str) -> None:
    assert jaccard(first, second, "maths") < 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Let x be small. Then it's so", "let X be small; then it\u2019s so"),
        ("a formula $x+1$ in it", "a formula \\(x + 1\\) in it"),
        ("a \u2013 b and c - d here", "a - b and c \u2014 d here"),
        ("the \ufb01nal e\u0301tale cover", "the final \u00e9tale cover"),
        ("two  words\nor  more of them", "two words or more of them"),
    ],
)
def test_typography_does_not_count(first: str, second: str) -> None:
    assert jaccard(first, second, "maths") == 1


def test_words_of_unspaced_scripts_are_characters() -> None:
    text = "设函数在区间上连续则其积分存在并且极限等于该值"
    changed = text.replace("极限", "导数")
    assert 0.5 < jaccard(text, changed, "maths") < 1


def test_estimates_are_as_good_as_theory_says() -> None:
    generator = np.random.default_rng(3)
    minhash = MinHash(256)
    errors = []
    for _ in range(150):
        words = [f"w{n}" for n in generator.integers(0, 10**9, 900)]
        first, second = words[:600], [*words[:450], *words[600:750]]
        shingles = minhash.shingler.shingles([" ".join(first), " ".join(second)])
        made = minhash.signatures(shingles)
        exact = exact_jaccard(shingles.of(0), shingles.of(1))
        errors.append(float(estimated_jaccard(made[0], made[1])) - exact)
    deviation = (0.6 * 0.4 / 256) ** 0.5
    assert abs(np.mean(errors)) < 3 * deviation / 150**0.5
    assert 0.8 < np.std(errors) / deviation < 1.2


def test_bands_agree_where_their_rows_do() -> None:
    signatures = np.arange(24, dtype=np.uint32).reshape(2, 12)
    signatures[1, 4:8] = signatures[0, 4:8]
    hashes = band_hashes(signatures, 3, 4)
    assert (hashes[:, 0] == hashes[:, 1]).tolist() == [False, True, False]
    # Equal rows in two bands are no match.
    assert len(np.unique(band_hashes(np.zeros((1, 12), np.uint32), 3, 4))) == 3


def test_optimal_bands_and_their_curve() -> None:
    bands, rows = optimal_bands(0.8, 128)
    assert (bands, rows) == (9, 13)
    assert candidate_probability(0.8, 14, 8) == pytest.approx(0.9236, abs=1e-3)
    assert candidate_probability(0.0, 14, 8) == 0
    assert candidate_probability(1.0, 14, 8) == 1
