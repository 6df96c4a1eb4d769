r"""One small page for each way to hold a formula: what is read out of it, and in which mode."""

from __future__ import annotations

import re

import pytest

from extractors.html import extract_html
from extractors.html.encodings import ENCODINGS

_DELIMITED = re.compile(r"(?<!\\)(\$\$?)(.+?)(?<!\\)\1", re.DOTALL)
_MATHJAX = '<script src="https://cdn.example/MathJax.js"></script>'
_MEDIA = "https://wikimedia.org/api/rest_v1/media/math/render/svg/1"


def page(body: str) -> bytes:
    filler = "<p>A paragraph of ordinary words stands here, so that the page has a main text.</p>"
    return f"<html><head><title>T</title></head><body>{filler}{body}</body></html>".encode()


def formulas(body: str) -> list[str]:
    """The formulas in the text of a page, with their delimiters."""
    return [match.group() for match in _DELIMITED.finditer(extract_html(page(body)).text)]


MARKED = {
    "mathjax_script": [
        ('<p>so <script type="math/tex">x^2</script> is</p>', "$x^2$"),
        (
            '<span class="MathJax_Preview">x2</span><div class="MathJax_Display"><span'
            ' class="MathJax">x2</span></div><script type="math/tex; mode=display">x^2</script>',
            "$$x^2$$",
        ),
        ('<p><script type="math/tex">% <![CDATA[\na < b %]]></script></p>', "$a < b$"),
    ],
    "mathml_script": [
        (
            '<p><script type="math/mml"><math><msup><mi>x</mi><mn>2</mn></msup></math></script></p>',
            "$x^2$",
        )
    ],
    "asciimath_script": [
        ('<p><script type="math/asciimath">a/b</script></p>', r"$\frac{a}{b}$"),
    ],
    "mathjax_mathml": [
        (
            "<p><mjx-container><svg></svg><mjx-assistive-mml><math><mi>x</mi><mo>+</mo><mn>1</mn>"
            "</math></mjx-assistive-mml></mjx-container> is</p>",
            "$x+1$",
        )
    ],
    "mathjax_glyphs": [
        (
            '<p><mjx-container><mjx-math><mjx-msup><mjx-mi><mjx-c class="mjx-c1D465"></mjx-c>'
            '</mjx-mi><mjx-script><mjx-mn><mjx-c class="mjx-c32"></mjx-c></mjx-mn></mjx-script>'
            "</mjx-msup></mjx-math></mjx-container></p>",
            "$x^2$",
        )
    ],
    "katex": [
        (
            '<p><span class="katex"><span class="katex-mathml"><math><semantics><mi>x</mi>'
            '<annotation encoding="application/x-tex">\\vec x</annotation></semantics></math>'
            '</span><span class="katex-html" aria-hidden="true">x</span></span> is</p>',
            r"$\vec x$",
        )
    ],
    "katex_stripped": [
        (
            '<p>so <span class="katex"><span class="katex-mathml">\n x\n 2\n\n\n x^2\n\n </span>'
            '<span class="katex-html">x2</span></span></p>',
            "$x^2$",
        )
    ],
    "mathml": [
        ("<p>so <math><mi>x</mi><mo>&le;</mo><mn>2</mn></math></p>", r"$x\leq 2$"),
        ("<p>so <mml:math><mml:mi>x</mml:mi></mml:math></p>", "$x$"),
        (
            '<m:math display="block"><m:mfrac><m:mi>x</m:mi><m:mn>2</m:mn></m:mfrac></m:math>',
            r"$$\frac{x}{2}$$",
        ),
    ],
    "mathml_alttext": [('<p>so <math alttext="\\pi r^2"><mi>π</mi></math></p>', r"$\pi r^2$")],
    "wikipedia": [
        (
            '<p>so <span class="mwe-math-element"><span class="mwe-math-mathml-inline"'
            ' style="display: none;"><math alttext="{\\displaystyle x}"><semantics><mi>x</mi>'
            '<annotation encoding="application/x-tex">{\\displaystyle x}</annotation></semantics>'
            f'</math></span><img src="{_MEDIA}" class="mwe-math-fallback-image-inline" alt="x">'
            "</span> is</p>",
            "$x$",
        )
    ],
    "wikipedia_image": [(f'<p>so <img src="{_MEDIA}" alt="x^{{2}}"> is</p>', "$x^{2}$")],
    "latexml": [
        ('<p>so <math class="ltx_Math" alttext="x^{2}"><mi>x</mi></math></p>', "$x^{2}$"),
    ],
    "wordpress_image": [
        (
            '<p>so <img class="latex" alt="a+b" src="https://s0.wp.com/latex.php?latex=a%2Bb"></p>',
            "$a+b$",
        )
    ],
    "codecogs_image": [
        ('<p>so <img src="https://latex.codecogs.com/gif.latex?\\dpi{110}&space;x^2"></p>', "$x^2$")
    ],
    "mimetex_image": [('<p>so <img src="/cgi-bin/mimetex.cgi?x%5E2%2B1"></p>', "$x^2+1$")],
    "google_chart_image": [
        ('<p>so <img src="https://chart.googleapis.com/chart?cht=tx&amp;chl=x%5E2"></p>', "$x^2$")
    ],
    "latex_image": [
        ('<p>so <img src="img1.png" alt="$x^2+y^2$"></p>', "$x^2+y^2$"),
        ('<p>so <img class="x-ck12-math" src="1.png" alt="x%5E2%20%2B%201"></p>', "$x^2 + 1$"),
    ],
    "tex_attribute": [
        ('<p>so <span class="ztext-math" data-eeimg="1" data-tex="x^2">x2</span></p>', "$x^2$")
    ],
    "tex_element": [
        ("<p>so <dt-math>x^2</dt-math></p>", "$x^2$"),
        ("<d-math block>x^2</d-math>", "$$x^2$$"),
    ],
    "math_container": [
        ('<p>so <span class="math-container">$x^2$</span></p>', "$x^2$"),
        ('<p><span class="math-container">$$x^2$$</span></p>', "$$x^2$$"),
    ],
    "math_class": [
        ('<p>so <span class="math inline">\\(x^2\\)</span></p>', "$x^2$"),
        ('<p><span class="math display">\\[x^2\\]</span></p>', "$$x^2$$"),
        ('<div class="math notranslate">\n\\[x^2 = y\\]</div>', "$$x^2 = y$$"),
    ],
    "forum_tag": [
        ("<p>so [itex]x^2[/itex] is</p>", "$x^2$"),
        ("<p>so</p><p>[tex]x^2[/tex]</p>", "$$x^2$$"),
        ("<p>so [math]x^2[/math] is</p>", "$x^2$"),
        ("<p>so [latex]x^2[/latex] is</p>", "$x^2$"),
    ],
    "dollars": [
        (_MATHJAX + "<p>so $x^2$ is</p>", "$x^2$"),
        ("<p>so $f: X \\to Y$</p>", r"$f: X \to Y$"),
    ],
    "double_dollars": [(_MATHJAX + "<p>so<br>$$x^2<br>= y$$<br>is</p>", "$$x^2 = y$$")],
    "parentheses": [(_MATHJAX + "<p>so \\(x^2\\) is</p>", "$x^2$")],
    "brackets": [(_MATHJAX + "<p>so \\[x^2\\] is</p>", "$$x^2$$")],
}
CASES = [(name, *case) for name, cases in MARKED.items() for case in cases]


