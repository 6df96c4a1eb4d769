r"""MathML and AsciiMath as the published corpus spells them.

Expected values are what the style sheet and the package that OpenWebMath ran answer.
"""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from extractors.html.published import extract_published
from extractors.html.published.asciimath import NotAsciiMath, asciimath_as_published
from extractors.html.published.mathml import NAMESPACE, mathml_as_published


def tex(content: str, attributes: str = f'xmlns="{NAMESPACE}"') -> str:
    return mathml_as_published(etree.fromstring(f"<math {attributes}>{content}</math>"))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<mi> x </mi><mo> = </mo><mn>1</mn>", "x=1"),
        ("<mi>sin</mi><mi>x</mi>", r"\mathrm{sin}x"),
        ("<mi>α</mi><mo>→</mo><mi>∞</mi><mo>⇒</mo><mo>±</mo>", r"\alpha \to \infty ⇒±"),
        ('<mi mathvariant="bold-italic">v</mi>', r"\mathbit{v}"),
        ('<mi mathvariant="unknown">v</mi>', "{v}"),
        ("<mtext> if  α </mtext>", r"\text{if α}"),
        ("<ms>a</ms>", '"a"'),
        ('<mspace width="1em"/>', r"\phantom{\rule{1em}{0ex}}"),
        ("<mo>(</mo><mi>x</mi><mo>]</mo>", r"\left(x\right]"),
        ("<msup><mo>)</mo><mn>2</mn></msup>", r"{\right)}^{2}"),
        ("<msubsup><mo>∫</mo><mn>0</mn><mn>1</mn></msubsup>", r"{\int }_{0}^{1}"),
        ("<munderover><mo>∑</mo><mi>i</mi><mi>n</mi></munderover>", r"\sum _{i}^{n}"),
        ("<munder><mo>∑\n</mo><mi>i</mi></munder>", r"\underset{i}{\sum }"),
        ("<munderover><mo>∫</mo><mi>i</mi><mi>n</mi></munderover>", r"\underset{i}{\overset{n}{\int }}"),
        ("<mover><mi>x</mi><mo>^</mo></mover>", r"\stackrel{^}{x}"),
        ("<mover><mi>x</mi><mo>¯</mo></mover>", r"\overline{x}"),
        ("<mfrac><mi>a</mi><mi>b</mi></mfrac>", r"\frac{a}{b}"),
        ('<mfrac linethickness="0"><mi>a</mi><mi>b</mi></mfrac>', r"\genfrac{}{}{0}{}{a}{b}"),
        ('<mfrac bevelled="true"><mi>a</mi><mi>b</mi></mfrac>', "a}{b}"),
        ("<mroot><mi>a</mi><mn>3</mn></mroot>", r"\sqrt[3]{a}"),
        ("<mroot><mi>a</mi></mroot>", r"\text{exception 25:}"),
        ('<mfenced open="{" close=""><mi>a</mi></mfenced>', r"\left\{a\right" + "\\"),
        ('<mfenced separators=";,"><mi>a</mi><mi>b</mi><mi>c</mi><mi>d</mi></mfenced>', r"\left(a;b,c,d\right)"),
        ("<mtable><mtr><mtd><mi>a</mi></mtd><mtd><mi>b</mi></mtd></mtr><mtr><mtd/></mtr></mtable>",
         r"\begin{array}{cc}a& b\\ \end{array}"),
        ('<mtable columnalign="right left"><mtr><mtd/><mtd columnalign="left"><mi>a</mi></mtd><mtd/></mtr></mtable>',
         r"\begin{array}{rll}& a\hfill & \end{array}"),
        ("<mmultiscripts><mi>a</mi><mi>b</mi><none/><mprescripts/><mi>d</mi><mi>e</mi></mmultiscripts>",
         "{}_{d}{}^{e}a_{b}"),
        ('<menclose notation="box"><mi>a</mi></menclose>', r"\overline{)a}"),
        ('<semantics><mi>x</mi><annotation encoding="TeX">y</annotation></semantics>', "y"),
        ("<semantics><mi>x</mi><annotation>y</annotation></semantics>", "x"),
        ("<apply><ci>a</ci><ci>b</ci></apply>", "ab"),
    ],
)  # fmt: skip
def test_mathml(content: str, expected: str) -> None:
    assert tex(content) == expected


