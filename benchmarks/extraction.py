"""Which extractor keeps the formulas: recall, precision and mode on pages whose formulas are known.

Run from the repository's root::

    python -m benchmarks.extraction --data ../shared/data/html_math

The pages are one article rendered five ways, with its formulas in ``*_truth.jsonl``. Extractors
whose packages aren't installed (trafilatura) are left out. A formula counts as found when it is in
the output between dollars or TeX brackets, equal up to spaces and needless braces; its mode is
right when it's inline or displayed as in the source.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from extractors.html import extract_html

Extractor = Callable[[bytes], str]

_DELIMITED = re.compile(
    r"(?<!\\)\$\$(?P<a>.+?)(?<!\\)\$\$|(?<!\\)\$(?P<b>.+?)(?<!\\)\$"
    r"|\\\[(?P<c>.+?)\\\]|\\\((?P<d>.+?)\\\)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Score:
    """How an extractor did on one page.

    Attributes:
        recall: Share of the page's formulas that are in the text.
        precision: Share of the text's formulas that are the page's.
        mode: Share of the found formulas that are in the right mode.
        milliseconds: Processor time.
    """

    recall: float
    precision: float
    mode: float
    milliseconds: float


def normalised(tex: str) -> str:
    """TeX without spaces, without braces around one character."""
    return re.sub(r"\{([A-Za-z0-9])\}", r"\1", re.sub(r"\s+", "", tex))


def formulas(text: str) -> Counter[tuple[str, str]]:
    """The delimited formulas of a text, with their modes."""
    found: Counter[tuple[str, str]] = Counter()
    for match in _DELIMITED.finditer(text):
        display = match.group("a") or match.group("c")
        tex = display or match.group("b") or match.group("d")
        found[normalised(tex), "display" if display else "inline"] += 1
    return found


def score(extract: Extractor, page: bytes, truth: Counter[tuple[str, str]]) -> Score:
    """Runs an extractor on one page and compares."""
    begin = time.process_time()
    text = extract(page)
    milliseconds = (time.process_time() - begin) * 1e3
    found = formulas(text)
    in_mode = sum((found & truth).values())
    found_tex: Counter[str] = Counter()
    for (tex, _), count in found.items():
        found_tex[tex] += count
    true_tex: Counter[str] = Counter()
    for (tex, _), count in truth.items():
        true_tex[tex] += count
    right = sum((found_tex & true_tex).values())
    return Score(
        recall=right / max(1, sum(true_tex.values())),
        precision=right / max(1, sum(found_tex.values())),
        mode=in_mode / max(1, right),
        milliseconds=milliseconds,
    )


def extractors() -> dict[str, Extractor]:
    """The extractors that can be run here."""
    available: dict[str, Extractor] = {"proofmill": lambda page: extract_html(page).text}
    try:
        published = importlib.import_module("extractors.html.published")
    except ImportError:
        pass
    else:
        available["published"] = lambda page: str(published.extract_published(page).text)
    parse = importlib.import_module("resiliparse.parse.html")
    plain = importlib.import_module("resiliparse.extract.html2text")
    available["resiliparse"] = lambda page: str(
        plain.extract_plain_text(
            parse.HTMLTree.parse(page.decode("utf-8", "replace")), main_content=True
        )
    )
    try:
        trafilatura = importlib.import_module("trafilatura")
    except ImportError:
        pass
    else:
        available["trafilatura"] = lambda page: trafilatura.extract(page) or ""
    return available


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with derived/*_truth.jsonl"
    )
    arguments = parser.parse_args()
    truths = sorted(arguments.data.glob("**/*_truth.jsonl"))
    if not truths:
        print(f"no *_truth.jsonl below {arguments.data}", file=sys.stderr)
        return 2
    print(f"{'page':34} {'extractor':12} {'recall':>7} {'precision':>9} {'mode':>6} {'ms':>7}")
    for truth_path in truths:
        rows = [json.loads(line) for line in truth_path.read_text().splitlines()]
        truth = Counter((normalised(row["tex"]), str(row["mode"])) for row in rows)
        stem = truth_path.name.removesuffix("truth.jsonl")
        for page in sorted(truth_path.parent.glob(f"{stem}*.html")):
            for name, extract in extractors().items():
                result = score(extract, page.read_bytes(), truth)
                print(
                    f"{page.stem[-34:]:34} {name:12} {result.recall:7.1%} {result.precision:9.1%}"
                    f" {result.mode:6.1%} {result.milliseconds:7.1f}"
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
