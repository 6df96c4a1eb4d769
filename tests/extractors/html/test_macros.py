r"""Macros that pages define are expanded in their formulas."""

from __future__ import annotations

import pytest

from extractors.html import extract_html
from extractors.html.macros import Macro, expand_macros

FILLER = "<p>A paragraph of ordinary words stands here, so that the page has a main text.</p>"
MATHJAX = '<script src="MathJax.js"></script>'


@pytest.mark.parametrize(
    ("definition", "formula", "expected"),
    [
        (r"<script>MathJax={tex:{macros:{R:'\\mathbb{R}'}}};</script>", r"\(x\in\R\)", r"$x\in\mathbb{R}$"),
        (
            r'<script>MathJax.Hub.Config({TeX:{Macros:{bold:["{\\bf #1}",1]}}});</script>',
            r"\(\bold{v}\)",
            r"${\bf v}$",
        ),
        (
            r'<div style="display:none">\(\newcommand{\N}{\mathbb{N}}\)</div>' + MATHJAX,
            r"\(n\in\N\)",
            r"$n\in\mathbb{N}$",
        ),
        (MATHJAX + r"<p>$\def\half{\frac12}$</p>", r"\(\half x\)", r"$\frac12 x$"),
        (
            MATHJAX + r"<p>$\DeclareMathOperator{\Hom}{Hom}$</p>",
            r"\(\Hom(A,B)\)",
            r"$\operatorname{Hom}(A,B)$",
        ),
    ],
)  # fmt: skip
def test_page_macros(definition: str, formula: str, expected: str) -> None:
    page = f"<body>{FILLER}{definition}<p>so {formula} holds</p></body>"
    text = extract_html(page.encode()).text
    assert f"so {expected} holds" in text
    assert "newcommand" not in text
    assert "\\def" not in text


def test_a_macro_that_calls_itself_stays() -> None:
    assert expand_macros(r"\a", {"a": Macro(r"\a\a")}) == r"\a"


def test_a_missing_argument_leaves_the_macro() -> None:
    assert expand_macros(r"x\v", {"v": Macro("{#1}", 1)}) == r"x\v"


def test_optional_arguments_have_defaults() -> None:
    macros = {"p": Macro("(#1,#2)", 2, "0")}
    assert expand_macros(r"\p{b} \p[a]{b}", macros) == "(0,b) (a,b)"


def test_a_longer_command_is_another_command() -> None:
    assert expand_macros(r"\Rn \R", {"R": Macro("r")}) == r"\Rn r"


def test_expansion_is_bounded() -> None:
    macros = {
        letter: Macro(f"\\{after}" * 10) for letter, after in zip("abcdefg", "bcdefgh", strict=True)
    }
    assert expand_macros(r"\a", macros) == r"\a"


@pytest.mark.parametrize(
    ("tex", "expanded"),
    [
        (r"\dot\x + \x", r"\dot{\boldsymbol{x}} + \boldsymbol{x}"),
        (r"a^\x_\x", r"a^{\boldsymbol{x}}_{\boldsymbol{x}}"),
        (r"\frac\x\x", r"\frac{\boldsymbol{x}}{\boldsymbol{x}}"),
        (r"\frac{a}\x", r"\frac{a}{\boldsymbol{x}}"),
        (r"\bar\q", r"\bar\rho"),
        (r"\left\x", r"\left\boldsymbol{x}"),
    ],
)
def test_a_macro_that_is_an_argument_stays_one(tex: str, expanded: str) -> None:
    script = r"""<script>MathJax.Hub.Config({TeX: {Macros: {x: "\\boldsymbol{x}", q: "\\rho"}}})</script>"""
    text = extract_html(
        f"<html><head>{script}</head><body><p>let \\({tex}\\) be</p></body></html>".encode()
    ).text
    assert text == f"let ${expanded}$ be"
