"""MathML, AsciiMath and drawn glyphs to LaTeX."""

from __future__ import annotations

import re

import pytest

from extractors.html.asciimath import asciimath_to_tex, reads_as_asciimath
from extractors.html.katex_glyphs import rebuild_mathml as rebuild_katex
from extractors.html.mathjax_glyphs import rebuild_mathml as rebuild_mathjax
from extractors.html.mathml import mathml_to_tex
from extractors.html.tree import Element, parse_html


def first(markup: str, tag: str) -> Element:
    return next(element for element in parse_html(markup).walk() if element.tag == tag)


def convert(inside: str) -> str:
    return mathml_to_tex(first(f"<math>{inside}</math>", "math"))


def row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"


X, Y, TWO = "<mi>x</mi>", "<mi>y</mi>", "<mn>2</mn>"


@pytest.mark.parametrize(
    ("mathml", "tex"),
    [
        (f"<msup>{X}{TWO}</msup>", "x^2"),
        (f"<msub>{X}<mrow><mi>i</mi><mi>j</mi></mrow></msub>", "x_{ij}"),
        (f"<msubsup>{X}<mn>1</mn>{TWO}</msubsup>", "x_1^2"),
        (f"<mfrac>{X}{Y}</mfrac>", r"\frac{x}{y}"),
        (f"<msqrt>{X}<mo>+</mo>{Y}</msqrt>", r"\sqrt{x+y}"),
        (f"<mroot>{X}<mn>3</mn></mroot>", r"\sqrt[3]{x}"),
        ("<mi>α</mi><mi>x</mi>", r"\alpha x"),
        ("<mi>sin</mi><mo>&ApplyFunction;</mo><mi>x</mi>", r"\sin x"),
        ("<mi>Var</mi><mo>&#x2061;</mo><mi>X</mi>", r"\operatorname{Var}X"),
        ('<mi mathvariant="double-struck">R</mi>', r"\mathbb{R}"),
        ("<mi>ℝ</mi><mi>𝔤</mi><mi>𝐱</mi><mi>𝑥</mi>", r"\mathbb{R}\mathfrak{g}\mathbf{x}x"),
        ('<mi mathvariant="bold">a</mi><mi mathvariant="bold">b</mi>', r"\mathbf{ab}"),
        (f"<msup>{X}<mo>′</mo></msup>", "x'"),
        ("<munderover><mo>∑</mo><mi>i</mi><mi>n</mi></munderover>", r"\sum_i^n"),
        ("<munder><mi>lim</mi><mrow><mi>x</mi><mo>→</mo><mn>0</mn></mrow></munder>", r"\lim_{x\to 0}"),
        ("<munder><mi>argmin</mi><mi>x</mi></munder>", r"\operatorname*{argmin}_x"),
        (f"<mover>{X}<mo>^</mo></mover>", r"\hat{x}"),
        (f"<mover>{row(X, Y)}<mo>¯</mo></mover>", r"\overline{xy}"),
        (f"<mover>{X}<mo>→</mo></mover>", r"\vec{x}"),
        (f"<munder>{row(X, Y)}<mo>⏟</mo></munder>", r"\underbrace{xy}"),
        (f"<mover><mo>→</mo>{row(X, Y)}</mover>", r"\xrightarrow{xy}"),
        (f"<mfenced>{X}{Y}</mfenced>", "(x,y)"),
        (row("<mo>(</mo>", f"<mfrac>{X}{Y}</mfrac>", "<mo>)</mo>"), r"\left(\frac{x}{y}\right)"),
        (row("<mo>(</mo>", X, "<mo>)</mo>"), "(x)"),
        (
            row("<mo>(</mo>", f'<mfrac linethickness="0">{X}{Y}</mfrac>', "<mo>)</mo>"),
            r"\binom{x}{y}",
        ),
        ("<mtext>if </mtext><mi>x</mi>", r"\text{if }x"),
        ('<mi>a</mi><mspace width="1em"/><mi>b</mi>', r"a\quad b"),
        ("<mn>50</mn><mo>%</mo>", r"50\%"),
        (f"<mmultiscripts>{X}{TWO}<none/><mprescripts/><mn>1</mn><none/></mmultiscripts>", "{}_1x_2"),
        (f"<semantics>{X}<annotation>no</annotation></semantics>", "x"),
        ("<mo>&le;</mo><mo>&infin;</mo><mo>&nbsp;</mo><mi>x</mi>", r"\leq\infty~x"),
        ('<menclose notation="box"><mi>x</mi></menclose>', r"\boxed{x}"),
    ],
)  # fmt: skip
def test_presentation_mathml(mathml: str, tex: str) -> None:
    assert convert(mathml) == tex


def table(*rows: str) -> str:
    cells = "".join(
        "<mtr>" + "".join(f"<mtd><mi>{cell}</mi></mtd>" for cell in row) + "</mtr>" for row in rows
    )
    return f"<mtable>{cells}</mtable>"


