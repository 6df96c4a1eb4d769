r"""Kinds of formulas that pages' own libraries showed and the extractor once missed or got wrong."""

from __future__ import annotations

import pytest

from extractors.html import extract_html
from tests.extractors.html.test_encodings import formulas, page

_KATEX = '<script src="https://cdn.example/katex.min.js"></script>'


@pytest.mark.parametrize(
    ("address", "tex"),
    [
        ("https://latex.codecogs.com/gif.latex?a+b", "a+b"),
        ("https://latex.codecogs.com/gif.latex?a%2Bb+c", "a+b c"),
        ("https://latex.codecogs.com/gif.latex?a%20+%20b", "a + b"),
        ("/cgi-bin/mimetex.cgi?\\alpha(z)+k", r"\alpha(z)+k"),
        ("https://latex.codecogs.com/gif.latex?a&space;=&space;b", "a = b"),
    ],
)
def test_a_plus_in_an_address_is_a_plus(address: str, tex: str) -> None:
    assert formulas(f'<p>so <img src="{address}"> is</p>') == [f"${tex}$"]


def test_links_that_lead_nowhere_are_no_navigation() -> None:
    # The labels of such tables open explanations; each is an <a> without an address.
    rows = "".join(
        f'<tr><td><a title="what that is" data-note="n{i}">Name of invariant {i}</a>:</td>'
        f"<td>\\({i}\\)</td></tr>"
        for i in range(1, 7)
    )
    prose = "<p>" + "The form has a few invariants, which are listed here. " * 8 + "</p>"
    text = extract_html(page(f"<h2>Invariants</h2><table>{rows}</table>{prose}")).text
    assert "# Invariants" in text
    assert "| Name of invariant 6: | $6$ |" in text


def test_zhihu_formula_alone_in_its_paragraph_is_displayed() -> None:
    span = '<span class="ztext-math" data-eeimg="1" data-tex="x+1=0">x</span>'
    assert formulas(f"<p>{span}</p>") == ["$$x+1=0$$"]
    assert formulas(f"<p>so {span} holds</p>") == ["$x+1=0$"]


def test_a_heading_that_is_a_formula_of_several_lines_is_no_heading() -> None:
    tex = r"\begin{gathered} a=1 \\ b=2 \end{gathered}"
    span = f'<span class="ztext-math" data-eeimg="1" data-tex="{tex}">x</span>'
    text = extract_html(page(f"<h2>{span}</h2><h2>A {span}</h2><p>Here it is used.</p>")).text
    assert "\n$$" + tex + "$$" in text
    assert f"## A ${tex}$" in text


def test_mathquill_source() -> None:
    span = '<span class="mathquill-embedded-latex">f(x)=3</span>'
    assert formulas(f"<p>let {span} be</p>") == ["$f(x)=3$"]


def test_double_dollars_amid_a_sentence_where_an_editor_calls_katex() -> None:
    body = f"{_KATEX}<p>Substitute $$x$$ with $$t-1$$, so that</p><p>$$t^2=2$$</p>"
    assert formulas(body) == ["$x$", "$t-1$", "$$t^2=2$$"]


def test_double_dollars_amid_a_sentence_where_mathjax_displays_them() -> None:
    body = '<script src="https://cdn.example/MathJax.js"></script><p>Then $$x^2$$ follows</p>'
    assert formulas(body) == ["$$x^2$$"]


def test_a_page_may_declare_double_dollars_inline() -> None:
    script = (
        "<script>renderMathInElement(document.body, {delimiters: ["
        "{left: '$$', right: '$$', display: false}]})</script>"
    )
    assert formulas(f"{_KATEX}{script}<p>$$x^2$$</p>") == ["$x^2$"]


def test_a_tag_that_is_a_sign_is_text_in_tex() -> None:
    math = (
        '<math display="block"><mtable><mlabeledtr><mtd><mtext>(</mtext><mo>⋆</mo><mtext>)</mtext>'
        "</mtd><mtd><mi>a</mi><mo>=</mo><mi>b</mi></mtd></mlabeledtr></mtable></math>"
    )
    assert formulas(f"<p>{math}</p>") == [r"$$a=b \tag{\(\star\)}$$"]
