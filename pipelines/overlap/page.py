"""The report as a page: totals, and the strongest matches side by side; one file, no script."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import pyarrow as pa

from pipelines.overlap.plan import Searcher
from pipelines.run_directory import write_atomically

__all__ = ["write_page"]

# Matches on the page: the strongest, and at most so many of one problem. All are in the tables.
_SHOWN = 300
_SHOWN_OF_ONE = 3
# Characters of a problem, and of a stretch, that are shown.
_LONGEST = 4000


def write_page(
    path: Path,
    content: Mapping[str, Any],
    overlaps: Iterable[tuple[int, pa.Table]],
    searcher: Searcher,
) -> None:
    """Writes the page.

    Args:
        path: Where to.
        content: ``report.json``.
        overlaps: The stretches of each file.
        searcher: What was looked for.
    """
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["number"] = "{:,}".format
    source = resources.files("pipelines.overlap").joinpath("page.html").read_text("utf-8")
    page = environment.from_string(source).render(
        report=content, matches=list(_strongest(overlaps, searcher))
    )
    with write_atomically(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _strongest(
    overlaps: Iterable[tuple[int, pa.Table]], searcher: Searcher
) -> Iterator[dict[str, Any]]:
    """The matches to show, those that hold a whole problem and the longest first."""
    rows = itertools.chain.from_iterable(table.to_pylist() for _, table in overlaps)
    by_problem: dict[tuple[str, str, str], list[tuple[Any, ...]]] = {}
    for number, row in enumerate(rows):
        key = row["problem_set"], row["item"], row["side"]
        best = by_problem.setdefault(key, [])
        entry = (_strength(row), -number, row)
        (heapq.heappush if len(best) < _SHOWN_OF_ONE else heapq.heappushpop)(best, entry)
    chosen = heapq.nlargest(_SHOWN, itertools.chain.from_iterable(by_problem.values()))
    problems = {(p.problem_set, p.item): p for p in searcher.problems}
    for _, _, row in chosen:
        text = problems[row["problem_set"], row["item"]].text(row["side"])
        start, end = row["problem_start"], row["problem_end"]
        yield {
            **row,
            "problem_before": _cut(text[:start], keep_end=True),
            "problem_text": _cut(text[start:end]),
            "problem_after": _cut(text[end:]),
            "text": _cut(row["text"]),
        }


def _strength(row: Mapping[str, Any]) -> tuple[bool, float, int]:
    return row["contained"], row["lcs_ratio"] or 0.0, row["document_end"] - row["document_start"]


def _cut(text: str, *, keep_end: bool = False) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"… {text[-_LONGEST:]}" if keep_end else f"{text[:_LONGEST]} …"