@pytest.mark.parametrize(("encoding", "body", "formula"), CASES)
def test_the_formula_is_read_once_in_its_mode(encoding: str, body: str, formula: str) -> None:
    extraction = extract_html(page(body))
    assert [match.group() for match in _DELIMITED.finditer(extraction.text)] == [formula]
    assert extraction.formulas_found == {encoding: 1}
    assert extraction.formulas_kept == {encoding: 1}


@pytest.mark.parametrize(
    "name",
    ["align", "align*", "gather", "multline", "multline*", "equation*", "eqnarray", "alignat"],
)
def test_an_environment_is_displayed_without_delimiters(name: str) -> None:
    body = f"{_MATHJAX}<p>so<br>\\begin{{{name}}}<br>a &amp;= b<br>\\end{{{name}}}<br>is</p>"
    (formula,) = formulas(body)
    assert formula.startswith("$$")
    assert "a &= b" in formula


@pytest.mark.parametrize(
    ("declaration", "body", "formula"),
    [
        ("MathJax.Hub.Config({tex2jax: {inlineMath: [['@@','@@']]}});", "@@x^2@@", "$x^2$"),
        ("MathJax = {tex: {inlineMath: [['##', '##']]}};", "##x^2##", "$x^2$"),
        ("window.MathJax = {tex: {displayMath: [['!!', '!!']]}};", "!!x^2!!", "$$x^2$$"),
        ("MathJax = {tex: {inlineMath: {'[+]': [['$', '$']]}}};", "$ x + y $", "$x + y$"),
        (
            'renderMathInElement(b, {delimiters: [{left: "%%", right: "%%", display: false}]}); //katex',
            "%%x^2%%",
            "$x^2$",
        ),
    ],
)
def test_the_page_declares_its_own_delimiters(declaration: str, body: str, formula: str) -> None:
    assert formulas(f"<script>{declaration}</script>{_MATHJAX}<p>so {body} is</p>") == [formula]


