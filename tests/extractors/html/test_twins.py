"""A formula that a page holds twice, drawn and as source, is one formula."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.html import extract_html

FILLER = "<p>A paragraph of ordinary words stands here, so that the page has a main text.</p>"
MATHML = "<math><semantics><mrow><mi>q</mi></mrow>{}</semantics></math>"
ANNOTATED = MATHML.format('<annotation encoding="application/x-tex">q</annotation>')

TWINS = {
    "MathJax 2": '<span class="MathJax_Preview">q</span><span class="MathJax"><nobr>q</nobr></span>'
    '<script type="math/tex">q</script>',
    "MathJax 2, assistive": '<span class="MathJax" data-mathml="&lt;math&gt;&lt;mi&gt;q&lt;/mi&gt;'
    f'&lt;/math&gt;"><nobr>q</nobr><span class="MJX_Assistive_MathML">{MATHML.format("")}</span></span>',
    "MathJax 3": '<mjx-container><mjx-math><mjx-mi><mjx-c class="mjx-c1D45E"></mjx-c></mjx-mi>'
    f"</mjx-math><mjx-assistive-mml>{MATHML.format('')}</mjx-assistive-mml></mjx-container>",
    "KaTeX": f'<span class="katex"><span class="katex-mathml">{ANNOTATED}</span>'
    '<span class="katex-html"><span class="mord mathnormal">q</span></span></span>',
    "KaTeX, tags stripped": '<span class="katex"><span class="katex-mathml">\n  q\n\n\n  q\n</span>'
    '<span class="katex-html"><span class="mord mathnormal">q</span></span></span>',
    "Wikipedia": f'<span class="mwe-math-element"><span style="display:none">{ANNOTATED}</span>'
    '<img class="mwe-math-fallback-image-inline" src="q.svg" alt="q"></span>',
    "lazy image": '<img class="latex" data-src="/latex.php?latex=q" alt="q"><noscript>'
    '<img class="latex" src="/latex.php?latex=q" alt="q"></noscript>',
    "JATS": f"<inline-formula><alternatives><tex-math>$q$</tex-math>{MATHML.format('')}"
    "</alternatives></inline-formula>",
    "MathJax 3, SVG": '<mjx-container jax="SVG"><svg><g data-mml-node="math"><g data-mml-node="mi"'
    ' data-c="1D45E"><path data-c="1D45E"></path></g></g></svg>'
    f"<mjx-assistive-mml>{MATHML.format('')}</mjx-assistive-mml></mjx-container>",
    "LaTeXML": '<math class="ltx_Math" alttext="q" display="inline"><semantics><mi>q</mi>'
    '<annotation-xml encoding="MathML-Content"><ci>q</ci></annotation-xml>'
    '<annotation encoding="application/x-tex">q</annotation></semantics></math>',
    "attribute and text": '<span class="ztext-math" data-tex="q">q</span>',
}


def kept(body: str) -> tuple[int, int]:
    """How often the formula is in the text, and how many formulas were found."""
    extraction = extract_html(f"<body>{FILLER}{body}</body>".encode())
    return extraction.text.count("$q$"), sum(extraction.formulas_found.values())


@pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS.keys())
def test_one_formula_of_two_drawings(twin: str) -> None:
    extraction = extract_html(f"<body>{FILLER}<p>so {twin} holds</p></body>".encode())
    assert extraction.text.endswith("so $q$ holds")
    assert sum(extraction.formulas_found.values()) == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(sorted(TWINS)), min_size=1, max_size=6))
def test_never_twice_in_any_order(names: list[str]) -> None:
    body = "".join(f"<p>word {TWINS[name]} word</p>" for name in names)
    assert kept(body) == (len(names), len(names))


def test_a_formula_that_the_page_repeats_is_repeated() -> None:
    assert kept("<p>word $q$ word</p><p>word $q$ word</p>"
                '<script src="MathJax.js"></script>') == (2, 2)  # fmt: skip


def test_a_latex_file_around_a_formula() -> None:
    document = r"\documentclass{minimal}\begin{document}$$q+1$$\end{document}"
    extraction = extract_html(
        f"<body>{FILLER}<p>so <tex-math>{document}</tex-math></p></body>".encode()
    )
    assert "$q+1$" in extraction.text
    assert "documentclass" not in extraction.text
