r"""Papers as Markdown, formulas in LaTeX as they are."""

from __future__ import annotations

import pytest

from extractors.latex import PaperOptions, extract_paper
from tests.extractors.latex.papers import document, single, text_of

_MARKDOWN = PaperOptions(form="markdown")


@pytest.mark.parametrize(
    ("latex", "markdown"),
    [
        ("\\section{One \\emph{two}}", "## One *two*"),
        ("\\subsection*{A}", "### A"),
        ("a \\textbf{b} {\\it c}", "a **b** *c*"),
        ('Erd\\H{o}s, G\\"odel, \\\'Etale, na\\"{\\i}ve', "Erdős, Gödel, Étale, naïve"),
        ("``quoted''---and~10--12", "“quoted”—and 10–12"),
        ("50\\% \\& \\$5 a\\_b", "50% & \\$5 a\\_b"),
        ("by \\cite{a,b} and \\eqref{e}", "by [a; b] and ([e])"),
        ("\\url{http://a.b/%20}", "<http://a.b/%20>"),
        ("\\href{http://a.b/%20}{here}", "[here](http://a.b/%20)"),
        ("\\begin{itemize}\\item a\\item b\\end{itemize}", "- a\n- b"),
        ("\\begin{enumerate}\\item a\\item[(x)] b\\end{enumerate}", "1. a\n1. **(x)** b"),
        ("\\begin{quote}a\\end{quote}", "> a"),
        ("a\\footnote{Note $x$.}", "a[^1]\n\n[^1]: Note $x$."),
        (
            "\\begin{tabular}{ll}a & $b$\\\\ \\hline c & d\\end{tabular}",
            "| a | $b$ |\n| --- | --- |\n| c | d |",
        ),
        ("\\begin{verbatim}\nx %y\n\\end{verbatim}", "```\nx %y\n```"),
        ("\\begin{proof}Clear.\\end{proof}", "*Proof.* Clear."),
        ("\\unknown{x}", "\\unknownx"),
    ],
)
def test_latex_becomes_markdown(latex: str, markdown: str) -> None:
    assert text_of(latex, options=_MARKDOWN) == markdown


@pytest.mark.parametrize(
    ("formula", "markdown"),
    [
        ("$a_{i}$", "$a_{i}$"),
        ("\\(a--b\\)", "$a--b$"),
        ("\\[a~b\\]", "$$a~b$$"),
        ("$$\\text{``a''}$$", "$$\\text{``a''}$$"),
        (
            "\\begin{align}a&=b\\\\c&=d\\end{align}",
            "$$\n\\begin{align}a&=b\\\\c&=d\\end{align}\n$$",
        ),
    ],
)
def test_formulas_are_verbatim(formula: str, markdown: str) -> None:
    assert markdown in text_of(f"Before {formula} after.", options=_MARKDOWN)


def test_theorems_are_called_what_the_paper_prints() -> None:
    text = text_of(
        "\\begin{satz}[Euler] $x$ \\end{satz}", "\\newtheorem{satz}{Satz}", options=_MARKDOWN
    )
    assert text == "**Satz (Euler).** $x$"


def test_the_head_of_a_paper() -> None:
    paper = extract_paper(
        single(
            document("\\begin{abstract}Short.\\end{abstract}", "\\title{On $x$}\\author{A. B.}")
        ),
        _MARKDOWN,
    )
    assert paper.text == "# On $x$\n\nA. B.\n\n**Abstract.** Short."
    assert paper.title == "On $x$"
