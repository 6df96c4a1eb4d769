r"""Macros of a paper: what a call stands for in the text, and what is left alone."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.latex import extract_paper
from tests.extractors.latex.papers import document, packed, single, text_of, text_of_files


@pytest.mark.parametrize(
    ("preamble", "body", "text"),
    [
        (r"\newcommand{\R}{\mathbb{R}}", r"$x\in\R$", r"$x\in\mathbb{R}$"),
        (r"\newcommand\R{\mathbb{R}}", r"$\R^n$", r"$\mathbb{R}^n$"),
        (r"\newcommand*{\R}{\mathbb R}", r"$\R x$", r"$\mathbb R x$"),
        (r"\newcommand{\norm}[1]{\|#1\|}", r"$\norm{\norm{x}+y}$", r"$\|\|x\|+y\|$"),
        (r"\newcommand{\ip}[2][H]{\langle #2\rangle_{#1}}", r"$\ip{x}$", r"$\langle x\rangle_{H}$"),
        (
            r"\newcommand{\ip}[2][H]{\langle #2\rangle_{#1}}",
            r"$\ip[V]{x}$",
            r"$\langle x\rangle_{V}$",
        ),
        (r"\def\pair(#1,#2){\langle #1, #2\rangle}", r"$\pair(a,b)$", r"$\langle a, b\rangle$"),
        (r"\def\upto#1:{[0,#1)}", r"$\upto n:$", r"$[0,n)$"),
        (r"\def\d#1{\mathrm d#1}", r"$\int f\d x$", r"$\int f\mathrm dx$"),
        (r"\renewcommand{\phi}{\varphi}", r"$\phi(x)$", r"$\varphi(x)$"),
        (r"\providecommand{\eps}{\varepsilon}", r"$\eps$", r"$\varepsilon$"),
        (r"\DeclareMathOperator{\Hom}{Hom}", r"$\Hom(A,B)$", r"$\operatorname{Hom}(A,B)$"),
        (
            r"\DeclareMathOperator*{\argmax}{arg\,max}",
            r"$\argmax_x$",
            r"$\operatorname*{arg\,max}_x$",
        ),
        (r"\let\eps\varepsilon", r"$\eps x$", r"$\varepsilon x$"),
        (r"\let\oldphi\phi \renewcommand{\phi}{\oldphi'}", r"$\phi$", r"$\phi'$"),
        ("\\newcommand{\\lines}{a\n+ b\n+ c}", r"$\lines$", "$a\n+ b\n+ c$"),
        (r"\newcommand{\X}{\mathcal{X}} % the space", r"$\X$", r"$\mathcal{X}$"),
        (
            r"\newcommand{\be}{\begin{equation}}\newcommand{\ee}{\end{equation}}",
            "\\be x=1 \\ee",
            "\\begin{equation} x=1 \\end{equation}",
        ),
        (
            r"\newenvironment{eq}{\begin{equation}}{\end{equation}}",
            "\\begin{eq}x=1\\end{eq}",
            "\\begin{equation}x=1\\end{equation}",
        ),
        (
            r"\newenvironment{pf}[1]{\begin{proof}[Proof of #1]}{\end{proof}}",
            "\\begin{pf}{it}Clear.\\end{pf}",
            "\\begin{proof}[Proof of it]Clear.\\end{proof}",
        ),
        (
            r"\NewDocumentCommand{\pd}{O{} m}{\partial_{#2}^{#1}}",
            r"$\pd{x}\pd[2]{y}$",
            r"$\partial_{x}^{}\partial_{y}^{2}$",
        ),
        (
            r"\NewDocumentCommand{\abs}{s m}{\IfBooleanTF{#1}{\left|#2\right|}{|#2|}}",
            r"$\abs{x}\abs*{y}$",
            r"$|x|\left|y\right|$",
        ),
        (r"\DeclarePairedDelimiter{\ceil}{\lceil}{\rceil}", r"$\ceil{x}$", r"$\lceil x \rceil$"),
        (r"\newcommand{\eg}{e.g.\xspace}", r"See \eg this.", r"See e.g. this."),
        (r"\newcommand{\tool}{Prover}", r"\tool{} works.", r"Prover works."),
        (
            r"\newcommand{\E}{\ensuremath{\mathbb{E}}}",
            r"An \E and $\E$.",
            r"An $\mathbb{E}$ and ${\mathbb{E}}$.",
        ),
        (r"\def\lsim{\ifmmode{<}\else{$<$}\fi}", r"a \lsim b, $a\lsim b$", r"a {$<$} b, $a{<}b$"),
    ],
)
def test_a_call_becomes_what_it_stands_for(preamble: str, body: str, text: str) -> None:
    assert text_of(body, preamble) == text


@pytest.mark.parametrize(
    ("preamble", "body", "text"),
    [
        # A macro that is an argument is all that it stands for.
        (r"\newcommand{\half}{1/2}", r"$x^\half$", r"$x^{1/2}$"),
        (r"\newcommand{\R}{\mathbb{R}}", r"$\frac\R\R$", r"$\frac{\mathbb{R}}{\mathbb{R}}$"),
        (r"\newcommand{\a}{\alpha}", r"$x^\a$", r"$x^\alpha$"),
        # A command isn't joined to what follows.
        (r"\newcommand{\a}{\alpha}", r"$\a b$", r"$\alpha b$"),
        (r"\newcommand{\bx}[1]{\mathbf#1}", r"$\bx y$", r"$\mathbf y$"),
        # A macro that takes its argument from behind another's end.
        (r"\newcommand{\bb}{\cc}\newcommand{\cc}[1]{[#1]}", r"$\bb{x}$", r"$[x]$"),
    ],
)
def test_a_formula_means_the_same_after_expansion(preamble: str, body: str, text: str) -> None:
    assert text_of(body, preamble) == text


@pytest.mark.parametrize(
    ("preamble", "body"),
    [
        (r"\newcommand{\loopy}{x\loopy}", r"$\loopy$"),
        (r"\newcommand{\pinga}{\pingb}\newcommand{\pingb}{\pinga}", r"$a\pinga b$"),
        (r"\newcommand{\counted}{\stepcounter{c}\arabic{c}}", r"$\counted$"),
        (r"\newcommand{\csn}{\csname foo\endcsname}", r"$\csn$"),
        (r"\newcommand{\two}[2]{#1#2}", r"$\two{a}$"),
    ],
)
def test_a_macro_that_cannot_be_expanded_stays(preamble: str, body: str) -> None:
    paper = extract_paper(single(document(f"Before {body} after.", preamble)))
    assert "Before $" in paper.text
    assert "$ after." in paper.text
    assert paper.info["macros_left"]
    assert len(paper.text) < 200


def test_macros_that_double_stay_bounded() -> None:
    names = [f"\\dbl{chr(97 + n)}" for n in range(26)]
    chain = "".join(f"\\newcommand{{{a}}}{{{b}{b}}}" for a, b in itertools.pairwise(names))
    paper = extract_paper(
        single(document(f"Text ${names[0]}$ goes on.", chain + f"\\def{names[-1]}{{x}}"))
    )
    assert len(paper.text) < 1_000_000
    assert paper.text.endswith("goes on.")


def test_a_recursive_macro_harms_no_other() -> None:
    text = text_of(r"$\good + \bad$", r"\newcommand{\bad}{x\bad}\newcommand{\good}{\mathbb{G}}")
    assert text == r"$\mathbb{G} + \bad$"


def test_definitions_of_a_group_end_with_it() -> None:
    text = text_of(r"{\renewcommand{\x}{B} $\x$} and $\x$", r"\newcommand{\x}{A}")
    assert text == "{ $B$} and $A$"


def test_definitions_come_from_every_file_that_is_read() -> None:
    text = text_of_files(
        {
            "main.tex": document(
                r"$\fromsty \fromtex \fromcls$", r"\usepackage{own}\input{defs}"
            ).replace("{article}", "{ownclass}"),
            "own.sty": r"\newcommand{\fromsty}{\mathsf{s}} \newcommand{\own@x}{y}",
            "ownclass.cls": r"\LoadClass{article}\newcommand{\fromcls}{\mathsf{c}}",
            "defs.tex": r"\newcommand{\fromtex}{\mathsf{t}}",
        }
    )
    assert text == r"$\mathsf{s} \mathsf{t} \mathsf{c}$"


def test_a_class_cannot_change_the_structure() -> None:
    text = text_of_files(
        {
            "main.tex": document(r"\section{One} $x$").replace("{article}", "{own}"),
            "own.cls": r"\renewcommand{\section}[1]{\par{\Large #1}\par}",
        }
    )
    assert text == r"\section{One} $x$"


def test_text_that_is_not_read_is_not_expanded() -> None:
    body = "\\verb|\\R| and\n\\begin{verbatim}\n\\R % kept\n\\end{verbatim}\n$\\R$"
    text = text_of(body, r"\newcommand{\R}{\mathbb{R}}")
    assert text == "\\verb|\\R| and\n\\begin{verbatim}\n\\R % kept\n\\end{verbatim}\n$\\mathbb{R}$"


_PIECES = st.sampled_from(
    [
        "\\newcommand{\\a}{\\b x}", "\\def\\b#1{#1#1}", "\\a", "\\b", "{", "}", "$", "$$", "\\[", "\\]",
        "\\begin{align}", "\\end{align}", "\\begin{comment}", "\\end{comment}", "%", "\n", "\n\n",
        "\\iffalse", "\\else", "\\fi", "\\verb|", "\\input{main}", "\\let\\a\\b", "\\ensuremath{", "#1",
        "\\section{", "x", "\\", "[", "]", "\\end{document}", "\\newif\\ifz", "\\ztrue", "\\ifz", "\\par ",
        "\\begin{tabular}", "\\footnote{", "\\title{", "\\renewcommand", "\\newenvironment{e}{\\a}{\\b}",
        "\\begin{e}", "\\end{e}", "\\DeclareMathOperator", "\\url{a%b}", "~", "\\'e", "\\item",
    ]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_to_its_end(pieces: list[str]) -> None:
    from extractors.latex import PaperOptions

    raw = packed({"main.tex": document("".join(pieces))})
    for form in ("latex", "markdown"):
        text = extract_paper(raw, PaperOptions(form=form)).text  # type: ignore[arg-type]
        assert "\x00" not in text
        assert len(text) < 3_000_000
