"""The prefilter on bytes: mathematics in any markup passes, paths and prices don't."""

from __future__ import annotations

import pytest

from filters.web.math_prefilter import MathPrefilter
from schemas import Decision, Document


def judge(raw: bytes) -> Decision:
    return MathPrefilter().judge(Document("0", raw=raw))


@pytest.mark.parametrize(
    "raw",
    [
        b'<script src="https://cdn.example/MathJax.js">',
        b'<link href="KaTeX.min.css">',
        b"<math><mi>x</mi></math>",
        b"<mml:math><mml:mi>x</mml:mi></mml:math>",
        b'<img src="/latex.php?latex=x^2">',
        b'<img src="https://latex.codecogs.com/gif.latex?x">',
        b"by [tex]x^2[/tex] we mean",
        b"<p>so $\\frac{1}{2}$ is</p>",
        b"\\begin{equation} x \\end{equation}",
        b"for \\alpha",
        b"<p>&forall; &epsilon; &isin; A</p>",
        "<p>∀ε ∃δ, x ∈ A</p>".encode(),
        "<p>so $\\frac{1}{2}$ is</p>".encode("utf-16"),
        "<p>so $\\frac{1}{2}$ is</p>".encode("utf-16-be"),
    ],
)
def test_mathematics_passes(raw: bytes) -> None:
    decision = judge(raw)
    assert decision.keeps
    assert decision.detail, "the decision names the evidence"
    assert decision.score is not None and decision.score >= 3


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<p>Apples $5, pears $6.</p>",
        b"C:\\Users\\intel\\bin\\topology\\inventory",
        b"var re = /\\bword\\b|\\d+\\.\\w/; s = 'a\\nb\\tc';",
        b"echo $HOME && cd $PATH",
        b"<p>3 &le; 5, sum of 2 &times; 4</p>",
        "<p>Athens is Αθήνα, λίγο πολύ</p>".encode(),
    ],
)
def test_what_only_looks_like_it_does_not(raw: bytes) -> None:
    assert not judge(raw).keeps


def test_weak_signs_must_come_together() -> None:
    assert judge(b"\\in").reason == "little_math"
    assert judge(b"\\in \\to").reason == "little_math"
    assert judge(b"\\in \\to \\pi").keeps
    assert MathPrefilter(threshold=1.0).judge(Document("0", raw=b"\\in")).keeps
