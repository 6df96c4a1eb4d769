r"""Which files are read, in which order, and what of them is text."""

from __future__ import annotations

import json

import pytest

from extractors.latex import PaperOptions, SourceError, SourceLimits, extract_paper, read_source
from tests.extractors.latex.papers import document, packed, single, text_of, text_of_files


def test_inputs_are_read_where_they_stand() -> None:
    text = text_of_files(
        {
            "b.tex": "Second.\n",
            "a.tex": "First. \\input{sub/c}\n",
            "main.tex": document("\\input{a}\n\\include{b}\nLast."),
            "sub/c.tex": "Within.\n",
        }
    )
    assert [word for word in text.split() if word] == ["First.", "Within.", "Second.", "Last."]


def test_every_way_to_name_a_file() -> None:
    text = text_of_files(
        {
            "main.tex": document(
                "\\input one \\input{./two.tex}\\import{parts/}{three}\\subimport{parts/}{five}"
                "\\subfile{parts/six}\\InputIfFileExists{seven}{yes}{no}\\newcommand{\\dir}{parts}"
                "\\input{\\dir/eight}"
            ),
            "one.tex": "1 ",
            "two.tex": "2 ",
            "parts/three.tex": "3 \\input{four}",
            "parts/four.tex": "4 ",
            "parts/five.tex": "5 ",
            "parts/six.tex": "\\documentclass[../main]{subfiles}\n\\begin{document}\n6 \n\\end{document}\n",
            "seven.tex": "7 ",
            "parts/eight.tex": "8 ",
        }
    )
    assert "".join(character for character in text if character.isdigit()) == "12345678"
    assert "documentclass" not in text
    assert "yes" in text


def test_cycles_and_missing_files_are_told_and_survived() -> None:
    paper = extract_paper(
        packed(
            {
                "main.tex": document("A \\input{loop} B \\input{nowhere} C"),
                "loop.tex": "L \\input{main} \\input{loop}",
            }
        )
    )
    assert paper.text.split() == ["A", "L", "B", "C"]
    assert paper.info["missing_inputs"] == "nowhere"
    assert "loop.tex" in str(paper.info["cyclic_inputs"])


def test_files_that_read_each_other_twice_stay_bounded() -> None:
    files: dict[str, str | bytes] = {"main.tex": document("\\input{f0} End.")}
    for n in range(30):
        files[f"f{n}.tex"] = f"x\\input{{f{n + 1}}}\\input{{f{n + 1}}}"
    files["f30.tex"] = "y"
    paper = extract_paper(packed(files))
    assert paper.info["truncated"]
    assert len(paper.text) < 100_000


def test_the_main_file_is_found_among_others() -> None:
    text = text_of_files(
        {
            "aaa.tex": "\\section{No main file}",
            "figure.tex": "\\documentclass{standalone}\\begin{document}Figure\\end{document}",
            "ms.tex": document("Paper. \\input{aaa}"),
            "ms.bbl": "\\begin{thebibliography}{9}\\end{thebibliography}",
            "anc/notes.tex": document("Ancillary."),
        }
    )
    assert text == "Paper. \\section{No main file}"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("00README.XXX", "real.tex toplevelfile\nold.tex ignore\n"),
        ("00README.json", json.dumps({"sources": [{"filename": "real.tex", "usage": "toplevel"}]})),
        ("00README.yaml", "sources:\n  - filename: real.tex\n    usage: toplevel\n"),
    ],
)
def test_a_readme_names_the_main_file(name: str, content: str) -> None:
    files = {"main.tex": document("Wrong."), "real.tex": document("Right."), name: content}
    assert text_of_files(files) == "Right."


def test_independent_papers_in_one_source_are_all_read() -> None:
    text = text_of_files(
        {
            "main.tex": document("The paper speaks of one thing at some length here."),
            "supplement.tex": document("Proofs that the paper leaves out stand in this file."),
        }
    )
    assert text.index("The paper") < text.index("Proofs that")


def test_another_version_of_the_same_paper_is_left_out() -> None:
    body = "\n".join(
        f"This is sentence number {n} of a paper, and it is long enough." for n in range(9)
    )
    paper = extract_paper(
        packed({"main.tex": document(body), "main_old.tex": document(body + "\nAn older remark.")})
    )
    assert paper.text.count("sentence number 3") == 1
    assert paper.info["copies_dropped"] == 1


