r"""How long the worst pages take: time and peak memory by kind of page and size.

Run from the repository's root::

    python -m benchmarks.extraction_limits --sizes 1 5 20 50

Each page is extracted in a process of its own, so that the memory is the page's. Time is processor
time of the extraction alone. A page that needs more than ``--limit`` seconds is stopped and marked
``>``; a crawl's pages are a megabyte or five, and what the recipe allows beyond is its own matter
(``limits.extract_cpu_seconds``).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable

from extractors.html import ExtractionError, extract_html

_MEGABYTE = 1_000_000


def _repeated(unit: str, size: int, *, before: str = "", after: str = "") -> str:
    return before + unit * (size // len(unit)) + after


def _numbered(unit: str, size: int) -> str:
    """The unit again and again, ``%d`` in it counting up, so that nothing is the same twice."""
    return "".join(unit % number for number in range(size // len(unit)))


_KATEX = (
    '<span class="katex"><span class="katex-mathml"><math><semantics><mrow><mi>x</mi></mrow>'
    '<annotation encoding="application/x-tex">x_{%d}</annotation></semantics></math></span>'
    '<span class="katex-html"><span class="base"><span class="mord">x</span></span></span></span>\n'
)
_GLYPHS = '<span class="katex"><span class="katex-html"><span class="mord">%d</span></span></span>'
_ROW = "<tr><td>%d</td><td>b</td><td>c</td></tr>"
_MATHJAX_CONFIG = (
    "<script>MathJax.Hub.Config({tex2jax:{inlineMath:[['$','$']]}});</script><p>mathjax "
)

_KINDS: dict[str, Callable[[int], str]] = {
    "prose": lambda size: _numbered("<p>Let $x_{%d}$ be a <b>number</b> of the field.</p>\n", size),
    "deep div": lambda size: _repeated("<div>", size, after="end"),
    "deep inline": lambda size: _repeated("<font>a", size),
    "deep lists": lambda size: _repeated("<ul><li>x", size),
    "deep quotations": lambda size: _repeated("<blockquote>q", size),
    "deep tables": lambda size: _repeated("<table><tr><td>x", size),
    "deep superscripts": lambda size: _repeated("x<sup>2", size),
    "deep pre": lambda size: _repeated("<pre>q", size),
    "tiny tags": lambda size: _repeated("<i></i>", size),
    "tiny words": lambda size: _repeated("<b>a</b> ", size),
    "breaks": lambda size: _repeated("a<br>", size),
    "table": lambda size: "<table>" + _numbered(_ROW, size),
    "wide row": lambda size: "<table><tr>" + _numbered("<td>%d</td>", size),
    "links": lambda size: _numbered('<li><a href="/%d">link</a></li>\n', size),
    "classes": lambda size: _numbered('<div class="c%d nav">a</div>', size),
    "one text": lambda size: "<p>" + _repeated("all the words of it ", size),
    "dollars": lambda size: "<p>" + _repeated("$5 and ", size),
    "dollars of MathJax": lambda size: _MATHJAX_CONFIG + _repeated("$5 and ", size),
    "lone dollars": lambda size: _MATHJAX_CONFIG + _repeated("$", size),
    "unclosed parentheses": lambda size: "<p>" + _repeated("\\( x ", size),
    "unclosed environments": lambda size: "<p>" + _repeated("\\begin{align} x ", size),
    "nested environments": lambda size: (
        "<p>" + _repeated("\\begin{align}", size // 2) + _repeated("\\end{align}", size // 2)
    ),
    "unclosed forum tags": lambda size: "<p>" + _repeated("[tex] x ", size),
    "formulas": lambda size: "<p>" + _numbered("\\(x_{%d}\\) ", size),
    "scripts": lambda size: _numbered('<script type="math/tex">x_{%d}</script>', size),
    "KaTeX": lambda size: _numbered(_KATEX, size),
    "KaTeX glyphs": lambda size: _numbered(_GLYPHS, size),
    "MathML formulas": lambda size: _numbered(
        "<math><msup><mi>x</mi><mn>%d</mn></msup></math> ", size
    ),
    "one MathML row": lambda size: "<math><mrow>" + _repeated("<mi>x</mi><mo>+</mo>", size),
    "deep MathML": lambda size: "<math>" + _repeated("<mrow>", size) + "<mi>x</mi>",
    "MathML fences": lambda size: "<math>" + _repeated("<mrow><mo>(</mo><mi>x</mi>", size),
    "images": lambda size: _numbered('<img class="latex" alt="\\frac{a}{%d}"> ', size),
    "macros": lambda size: "<p>" + _repeated("\\newcommand{\\qa}{x} $\\qa$ ", size),
    "unclosed macros": lambda size: "<p>" + _repeated("\\newcommand{\\qa}{", size),
    "unclosed configurations": lambda size: _repeated("mathjax macros: { delimiters: [", size),
    "comments": lambda size: _repeated("<!-- c -->", size),
    "unclosed tags": lambda size: _repeated("<a ", size),
    "less than": lambda size: _repeated("<", size),
    "attributes": lambda size: "<p " + _numbered("a%d=b ", size) + ">text",
    "entities": lambda size: "<p>" + _repeated("&amp;&nbsp;&#960;", size),
    "zero-widths": lambda size: "<p>" + _repeated("a\u200b\u00ad", size // 2),
    "combining marks": lambda size: "<p>a" + _repeated("\u0301\u0323", size // 2),
    "spaces": lambda size: "<p>a" + _repeated(" \u00a0\n", size) + "b",
    "lines of code": lambda size: "<pre><code>" + _numbered("<span>x = %d</span>\n", size),
    "LaTeXML rows": lambda size: _numbered(
        '<table class="ltx_eqn_row"><td><math alttext="x_%d"></math></td></table>', size
    ),
    "AsciiMath": lambda size: "<p>asciimath.js " + _repeated("`x^2/3 + ", size),
}  # fmt: skip


def _extract(kind: str, megabytes: float) -> int:
    """Extracts one page and prints what it cost, as JSON."""
    raw = _KINDS[kind](int(megabytes * _MEGABYTE)).encode()
    begin = time.process_time()
    outcome = "text"
    try:
        text = extract_html(raw).text
    except ExtractionError as error:
        text, outcome = "", error.reason
    seconds = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"s": seconds, "mb": peak, "chars": len(text), "outcome": outcome}))
    return 0


def _measured(kind: str, megabytes: float, limit: float) -> str:
    command = [sys.executable, "-m", "benchmarks.extraction_limits", "--page", kind]
    try:
        done = subprocess.run(
            [*command, "--sizes", str(megabytes)],
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{'>' + format(limit, 'g'):>7} s {'':>8}   {'':16}"
    if done.returncode:
        return f"{'died':>7}   {done.returncode:>8}   {'':16}"
    cost = json.loads(done.stdout)
    return f"{cost['s']:7.2f} s {cost['mb']:5.0f} MB   {cost['outcome']:16}"


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=float, nargs="+", default=[1, 5, 20, 50], help="megabytes")
    parser.add_argument("--kinds", nargs="*", default=list(_KINDS), choices=list(_KINDS))
    parser.add_argument("--limit", type=float, default=60, help="seconds of wall time a page")
    parser.add_argument("--page", choices=list(_KINDS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.page:
        return _extract(arguments.page, arguments.sizes[0])
    print(f"{'page':24}" + "".join(f"{f'{size:g} MB':>20}{'':16}" for size in arguments.sizes))
    for kind in arguments.kinds:
        cells = [_measured(kind, size, arguments.limit) for size in arguments.sizes]
        print(f"{kind:24}" + "".join(cells), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
