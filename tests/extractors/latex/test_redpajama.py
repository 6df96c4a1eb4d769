r"""RedPajama's cleaner, defect by defect (spec section 3)."""

from __future__ import annotations

import pytest

from extractors.latex import SourceError, extract_paper_redpajama
from extractors.latex.redpajama import clean_redpajama, redpajama_macros
from tests.extractors.latex.papers import packed, single


def test_everything_before_the_first_header_is_lost() -> None:
    assert clean_redpajama(["\\title{T}\n\\begin{abstract}A\\end{abstract}\n\\section{One} x"]) == (
        "\\section{One} x"
    )


def test_a_header_in_a_comment_counts() -> None:
    assert clean_redpajama(["a\n% \\section{Old}\nb"]) == "\\section{Old}\nb"


@pytest.mark.parametrize(
    "text", ["No header at all.", "\\paragraph{P} text", "\\subparagraph{P} x"]
)
def test_files_without_a_known_header_are_lost(text: str) -> None:
    assert clean_redpajama([text]) == ""


def test_paragraph_and_subparagraph_count_side_by_side() -> None:
    text = "\\paragraph{P}\\subparagraph{Q} text"
    assert clean_redpajama(["a " + text]) == text


def test_two_files_without_header_give_a_newline() -> None:
    assert clean_redpajama(["a", "b"]) == "\n"


@pytest.mark.parametrize(
    ("written", "cleaned"),
    [
        ("a\n% whole line\nb", "a\nb"),
        ("word % comment", "word"),
        ("word% comment", "wor"),
        ("50\\% of it", "50\\% of it"),
        ("bare %\nnext", "bare %\nnext"),
        ("\\url{http://a.b/c%20d} more", "\\url{http://a.b/"),
    ],
)
def test_comments(written: str, cleaned: str) -> None:
    assert clean_redpajama(["\\section{S}\n" + written]) == "\\section{S}\n" + cleaned


@pytest.mark.parametrize(
    "end",
    [
        "\\appendix", "\\begin{references}", "\\begin{REFERENCES}", "\\begin{thebibliography}",
        "\\bibliography{refs}",
    ],
)  # fmt: skip
def test_everything_from_the_end_on_is_lost(end: str) -> None:
    assert clean_redpajama([f"\\section{{S}} a {end} b }}"]) == "\\section{S} a "


@pytest.mark.parametrize(
    ("definition", "expanded"),
    [
        ("\\newcommand{\\R}{\\mathbb{R}}", True),
        ("\\newcommand*{\\R}{\\mathbb{R}}", True),
        ("\\def\\R{\\mathbb{R}}", True),
        ("\\newcommand\\R{\\mathbb{R}}", False),
        ("\\renewcommand{\\R}{\\mathbb{R}}", False),
        ("\\newcommand{\\R}[1]{\\mathbb{R}}", False),
        ("\\newcommand{\\R}{\\mathbb{R}} % reals", False),
        ("\\newcommand{\\R}{\n\\mathbb{R}}", False),
        ("\\DeclareMathOperator{\\R}{R}", False),
    ],
)
def test_only_macros_on_one_line_without_arguments(definition: str, expanded: bool) -> None:
    text = clean_redpajama([f"{definition}\n\\section{{S}} $\\R$ end"])
    call = "\\mathbb{R}" if expanded else "\\R"
    assert text == f"\\section{{S}} ${call}$ end"


def test_macros_are_one_table_of_all_files_and_one_pass() -> None:
    files = ["\\def\\a{\\b}\n\\section{A} \\a ", "\\def\\b{x}\n\\section{B} \\b. \\a"]
    assert redpajama_macros(files) == {"\\a": "\\b", "\\b": "x"}
    assert clean_redpajama(files) == "\\section{A} x \n\\section{B} x. \\a"


def test_two_definitions_on_a_line_are_one_macro() -> None:
    macros = redpajama_macros(["\\newcommand{\\a}{x} \\newcommand{\\b}{y}"])
    assert macros == {"\\a": "x} \\newcommand{\\b}{y"}


def test_files_follow_each_other_as_in_the_tar() -> None:
    raw = packed(
        {"b.tex": "\\section{B}", "a.tex": "\\section{A} \\input{b}", "c.TEX": "\\section{C}"}
    )
    assert extract_paper_redpajama(raw).text == "\\section{B}\n\\section{A} \\input{b}"


def test_one_file_that_is_not_utf8_drops_the_paper() -> None:
    raw = packed({"a.tex": "\\section{A}", "b.tex": "Möbius".encode("latin-1")})
    with pytest.raises(SourceError) as caught:
        extract_paper_redpajama(raw)
    assert caught.value.reason == "not_utf8"


def test_a_single_file_is_read_whatever_its_name() -> None:
    assert extract_paper_redpajama(single("\\section{A} x")).text == "\\section{A} x"
