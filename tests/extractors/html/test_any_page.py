r"""What holds for every page: text or a typed error, the same each time, dollars that pair."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.extraction import Extraction
from extractors.html import ExtractionError, extract_html

FOUND = Path(__file__).parents[2] / "data" / "extraction"
"""Smallest forms of what fuzzing over mutated pages found, each once wrong."""

_DELIMITED = re.compile(r"(?<!\\)(\$\$?)(.+?)(?<!\\)\1", re.DOTALL)
_FRAGMENTS = [
    "<p>", "</p>", "<div>", "<table><tr><td>", "</table>", "<pre>", "</pre>", "<code>", "</code>",
    "<ul><li>", "</ul>", "<sup>", "</sup>", "<sub>", "<h2>", "</h2>", "<br>", "<math>", "<mi>x</mi>",
    "</math>", "<mfrac>", "<annotation encoding='application/x-tex'>", "<span class='katex'>",
    "<span class='katex-html'>", "<mjx-container>", "<script type='math/tex'>", "</script>",
    "<span class='math-container'>", "<img class='latex' alt='\\frac{a}{b}'>", "$", "$$", "\\$", "\\(",
    "\\)", "\\[", "\\]", "\\begin{align}", "\\end{align}", "[tex]", "[/tex]", "`", "{", "}", "&amp;",
    "&#0;", "&nbsp;", "x^2", "price $5", "word ", "été", "\x00", "\x01", "\ufffe", "\ue000", "\ue0000\ue001",
    "<!--", "-->", "<noscript>", "<svg><title>", "mathjax", "\n", "<", ">", "\"", "<blockquote>",
]  # fmt: skip
pages = st.lists(st.sampled_from(_FRAGMENTS), max_size=40).map("".join)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_give_text_or_a_typed_error(raw: bytes) -> None:
    try:
        extraction = extract_html(raw)
    except ExtractionError:
        return
    assert extraction == extract_html(raw)


@settings(max_examples=300, deadline=None)
@given(pages)
def test_text_is_clean_and_dollars_pair(page: str) -> None:
    raw = page.encode("utf-8", "replace")
    extraction = extract_html(raw)
    assert extraction == extract_html(raw)
    assert_clean(extraction)


def assert_clean(extraction: Extraction) -> None:
    text = extraction.text
    assert text == unicodedata.normalize("NFC", text)
    assert text == text.strip()
    assert not re.search("[\x00-\x08\ue000-\ue00f\u00ad\u200b]", text)
    assert "$" not in re.sub(r"\\\$", "", _DELIMITED.sub("", text))
    for name, kept in extraction.formulas_kept.items():
        assert kept <= extraction.formulas_found[name]
    if text != extraction.title:  # the title is all there is where nothing else can be read
        assert len(_DELIMITED.findall(text)) == sum(extraction.formulas_kept.values())


@pytest.mark.parametrize(
    "opening",
    [
        "<div>",
        "<span>a",
        "<ul><li>x",
        "<blockquote>q",
        "<table><tr><td>x",
        "x<sup>2",
        "<pre>q",
        "<font>",
    ],
)
def test_a_hundred_thousand_levels(opening: str) -> None:
    extraction = extract_html(f"<p>beginning</p>{opening * 100_000}end".encode())
    assert "beginning" in extraction.text


def test_deep_mathml() -> None:
    page = "<p>so <math>" + "<mrow>" * 100_000 + "<mi>x</mi>"
    assert "so" in extract_html(page.encode()).text


@pytest.mark.parametrize("cut", [1, 40, 80, 120, 160, 200, 240])
def test_a_page_cut_anywhere(cut: int) -> None:
    page = (
        b'<html><body><h1>Title</h1><p>Let $x^2$ be <span class="katex"><math><annotation '
        b'encoding="application/x-tex">a</annotation></math></span> and \\begin{align}a&=b'
        b"\\end{align} then <table><tr><td>1<td>2<tr><td>3<td>4</table> end</p></body></html>"
    )
    assert extract_html(page[:cut]) == extract_html(page[:cut])


def test_a_page_with_text_never_comes_out_empty() -> None:
    hidden = b'<div style="visibility:hidden"><p>All there is, hidden until scripts run.</p></div>'
    assert "All there is" in extract_html(hidden).text
    links = b"<ul>" + b"<li><a href=a>A link of a table of contents</a></li>" * 30 + b"</ul>"
    assert "table of contents" in extract_html(links).text


@pytest.mark.parametrize("seed", ["0", "1"])
def test_a_function_of_the_bytes_in_any_process(seed: str) -> None:
    page = (
        "<title>T</title><p>Let $x^2$ be \\(a\\) and <span class='katex tex math' data-tex='x+1'"
        " data-latex='x+2' data-expr='x_3'>x</span> <img class='latex tex' alt='\\frac{a}{b}'></p>"
        "<script>MathJax = {tex: {inlineMath: [['$', '$'], ['@', '@']], macros: {R: '\\\\mathbb{R}',"
        " Q: '\\\\mathbb{Q}'}}}</script><p>then @y@ in $\\R$ or $\\Q$</p><nav class='nav'>n</nav>"
    )
    code = "import sys; from extractors.html import extract_html as e;print(e(sys.stdin.buffer.read()))"
    there = subprocess.run(
        [sys.executable, "-c", code],
        input=page.encode(),
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )
    assert there.stdout.decode().strip() == str(extract_html(page.encode()))


@pytest.mark.parametrize("page", sorted(FOUND.glob("*.html")), ids=lambda page: page.stem)
def test_pages_that_fuzzing_found(page: Path) -> None:
    raw = page.read_bytes()
    assert_clean(extract_html(raw))


@pytest.mark.parametrize(
    "unit",
    [
        "\u0301",
        "mathjax macros: { delimiters: [",
        "<mrow><mo>(</mo><mi>x</mi>",
        "<table class='ltx_eqn_row'><td><math alttext='x'></math></td></table>",
        "<blockquote>q",
        "<ul><li>x",
        "\\begin{align} x ",
        "\\newcommand{\\q}{",
    ],
)
def test_a_page_of_one_thing_again_and_again(unit: str) -> None:
    # Some took minutes, when something was squared.
    raw = ("<p>beginning</p><math>a" + unit * (200_000 // len(unit))).encode()
    assert extract_html(raw).text


def test_an_empty_page_is_an_empty_text() -> None:
    assert extract_html(b"").text == ""


def test_a_large_page_is_read_in_seconds() -> None:
    paragraph = (
        "<p>A theorem says that $x^2 + y^2 = z^2$ has <b>many</b> solutions in integers.</p>\n"
    )
    raw = (paragraph * (4_000_000 // len(paragraph))).encode()
    begin = time.process_time()
    extraction = extract_html(raw)
    assert sum(extraction.formulas_kept.values()) == raw.count(b"$x^2")
    assert time.process_time() - begin < 6  # two on an idle core