@pytest.mark.parametrize(
    "content",
    [
        "\\documentstyle[12pt]{article}\n\\begin{document}\n\\section{Old} $x$\n\\end{document}",
        "\\magnification=1200\n\\centerline{Title}\nText with $x$.\n\\bye\nNot this.",
        "\\input amstex\n\\documentstyle{amsppt}\n\\document\nText with $x$.\n\\enddocument",
        "Just text with $x$ and no header at all.",
        "\\section{A part without preamble}\nText with $x$.",
    ],
)
def test_sources_older_than_latex2e(content: str) -> None:
    text = extract_paper(single(content)).text
    assert "$x$" in text
    assert "Not this" not in text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a % comment\nb", "a b"),
        ("a%\n   b", "ab"),
        ("$\\alpha%\nb$", "$\\alpha b$"),
        ("50\\% of it % gone", "50\\% of it"),
        ("\\\\% gone\nx", "\\\\x"),
        ("\\url{http://a.b/c%20d} kept", "\\url{http://a.b/c%20d} kept"),
        ("\\href{http://a.b/%7Ec}{here} kept", "\\href{http://a.b/%7Ec}{here} kept"),
        ("\\verb|%| kept", "\\verb|%| kept"),
        ("a\n% whole line\nb", "a\nb"),
        ("a % c\n\nb", "a\n\nb"),
        ("a\n  % indented\n  b", "a\n  b"),
        ("a \\begin{comment}\nx $y$\n\\end{comment} b", "a  b"),
        ("a \\iffalse x $y$ \\ifx\\a\\b \\else z \\fi \\else c \\fi b", "a  c  b"),
        ("a \\iftrue b \\else c \\fi d", "a  b  d"),
        ("\\newif\\ifdraft \\ifdraft no\\else yes\\fi", "yes"),
        ("\\newif\\ifdraft\\drafttrue \\ifdraft yes\\else no\\fi", "yes"),
        ("\\if00 yes\\else no\\fi \\ifnum1=0 no\\else yes\\fi", "yes  yes"),
        ("x \\iff y", "x \\iff y"),
        ("\\ifx\\own\\undefined yes\\else no\\fi", "yes"),
        ("\\def\\own{x}\\ifx\\own\\undefined no\\else yes\\fi", "yes"),
        ("\\ifdefined\\pdfoutput yes\\else no\\fi", "yes"),
        ("\\newtoggle{long}\\toggletrue{long}\\iftoggle{long}{yes}{no}", "yes"),
    ],
)
def test_comments_and_branches_as_tex_takes_them(written: str, read: str) -> None:
    assert text_of(written).split() == read.split()
    assert ("\n\n" in text_of(written)) == ("\n\n" in read)


def test_the_parts_of_a_paper_that_readers_read_are_kept() -> None:
    paper = extract_paper(
        single(
            document(
                "\\maketitle\n\\begin{abstract}We prove $a=b$.\\end{abstract}\n\\section{Intro}\n"
                "\\vspace{1em}\n\\begin{thm}[Main]\\label{m} $x$ \\end{thm}\n"
                "\\begin{figure}[htbp]\\centering\\includegraphics[width=3cm]{pic.eps}"
                "\\caption{A picture of $f$.}\\end{figure}\n"
                "\\bibliographystyle{plain}\\bibliography{refs}\n\\appendix\n\\section{Proofs} $y$",
                "\\usepackage{amsmath}\\newtheorem{thm}{Theorem}"
                "\\title[Short]{On $a$ and $b$}\\author{A. Author\\thanks{Supported.}}\\date{May}",
            )
        )
    )
    for kept in (
        "\\title{On $a$ and $b$}", "\\author{A. Author}", "We prove $a=b$.", "\\begin{thm}[Main]",
        "\\caption{A picture of $f$.}", "\\appendix", "\\section{Proofs} $y$",
    ):  # fmt: skip
        assert kept in paper.text
    for gone in (
        "usepackage", "Supported", "May", "maketitle", "vspace", "pic.eps", "htbp", "bibliography",
        "centering", "newtheorem",
    ):  # fmt: skip
        assert gone not in paper.text
    assert "\n\n\n" not in paper.text
    assert paper.title == "On $a$ and $b$"
    assert paper.formulas_kept == {"inline": 6}


def test_options_decide_what_is_kept() -> None:
    body = (
        "\\begin{abstract}Short.\\end{abstract}\nBody.\\label{a}\n\\appendix Later.\n"
        "\\begin{thebibliography}{9}\\bibitem{k} A book.\\end{thebibliography}"
    )
    preamble = "\\title{T}\\author{N\\thanks{Money}}"
    bare = text_of(
        body, preamble,
        PaperOptions(title=False, authors=False, abstract=False, appendices=False, labels=False),
    )  # fmt: skip
    assert bare.split() == ["Body."]
    full = text_of(body, preamble, PaperOptions(bibliography=True, affiliations=True))
    assert "A book." in full
    assert "Money" in full


def test_a_bbl_stands_where_the_bibliography_does() -> None:
    files = {
        "ms.tex": document("Text.\\bibliography{refs}"),
        "ms.bbl": "\\begin{thebibliography}{9}\\bibitem{k} A book.\\end{thebibliography}",
    }
    assert "A book." in text_of_files(files, PaperOptions(bibliography=True))
    assert "A book." not in text_of_files(files)