def test_mathml_without_its_namespace_is_text_defect_5() -> None:
    assert tex("<mfrac><mi>α</mi><mi>b</mi></mfrac>", 'display="block"') == "αb"


def test_an_attribute_cannot_ask_for_endless_columns() -> None:
    span = tex('<mtable><mtr><mtd columnspan="999999999999"/></mtr></mtable>')
    assert len(span) < 2000


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x^2+y_1", "{x}^{2} + {y}_{1}"),
        ("x^-1", "{x}^{-} 1"),
        ("a^2/b", "{a}^{2} / b"),
        ("a/b/c", r"\frac{a}{b} / c"),
        ("a_b^c_d", "{a}_{b}^{c} _ d"),
        ("(dy)/(dx)", r"\frac{\mathrm{dy}}{\mathrm{dx}}"),
        ("log_2(x)", r"{\log}_{2} \left(x\right)"),
        ("lim_(x->oo) f(x)", r"{\lim}_{x \to \infty} f \left(x\right)"),
        ("[0,1)", r"\left[0 , 1\right)"),
        ("x or y", r"x \mathmr{and} y"),
        ("color(blue)(2x)", r"\textcolor{b l u e}{2 x}"),
        ('"H"_2"O"', r'\text{H"_2"O}'),
        ("[[a,b],[c,d]]", r"\left[\begin{matrix}a  &  b  \\  c  &  d\end{matrix}\right]"),
        ("{(1,if x),(0,not x):}",
         r"\left\{\begin{matrix}1  &  \mathmr{if} x  \\  0  &  \neg x\end{matrix}\right."),
        ("((a,b),(c))", r"\left(\left(a , b\right) , \left(c\right)\right)"),
        ("|x|/2", r"| x \frac{|}{2}"),
        ("abs(x)/2", r"\frac{\left\mid x \right\mid}{2}"),
        ("x >= .5", r"x \ge .5"),
        (">>", "> >"),
        ("x /_ y", r"x \angle y"),
    ],
)  # fmt: skip
def test_asciimath(source: str, expected: str) -> None:
    assert asciimath_as_published(source) == expected


@pytest.mark.parametrize("source", ["", "n!", "5%", "(a", "a)", "a_", "é", "$x$", "a;b", '""', "("])
def test_asciimath_that_could_not_be_read(source: str) -> None:
    with pytest.raises(NotAsciiMath):
        asciimath_as_published(source)


@given(st.text(alphabet="x2+-/^_()[]{},:|\"' sqrtdinfaco<>", max_size=60))
def test_asciimath_is_read_or_refused(source: str) -> None:
    try:
        written = asciimath_as_published(source)
    except NotAsciiMath:
        return
    assert written


@pytest.mark.parametrize("source", ["(" * 5000, '"a' * 20_000, "a/" * 20_000, "sqrt " * 3000])
def test_hostile_asciimath_is_refused_or_read_at_once(source: str) -> None:
    with contextlib.suppress(NotAsciiMath):
        asciimath_as_published(source)


FILLER = "<p>A sentence that is long enough to be the main content of this page, and then some.</p>"


def test_mathjax_elements_become_formulas_between_dollar_signs() -> None:
    page = (
        f"<html><body><main>{FILLER}<p>So <mathjax>#x^2+1#</mathjax> is it, "
        "<mathjax>and #n! b#</mathjax> not, "
        '<script type="math/asciimath">x_1</script><script type="math/asciimath">n!</script> here.'
        f"</p>{FILLER}</main></body></html>"
    )
    extraction = extract_published(page.encode())
    assert "So ${x}^{2} + 1$ is it, and #n! b# not, ${x}_{1}$ here." in extraction.text
    assert extraction.info["mathjax_tag"] == 2 and extraction.info["mathjax_inline_tex"] == 1
    assert extraction.info["script_math_asciimath"] == 1
    assert extraction.formulas_kept["script_math_asciimath"] == 1
    assert extraction.formulas_found["script_math_asciimath"] == 2
