r"""Formulas between delimiters in text: what opens one, what only looks like it."""

from __future__ import annotations

import pytest

from extractors.html import extract_html

MATHJAX = '<script src="https://cdn.example/MathJax.js"></script>'
FILLER = "<p>A paragraph of ordinary words stands here, so that the page has a main text.</p>"


def text_of(body: str) -> str:
    """The text of a page behind its filler, on one line."""
    text = extract_html(f"<html><body>{FILLER}{body}</body></html>".encode()).text
    return " ".join(text.partition("main text.")[2].split())


@pytest.mark.parametrize("renderer", ["", MATHJAX])
@pytest.mark.parametrize(
    "prose",
    [
        "It costs $5 and then later it is $6 per unit.",
        "Between $10-$20, from US$5 to US$7, or $1,000 and $2,000.",
        "Set echo $HOME and $PATH in the shell.",
        "for i in $(seq 1 $n); do echo $i; done",
        "Pay $100 up front, $50 later, and $ 5 for the box.",
        "Fees of $12.50 or $13/month apply.",
    ],
)
def test_money_and_shell_variables_are_no_formulas(prose: str, renderer: str) -> None:
    extraction = extract_html(f"<body>{renderer}{FILLER}<p>{prose}</p></body>".encode())
    assert not extraction.formulas_found
    assert prose.replace("$", "\\$") in extraction.text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("costs $5. Let $x$ be", r"costs \$5. Let $x$ be"),
        ("the $n$th and $p$-adic", "the $n$th and $p$-adic"),
        (r"so \$5 and $x^2$", r"so \$5 and $x^2$"),
        (r"$a = b$, $f: A \to B$ and $(x, y)$", r"$a = b$, $f: A \to B$ and $(x, y)$"),
        (r"\(a\) and \[b\]", "$a$ and $$b$$"),
        (r"row \\[2pt] break", r"row \\[2pt] break"),
        (r"$$a \$ b$$", r"$$a \$ b$$"),
        (r"$$\text{if $x$ is } y$$", r"$$\text{if \(x\) is } y$$"),
        (r"$$\mbox{at $5 each}$$", r"$$\mbox{at \$5 each}$$"),
        ("$$a<br>+b$$", "$$a +b$$"),
        (r"\[\begin{aligned}a&amp;=b\end{aligned}\]", r"$$\begin{aligned}a&=b\end{aligned}$$"),
        (r"\begin{align*}a&amp;=b\\<br>c&amp;=d\end{align*}", r"$$\begin{align*}a&=b\\ c&=d\end{align*}$$"),
        (r"\begin{equation}E=mc^2\end{equation}", "$$E=mc^2$$"),
        ("$x^2$$y^2$", "$x^2$ $y^2$"),
        ("unclosed \\(x and $$y", "unclosed \\(x and \\$\\$y"),
        (r"$$x % a comment" + "\n" + r"+ y$$", "$$x + y$$"),
        (r"a \(50\%\) share", r"a $50\%$ share"),
        (r"see \(x\ \) here", "see $x\\ $ here"),
    ],
)  # fmt: skip
def test_on_a_page_with_a_renderer(body: str, expected: str) -> None:
    assert text_of(f"{MATHJAX}<p>{body}</p>") == expected


def test_without_a_renderer_only_evident_formulas_count() -> None:
    assert text_of(r"<p>$x^2 + y^2$ and $\alpha$ but $5 or $6</p>") == (
        r"$x^2 + y^2$ and $\alpha$ but \$5 or \$6"
    )


@pytest.mark.parametrize(
    ("configuration", "body", "expected"),
    [
        ("MathJax.Hub.Config({tex2jax: {inlineMath: [['@','@']]}});", "@x^2@", "$x^2$"),
        ("MathJax = {tex: {inlineMath: {'[+]': [['$', '$']]}}};", "let $ab$ be", "let $ab$ be"),
        (r"window.MathJax={tex:{displayMath:[['\\<','\\>']]}};", r"\&lt;x\&gt;", "$$x$$"),
        (
            'renderMathInElement(document.body, {delimiters: [{left: "%%", right: "%%",'
            " display: true}]}); // katex",
            "%%z%%",
            "$$z$$",
        ),
        (
            "katex; var o = {delimiters: [{display: false, left: '#!', right: '!#'}]}",
            "#!z!#",
            "$z$",
        ),
        (
            "MathJax = {asciimath: {delimiters: [['`','`']]}}",
            "`sum_(i=1)^n i`",
            r"$\sum_{i=1}^n i$",
        ),
    ],
)
def test_delimiters_of_the_page(configuration: str, body: str, expected: str) -> None:
    assert text_of(f"<script>{configuration}</script><p>{body}</p>") == expected


def test_backticks_are_code_where_the_page_does_not_declare_them() -> None:
    assert text_of(f"{MATHJAX}<p>run `npm install x^2` now</p>") == "run `npm install x^2` now"


def test_code_is_left_alone() -> None:
    body = f"{MATHJAX}<pre>a = $x$\n  b = \\(y\\)</pre><p>and <code>$z$</code></p>"
    extraction = extract_html(f"<body>{FILLER}{body}</body>".encode())
    assert not extraction.formulas_found
    assert "a = \\$x\\$\n  b = \\(y\\)" in extraction.text
    assert "`\\$z\\$`" in extraction.text


def test_a_formula_that_paragraphs_cut_is_mended() -> None:
    assert text_of(f"{MATHJAX}<div><p>$$ x^2 =</p><p>y^2 $$</p></div>") == "$$x^2 = y^2$$"


def test_ignored_classes_are_ignored() -> None:
    assert r"\(x\)" in text_of(rf'{MATHJAX}<p class="tex2jax_ignore">the source \(x\) stays</p>')


def test_unclosed_delimiters_cost_no_squares() -> None:
    raw = (r"\(" * 200_000 + "${" * 200_000 + r"\begin{align}" * 50_000).encode()
    assert extract_html(MATHJAX.encode() + raw).text
