"""The report of the extraction benchmark, as Markdown."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks.oracle import Truth

if TYPE_CHECKING:
    from benchmarks.extraction import Results, Tally

__all__ = ["report"]

_METHOD = """\
Written by `python -m benchmarks.extraction`; nothing below is typed by hand.

**Truth.** Each page is opened in headless Chromium without network. Requests for MathJax and
KaTeX, on whatever host, are answered with the npm package of the major version that the page asks
for; the page's own configuration runs; then the library is asked for its list of formulas, with
source, mode and MathML. Formulas that no library made (annotations and alternative texts of
rendered pages, formula images, bare MathML, spans of Sphinx and Pandoc) are read from the
document by the browser: `static:` in the tables. Nothing of the extractors' code takes part.

**Which formulas count.** Recall counts the formulas that the browser shows, outside `nav`,
`aside`, `footer`, sidebars, menus, navigation boxes and lists of related pages, and outside code.
Not counted either are formulas that the library itself refuses, that show nothing (macro
definitions), only point to an equation (`\\eqref`) or only count one (LibreTexts' `\\PageIndex`).
Formulas that are left out of recall aren't held against an extractor that has them. A row of
cells into which LaTeXML splits an equation is one formula. Pages where a library ran and found no
formula are in, so that invented formulas show in the precision; pages whose settings are in a
script that can't be had count for recall only. A page that several collections hold counts once.

**What is compared.** An extractor's formulas are what stands between dollars or TeX brackets in
its text, and bare environments. One is *kept* when its TeX is the page's up to spaces (*same
TeX*, among the formulas that the page holds as TeX), or when KaTeX or MathJax renders it to the
same signs in the same structure as the page's library or MathML: this is what decides where a
page's macros are expanded, and where a page holds MathML or AsciiMath and no TeX. *Page recall*
is the mean over pages, so that pages full of formulas don't decide. *Mode* is the share of kept
formulas that are displayed or inline as in the page. *Precision* is the share of the text's
formulas that the page has, each as often as the page has it; *repeated* counts those too many,
*false* the others. Formulas between dollars that a page's library never saw count as false, also
where a reader would take them for formulas. *Missed, nearest* is the mean similarity (difflib, 0
to 1) of a missed formula to the nearest false one. *Broken* counts formulas that KaTeX refuses
(strict mode off) and that don't stand in the page like that. *Words* is the F1 of the bags of
words against the labelled main content. *Pages/s* is by processor time on one core, all
extractors in one process, one after the other on each page.

**What it doesn't show.** Most pages are documentation, and the extractor was corrected wherever
these pages showed it wrong: on pages that nobody has looked at it does less well. Pages drawn by
scripts that aren't in the page, and formulas in a library that isn't MathJax or KaTeX
(ASCIIMathML, jsMath), have no truth here.
"""


def report(
    results: Sequence[Results], left_out: dict[str, int], truth: Truth, command: Sequence[str]
) -> str:
    """The report.

    Args:
        results: What each extractor did, ours first.
        left_out: How many formulas don't count towards recall, by reason.
        truth: Where the formulas come from.
        command: The command's arguments.
    """
    today = datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%d")
    packages = ", ".join(f"{name} {version}" for name, version in truth.packages.items())
    versions = "; ".join(f"{one.compared.name}: {one.compared.versions}" for one in results)
    first = results[0].total()
    reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
    parts = [
        "# Extraction: which formulas survive",
        "",
        _METHOD,
        f"Date {today}, Python {platform.python_version()}, Chromium {truth.browser}; {packages}.",
        f"Extractors: {versions}.",
        "",
        f"{first.pages} pages, {first.wanted} formulas count; not counted: {reasons}.",
        "",
        "## All pages",
        "",
        *_overall(results),
        "",
        "## By collection",
        "",
        "Recall / precision / mode.",
        "",
        *_by_collection(results),
        "",
        "## By encoding",
        "",
        "Recall / mode.",
        "",
        *_by_encoding(results),
        "",
    ]
    if any(one.f1 for one in results):
        parts += ["## Main content", "", "Mean F1 of words.", "", *_words(results), ""]
    return "\n".join(parts)


def _overall(results: Sequence[Results]) -> list[str]:
    lines = [
        "| extractor | recall | page recall | same TeX | precision | mode | repeated | false "
        "| missed, nearest | broken | failed pages | pages/s |",
        "| --- |" + " ---: |" * 11,
    ]
    for one in results:
        total = one.total()
        missed = total.wanted - total.kept
        lines.append(
            f"| {one.compared.name} | {_share(total.kept, total.wanted)} "
            f"| {_share(total.page_recalls, total.pages_with_wanted)} "
            f"| {_share(total.same, total.wanted_tex)} | {_share(total.right, total.found)} "
            f"| {_share(total.in_mode, total.modes)} | {total.repeated} | {total.false} "
            f"| {total.nearness / missed if missed else 1:.2f} | {total.broken} | {total.failed} "
            f"| {one.pages / one.seconds if one.seconds else 0:.1f} |"
        )
    return lines


def _names(results: Sequence[Results]) -> str:
    return " | ".join(one.compared.name for one in results)


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.4f}" if whole else "-"


def _triple(tally: Tally) -> str:
    return " / ".join(
        _share(part, whole)
        for part, whole in (
            (tally.kept, tally.wanted),
            (tally.right, tally.found),
            (tally.in_mode, tally.modes),
        )
    )


def _by_collection(results: Sequence[Results]) -> list[str]:
    names = sorted({name for one in results for name in one.by_collection})
    lines = [
        f"| collection | pages | formulas | {_names(results)} |",
        "| --- | ---: | ---: |" + " --- |" * len(results),
    ]
    for name in names:
        first = results[0].by_collection[name]
        cells = [_triple(one.by_collection[name]) for one in results]
        lines.append(f"| {name} | {first.pages} | {first.wanted} | " + " | ".join(cells) + " |")
    return lines


def _by_encoding(results: Sequence[Results]) -> list[str]:
    names = sorted(
        {name for one in results for name, part in one.by_encoding.items() if part.wanted}
    )
    lines = [
        f"| encoding | formulas | {_names(results)} |",
        "| --- | ---: |" + " --- |" * len(results),
    ]
    for name in names:
        cells = []
        for one in results:
            part = one.by_encoding[name]
            cells.append(f"{_share(part.kept, part.wanted)} / {_share(part.in_mode, part.modes)}")
        wanted = results[0].by_encoding[name].wanted
        lines.append(f"| {name} | {wanted} | " + " | ".join(cells) + " |")
    return lines


def _words(results: Sequence[Results]) -> list[str]:
    names = sorted({name for one in results for name in one.f1})
    lines = [
        f"| collection | pages | {_names(results)} |",
        "| --- | ---: |" + " ---: |" * len(results),
    ]
    for name in names:
        cells = [f"{sum(one.f1[name]) / len(one.f1[name]):.3f}" for one in results if one.f1[name]]
        lines.append(f"| {name} | {len(results[0].f1[name])} | " + " | ".join(cells) + " |")
    return lines
