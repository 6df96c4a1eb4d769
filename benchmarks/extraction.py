"""Which extractor keeps the formulas of real pages, and their text.

Run from the repository's root, after ``python -m benchmarks.oracle``::

    python -m benchmarks.extraction --truth truth.jsonl --modules benchmarks/oracle/node_modules \\
        --renderings renderings.jsonl --html PAGES --bench BENCH --out docs/extraction.md

Extractors whose packages aren't installed are left out. What the columns mean stands in the report.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import unquote

from benchmarks.compared_extractors import Compared, compared_extractors
from benchmarks.extraction_report import report
from benchmarks.formula_matching import (
    Found,
    Match,
    Rendering,
    delimited,
    exact_key,
    match,
    skeleton,
)
from benchmarks.oracle import Page, TrueFormula, read_truth
from benchmarks.reference_texts import references, word_f1

_SECONDS_A_PAGE = 60
_HERE = Path(__file__).parent


@dataclass(slots=True)
class Tally:
    """What an extractor did on some pages.

    Attributes:
        wanted: Formulas that it should have.
        kept: Of these, in the text.
        wanted_tex: Of these, ones that the page holds as TeX.
        same: Kept with the same TeX.
        modes: Kept ones whose mode the page says.
        in_mode: Of these, in the right mode.
        found: Formulas in its text.
        right: Of these, ones of the page.
        repeated: Formulas of the page, more often than there.
        false: Formulas that aren't the page's.
        broken: Formulas that KaTeX refuses though it takes the page's.
        page_recalls: Sum over the pages with wanted formulas of the share that was kept.
        pages_with_wanted: Their number.
        nearness: Sum over missed formulas of the similarity to the nearest false one.
        pages: Pages.
        failed: Pages without an answer in time, or with an error.
    """

    wanted: int = 0
    wanted_tex: int = 0
    kept: int = 0
    same: int = 0
    modes: int = 0
    in_mode: int = 0
    found: int = 0
    right: int = 0
    repeated: int = 0
    false: int = 0
    broken: int = 0
    page_recalls: float = 0.0
    pages_with_wanted: int = 0
    nearness: float = 0.0
    pages: int = 0
    failed: int = 0

    def add(self, other: Tally) -> None:
        """Takes another's counts in."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class Results:
    """What an extractor did.

    Attributes:
        compared: The extractor.
        by_collection: By collection of pages.
        by_encoding: By how the page holds the formula; recall and mode only.
        f1: Mean F1 of words and number of pages, by collection.
        seconds: Processor time over the pages of the oracle.
        bytes: Their size.
        pages: Their number.
    """

    compared: Compared
    by_collection: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    by_encoding: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    f1: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    seconds: float = 0.0
    bytes: int = 0
    pages: int = 0

    def total(self) -> Tally:
        """The sum over all collections."""
        tally = Tally()
        for part in self.by_collection.values():
            tally.add(part)
        return tally


class _OutOfTime(Exception):
    pass


def _raise(signum: int, frame: FrameType | None) -> None:
    raise _OutOfTime


def extracted(compared: Compared, page: bytes) -> tuple[str | None, float]:
    """An extractor's text and its processor time; no text when it fails or takes too long."""
    signal.signal(signal.SIGALRM, _raise)
    signal.alarm(_SECONDS_A_PAGE)
    begin = time.process_time()
    try:
        return compared.extract(page), time.process_time() - begin
    except Exception:  # other people's extractors fail in their own ways; the table counts it
        return None, time.process_time() - begin
    finally:
        signal.alarm(0)


class Renderer:
    """Renders TeX with KaTeX and MathJax, each fragment once.

    Args:
        modules: The ``node_modules`` of the oracle.
        cache: Where renderings are kept between runs.
    """

    def __init__(self, modules: Path, cache: Path) -> None:
        self._modules = modules
        self._cache = cache
        self.known: dict[str, Rendering] = {}
        if cache.exists():
            for line in cache.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                self.known[row["tex"]] = Rendering(
                    row["parses"], row["error"], frozenset(row["skeletons"])
                )

    def render(self, fragments: Iterable[str]) -> None:
        """Renders what isn't known yet."""
        missing = sorted(set(fragments) - self.known.keys())
        if not missing:
            return
        run = subprocess.run(
            [
                "node",
                str(_HERE / "oracle" / "render.js"),
                "--modules",
                str(self._modules.resolve()),
            ],
            input="\n".join(json.dumps(tex) for tex in missing),
            text=True,
            capture_output=True,
            check=True,
        )
        with self._cache.open("a", encoding="utf-8") as cache:
            for line in run.stdout.splitlines():
                row = json.loads(line)
                looks = {skeleton(row["katex"]), skeleton(row["mathjax"])} - {""}
                rendering = Rendering(row["parses"], row["error"], frozenset(looks))
                self.known[row["tex"]] = rendering
                cache.write(
                    json.dumps(
                        {
                            "tex": row["tex"],
                            "parses": rendering.parses,
                            "error": rendering.error,
                            "skeletons": sorted(looks),
                        }
                    )
                    + "\n"
                )