@pytest.mark.parametrize(
    ("mathml", "tex"),
    [
        (row("<mo>(</mo>", table("ab", "cd"), "<mo>)</mo>"), r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}"),
        (row("<mo>[</mo>", table("ab", "cd"), "<mo>]</mo>"), r"\begin{bmatrix} a & b \\ c & d \end{bmatrix}"),
        ("<mo>{</mo>" + table("ab", "cd"), r"\begin{cases} a & b \\ c & d \end{cases}"),
        (table("ab", "cd"), r"\begin{matrix} a & b \\ c & d \end{matrix}"),
        (
            table("ab", "cd").replace("<mtable>", '<mtable columnalign="right left">'),
            r"\begin{aligned} a & b \\ c & d \end{aligned}",
        ),
        (
            "<mtable><mlabeledtr><mtd><mtext>(1)</mtext></mtd><mtd><mi>x</mi></mtd></mlabeledtr></mtable>",
            r"x \tag{1}",
        ),
    ],
)  # fmt: skip
def test_tables(mathml: str, tex: str) -> None:
    assert convert(mathml) == tex


def test_prefixed_elements_read_like_the_bare_ones() -> None:
    math = first(
        "<mml:math><mml:msup><mml:mi>x</mml:mi><mml:mn>2</mml:mn></mml:msup></mml:math>", "mml:math"
    )
    assert mathml_to_tex(math) == "x^2"


@pytest.mark.parametrize(
    ("source", "tex"),
    [
        ("sum_(i=1)^n i^3=((n(n+1))/2)^2", r"\sum_{i=1}^n i^3=\left(\frac{n(n+1)}{2}\right)^2"),
        ("x=(-b +- sqrt(b^2-4ac))/(2a)", r"x=\frac{-b\pm\sqrt{b^2-4ac}}{2a}"),
        ("[[a,b],[c,d]]", r"\begin{bmatrix} a & b \\ c & d \end{bmatrix}"),
        ("{(x,if x>0),(-x,text(otherwise)):}", r"\begin{cases} x & \text{ if }x>0 \\ -x & \text{otherwise} \end{cases}"),
        ("sin x / cos x", r"\frac{\sin x}{\cos x}"),
        ("lim_(x->oo) 1/x", r"\lim_{x\to\infty}\frac{1}{x}"),
        ("AA x in RR", r"\forall x\in\mathbb{R}"),
        ("root(3)(x)", r"\sqrt[3]{x}"),
        ("|x| a//b", r"\left|x\right|a/b"),
        (r"\frac{a}{b}", r"\frac{a}{b}"),
        ("x^-1", "x^{-1}"),
    ],
)  # fmt: skip
def test_asciimath(source: str, tex: str) -> None:
    assert asciimath_to_tex(source) == tex


@pytest.mark.parametrize(
    "source", ["(" * 3000, "sqrt " * 3000, "|x " * 3000, "sin " * 3000, "a/" * 3000]
)
def test_asciimath_of_any_depth(source: str) -> None:
    assert asciimath_to_tex(source)


def test_what_reads_as_asciimath() -> None:
    assert reads_as_asciimath("sinx + alphabeta")
    assert not reads_as_asciimath("npm install foo")
    assert not reads_as_asciimath("the key is next to the other")


def test_mathjax_boxes_without_assistive_mathml() -> None:
    def token(kind: str, code: str) -> str:
        return f'<mjx-{kind}><mjx-c class="mjx-c{code}"></mjx-c></mjx-{kind}>'

    fraction = (
        f"<mjx-mfrac><mjx-frac><mjx-num><mjx-nstrut></mjx-nstrut>{token('mi', '1D44E')}</mjx-num>"
        "<mjx-dbox><mjx-dtable><mjx-line></mjx-line><mjx-row><mjx-den>"
        f"{token('mi', '1D44F')}</mjx-den></mjx-row></mjx-dtable></mjx-dbox></mjx-frac></mjx-mfrac>"
    )
    power = (
        f"<mjx-msup>{token('mi', '1D465')}<mjx-script>{token('mn', '32')}</mjx-script></mjx-msup>"
    )
    markup = (
        f"<mjx-container><mjx-math>{power}{token('mo', '2B')}{fraction}</mjx-math></mjx-container>"
    )
    math = rebuild_mathjax(first(markup, "mjx-container"))
    assert math is not None
    assert mathml_to_tex(math) == r"x^2+\frac{a}{b}"


def test_katex_boxes_without_mathml() -> None:
    def stack(classes: str, *entries: str) -> str:
        listed = "".join(
            f'<span style="top:-3em"><span class="pstrut"></span>{e}</span>' for e in entries
        )
        return f'<span class="{classes}"><span class="vlist-t vlist-t2"><span class="vlist-r"><span class="vlist">{listed}</span></span></span></span>'

    x, one, two = (f'<span class="mord">{symbol}</span>' for symbol in ("x", "1", "2"))
    scripts = f'<span class="mord">{x}{stack("msupsub", one, two)}</span>'
    line = '<span class="frac-line"></span>'
    fraction = f'<span class="mord">{stack("mfrac", two, line, x)}</span>'
    html = f'<span class="katex-html"><span class="base">{scripts}<span class="mbin">+</span>{fraction}</span></span>'
    katex = next(e for e in parse_html(html).walk() if e.get("class") == "katex-html")
    math = rebuild_katex(katex)
    assert math is not None
    assert re.sub(r"[{}]", "", mathml_to_tex(math)) == r"x_1^2+\fracx2"