@pytest.mark.parametrize(
    "formula",
    [
        "$a$", "$$a$$", "\\(a\\)", "\\[a\\]", "\\begin{align*}a&=b\\\\c&=d\\end{align*}",
        "$a \\text{ if $b$}$", "\\[\\mbox{for $x$}\\]", "$$\\hbox{$a$}$$", "$\\$5$",
        "\\begin{equation}\\label{e}\\begin{split}a\\end{split}\\end{equation}",
        "\\begin{tikzcd}A\\arrow[r]&B\\end{tikzcd}", "$\\begin{matrix}a\\\\[2pt]b\\end{matrix}$",
        "\\begin{eqnarray}a&=&b\\nonumber\\vspace{2mm}\\end{eqnarray}", "$\\textcolor{red}{x}$",
        "\\[a\\\\[1ex]b\\]", "$x\\hspace{1em}y\\small$",
    ],
)  # fmt: skip
def test_formulas_are_kept_to_the_letter(formula: str) -> None:
    paper = extract_paper(single(document(f"Before {formula} after.")))
    assert paper.text == f"Before {formula} after."
    assert sum(paper.formulas_kept.values()) == sum(paper.formulas_found.values()) == 1


def test_a_dollar_that_nothing_closes_swallows_nothing() -> None:
    paper = extract_paper(
        single(document("It costs 5$ a piece.\n\nHere is $x$ and \\vspace{1cm} text."))
    )
    assert paper.text == "It costs 5$ a piece.\n\nHere is $x$ and  text."


@pytest.mark.parametrize(
    ("encoding", "declared", "word"),
    [
        ("latin-1", "latin1", "Poincaré, Gödel und Erdös"),
        ("latin-1", "", "Poincaré, Gödel und Erdös"),
        ("cp1252", "", "Gödel’s “proof” – naïve"),
        ("koi8-r", "koi8-r", "Теорема о простых числах"),
        ("koi8-r", "", "Теорема о распределении простых чисел доказана в этой работе"),
        ("cp1251", "", "Теорема о распределении простых чисел доказана в этой работе"),
        ("utf-16", "", "Poincaré’s theorem"),
        ("utf-16-le", "", "A theorem of Poincaré in some words"),
        ("utf-8-sig", "", "Poincaré"),
    ],
)
def test_encodings_are_detected_and_told(encoding: str, declared: str, word: str) -> None:
    preamble = f"\\usepackage[{declared}]{{inputenc}}" if declared else ""
    paper = extract_paper(single(document(f"{word}. $x$", preamble).encode(encoding)))
    assert paper.text == f"{word}. $x$"
    expected = {"utf-16": "utf-16-le", "utf-8-sig": "utf-8"}.get(encoding, encoding)
    assert paper.encoding == expected


def test_one_file_in_another_encoding_costs_nothing() -> None:
    paper = extract_paper(
        packed(
            {"main.tex": document("\\input{a} Über $x$"), "a.tex": "Möbius $y$".encode("latin-1")}
        )
    )
    assert paper.text == "Möbius $y$ Über $x$"
    assert paper.encoding == "latin-1,utf-8"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"%PDF-1.4 ...", "no-source"),
        (single(b"%!PS-Adobe-2.0"), "no-source"),
        (single(b"<html><body>Paper</body></html>"), "no-source"),
        (packed({"paper.pdf": b"%PDF-1.4", "fig.eps": b"%!PS"}), "no-source"),
        (single("%auto-ignore\nThis paper has been withdrawn."), "withdrawn"),
        (b"\x1f\x8b\x08broken", "damaged"),
        (packed({"main.tex": document("x" * 5000)})[:-40], "damaged"),
        (b"", "damaged"),
    ],
)
def test_what_is_no_source_is_told(raw: bytes, reason: str) -> None:
    with pytest.raises(SourceError) as caught:
        extract_paper(raw)
    assert caught.value.reason == reason


def test_bombs_are_stopped_at_their_limit() -> None:
    limits = SourceLimits(unpacked_bytes=1 << 20, tex_bytes=1 << 16, members=50)
    for raw in (
        single(b"\0" * (8 << 20)),
        single(b"x" * (1 << 17)),
        packed({"a.png": b"\0" * (8 << 20), "main.tex": document("x")}),
        packed({"main.tex": document("x" * (1 << 17))}),
        packed({f"f{n}.tex": "x" for n in range(60)}),
    ):
        with pytest.raises(SourceError) as caught:
            read_source(raw, limits)
        assert caught.value.reason == "too_large"


def test_paths_that_lead_out_are_left_out_and_told() -> None:
    paper = extract_paper(
        packed({"../../etc/evil.tex": "Evil", "main.tex": document("\\input{../../etc/evil} Good")})
    )
    assert paper.text == "Good"
    assert paper.info["skipped_traversal"] == 1


def test_binary_under_a_tex_name_is_left_out() -> None:
    paper = extract_paper(
        packed({"main.tex": document("Good $x$"), "b.tex": bytes(range(256)) * 40})
    )
    assert paper.text == "Good $x$"
    assert paper.info["skipped_binary"] == 1