@pytest.mark.parametrize(
    "prose",
    [
        "costs $5 and then later it is $10 more",
        "between $5-$10 a piece, US$ 30 and A$40",
        "set $HOME and $PATH in your shell",
        "use ${name} and ${place} in templates",
        "costs \\$5 or \\$6 now",
    ],
)
@pytest.mark.parametrize("renderer", ["", _MATHJAX])
def test_money_and_variables_are_no_formulas(prose: str, renderer: str) -> None:
    extraction = extract_html(page(f"{renderer}<p>It {prose}.</p>"))
    assert extraction.formulas_found == {}
    assert not _DELIMITED.search(extraction.text)
    assert extraction.text.count(r"\$") == prose.count("$")


def test_backticks_are_asciimath_only_where_the_page_says_so() -> None:
    body = "<p>so `x^2+1/2` is</p>"
    assert formulas(_MATHJAX + body) == []
    assert formulas('<script src="MathJax.js?config=AM_HTMLorMML"></script>' + body) == [
        r"$x^2+\frac{1}{2}$"
    ]


def test_a_dollar_inside_a_formula_never_opens_another() -> None:
    body = _MATHJAX + r"<p>$$f = \begin{cases}1 & \text{if $x>0$}\\ 0\end{cases}$$ and $y$</p>"
    assert formulas(body) == [
        r"$$f = \begin{cases}1 & \text{if \(x>0\)}\\ 0\end{cases}$$",
        "$y$",
    ]


def test_macros_of_the_page_are_expanded() -> None:
    configured = "<script>MathJax = {tex: {macros: {RR: '{\\\\bf R}'}}}</script>"
    assert formulas(configured + _MATHJAX + r"<p>so \(\RR^n\)</p>") == [r"${\bf R}^n$"]
    defined = r'<div style="display:none">\(\newcommand{\R}{\mathbb{R}}\)</div>'
    assert formulas(_MATHJAX + defined + r"<p>so \(\R^n\)</p>") == [r"$\mathbb{R}^n$"]


def test_formulas_that_show_nothing_are_not_counted() -> None:
    extraction = extract_html(page(_MATHJAX + r"<p>so $\begingroup$ and $\newcommand\a{b}$.</p>"))
    assert extraction.formulas_found == {}


def test_a_formula_follows_a_chinese_word_without_space() -> None:
    assert formulas(_MATHJAX + "<p>设$x$为实数，则$x^2\\ge0$。</p>") == ["$x$", r"$x^2\ge0$"]


def test_dollars_in_code_stay_code_and_pair_with_nothing() -> None:
    extraction = extract_html(page(_MATHJAX + "<p>run <code>echo $a $b</code> for $x$</p>"))
    assert r"`echo \$a \$b`" in extraction.text
    assert extraction.formulas_found == {"dollars": 1}


def test_subscripts_in_plain_html() -> None:
    text = extract_html(
        page("<p>x<sup>2</sup>+y<sub>1</sub> on the 1<sup>st</sup> of May</p>")
    ).text
    assert "x^{2}+y_{1} on the 1st of May" in text


def test_every_encoding_that_the_cases_name_is_in_the_table() -> None:
    assert set(MARKED) <= set(ENCODINGS)