def looks_of(formula: TrueFormula, renderer: Renderer) -> frozenset[str]:
    """What a true formula looks like."""
    looks = {skeleton(formula.mathml)}
    if formula.format == "mathml" and not formula.mathml:
        looks.add(skeleton(formula.text))
    if formula.format == "tex" and formula.text in renderer.known:
        looks |= renderer.known[formula.text].skeletons
    return frozenset(looks - {""})


def is_blank(formula: TrueFormula, looks: frozenset[str]) -> bool:
    """Whether it shows no formula: definitions, spaces, a bare reference, the library's refusal."""
    if formula.mathml and not skeleton(formula.mathml):
        return True
    if "<merror" in formula.mathml:
        return True
    if formula.format == "tex":
        text = formula.text.strip()
        return not exact_key(text) or _REFERENCE.fullmatch(text) is not None
    return not looks


_REFERENCE = re.compile(r"(?:\\(?:eqref|ref|PageIndex)\s*\{[^{}]*\}\s*)+")
"""What only points to an equation or counts one: LibreTexts numbers its examples with MathJax."""


def tally(
    page: Page,
    true: list[TrueFormula],
    found: list[Found],
    matched: Match,
    verbatim: str,
    renderer: Renderer,
) -> tuple[Tally, dict[str, Tally]]:
    """The counts of one page, in all and by encoding."""
    whole = Tally(pages=1, found=len(found))
    parts: dict[str, Tally] = defaultdict(Tally)
    for one in true:
        if one.is_wanted:
            whole.wanted += 1
            whole.wanted_tex += one.format == "tex"
            parts[encoding_of(one)].wanted += 1
    for index, position, exact in matched.pairs:
        one = true[index]
        whole.right += 1
        part = parts[encoding_of(one)]
        if not one.is_wanted:
            continue
        for each in (whole, part):
            each.kept += 1
            each.same += exact
            if one.display is not None:
                each.modes += 1
                each.in_mode += one.display == found[position].display
    if page.settings_missing:  # what the library doesn't list may be a formula all the same
        whole.found = whole.right
    else:
        whole.repeated = len(matched.repeated)
        whole.false = len(matched.false)
    whole.nearness = sum(matched.similarities.values())
    if whole.wanted:
        whole.page_recalls = whole.kept / whole.wanted
        whole.pages_with_wanted = 1
    for index in matched.missed:
        parts[encoding_of(true[index])].nearness += matched.similarities[index]
    whole.broken = len(broken(true, found, verbatim, renderer))
    return whole, parts


def broken(
    true: list[TrueFormula], found: list[Found], verbatim: str, renderer: Renderer
) -> list[Found]:
    """Found formulas that KaTeX refuses, though the page doesn't hold them like that.

    Args:
        true: The page's formulas.
        found: The text's formulas.
        verbatim: The page without spaces, references resolved.
        renderer: Knows what KaTeX accepts.
    """
    refused = {exact_key(one.text) for one in true if one.format == "tex"}
    return [
        one
        for one in found
        if not renderer.known[one.tex].parses
        and exact_key(one.tex) not in refused
        and "".join(one.tex.split()) not in verbatim
    ]


def verbatim_of(page: Page) -> str:
    """A page's markup and text without spaces, references and percent codes resolved."""
    markup = html.unescape(page.path.read_bytes().decode("utf-8", "replace"))
    return "".join((markup + unquote(markup)).split())


def encoding_of(formula: TrueFormula) -> str:
    """How the page holds the formula, in the table's words."""
    return f"{formula.oracle} {formula.format}"


def faults(
    page: Page,
    true: list[TrueFormula],
    found: list[Found],
    matched: Match,
    verbatim: str,
    renderer: Renderer,
) -> Iterable[dict[str, Any]]:
    """Everything to look at on a page, for the file of faults."""
    name = "/".join(page.path.parts[-2:])
    for index in matched.missed:
        one = true[index]
        text = one.text if one.format != "mathml" else one.mathml or one.text
        yield {
            "fault": "missed", "page": name, "encoding": encoding_of(one), "tex": text[:400],
            "near": round(matched.similarities[index], 2),
        }  # fmt: skip
    for kind, positions in (("false", matched.false), ("repeated", matched.repeated)):
        for position in () if page.settings_missing else positions:
            tex, display = found[position].tex[:400], found[position].display
            yield {"fault": kind, "page": name, "tex": tex, "display": display}
    for index, position, _ in matched.pairs:
        one = true[index]
        if one.is_wanted and one.display is not None and one.display != found[position].display:
            yield {
                "fault": "mode", "page": name, "encoding": encoding_of(one),
                "display": one.display, "tex": one.text[:200],
            }  # fmt: skip
    for one_found in broken(true, found, verbatim, renderer):
        error = renderer.known[one_found.tex].error[:200]
        yield {"fault": "broken", "page": name, "tex": one_found.tex[:400], "error": error}


def measure(
    pages: list[Page],
    extractors: list[Compared],
    renderer: Renderer,
    faults_folder: Path | None,
    progress: Callable[[str], None],
) -> tuple[list[Results], dict[str, int]]:
    """Runs every extractor on every page.

    Returns:
        The results, and how many pages and formulas were left out, by reason.
    """
    results = [Results(one) for one in extractors]
    found_by: dict[str, list[list[Found] | None]] = {one.name: [] for one in extractors}
    for number, page in enumerate(pages):
        raw = page.path.read_bytes()
        for result in results:
            text, seconds = extracted(result.compared, raw)
            result.seconds += seconds
            result.bytes += len(raw)
            result.pages += 1
            found_by[result.compared.name].append(None if text is None else delimited(text))
        if number % 20 == 0:
            progress(f"{number}/{len(pages)} pages")
    renderer.render(one.text for page in pages for one in page.formulas if one.format == "tex")
    renderer.render(
        one.tex for lists in found_by.values() for found in lists if found for one in found
    )
    verbatims = [verbatim_of(page) for page in pages]
    left_out: Counter[str] = Counter()
    for result in results:
        lines: list[str] = []
        for number, page in enumerate(pages):
            looks = [looks_of(one, renderer) for one in page.formulas]
            blank = [is_blank(one, look) for one, look in zip(page.formulas, looks, strict=True)]
            # What shows nothing needn't be kept, but may be.
            true = [
                replace(one, visible=False) if nothing else one
                for one, nothing in zip(page.formulas, blank, strict=True)
            ]
            if result is results[0]:
                left_out["refused, or showing nothing, or referring"] += sum(blank)
                for one, nothing in zip(page.formulas, blank, strict=True):
                    if not nothing:
                        left_out["hidden"] += not one.visible
                        left_out["in the page's frame"] += one.visible and one.chrome
                        left_out["in code"] += one.visible and not one.chrome and one.code
            found = found_by[result.compared.name][number]
            if found is None:
                result.by_collection[page.collection].failed += 1
            matched = match(true, found or [], renderer.known, looks)
            whole, parts = tally(page, true, found or [], matched, verbatims[number], renderer)
            result.by_collection[page.collection].add(whole)
            for encoding, part in parts.items():
                result.by_encoding[encoding].add(part)
            details = faults(page, true, found or [], matched, verbatims[number], renderer)
            lines += [json.dumps(one) for one in details]
        if faults_folder is not None:
            name = result.compared.name.replace(" ", "_") + ".jsonl"
            (faults_folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        progress(f"matched {result.compared.name}")
    return results, dict(left_out)


def main() -> int:
    """Measures and writes the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--truth", type=Path, required=True, help="what benchmarks.oracle wrote")
    parser.add_argument("--modules", type=Path, default=_HERE / "oracle" / "node_modules")
    parser.add_argument("--renderings", type=Path, required=True, help="kept between runs")
    parser.add_argument("--html", type=Path, help="unpacked html.tar.gz, for text F1")
    parser.add_argument("--bench", type=Path, help="llm-webkit's bench/data, for text F1")
    parser.add_argument("--extractors", help="comma-separated; all when not given")
    parser.add_argument("--faults", type=Path, help="folder for every single fault, as JSONL")
    parser.add_argument("--only", help="only pages whose path contains this")
    parser.add_argument("--out", type=Path, help="Markdown to write; standard output if not given")
    arguments = parser.parse_args()
    truth = read_truth(arguments.truth)
    seen: set[bytes] = set()
    pages: list[Page] = []
    for page in truth.pages:
        if arguments.only and arguments.only not in str(page.path):
            continue
        raw = page.path.read_bytes()
        # Collections share pages; each counts once, and only where there's something to find.
        if raw in seen or not page.examined:
            continue
        seen.add(raw)
        pages.append(page)
    extractors = compared_extractors(arguments.extractors and arguments.extractors.split(","))
    if arguments.faults is not None:
        arguments.faults.mkdir(parents=True, exist_ok=True)
    renderer = Renderer(arguments.modules, arguments.renderings)

    def progress(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    results, left_out = measure(pages, extractors, renderer, arguments.faults, progress)
    for reference in references(arguments.html, arguments.bench):
        for result in results:
            text, _ = extracted(result.compared, reference.page)
            result.f1[reference.collection].append(word_f1(text or "", reference.text))
    written = report(results, left_out, truth, sys.argv[1:])
    if arguments.out is None:
        print(written)
    else:
        arguments.out.write_text(written, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
