"""Counts over the stretches of all files: by problem, by document, and by set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from filters.overlap import Side
from pipelines.errors import ConservationError
from pipelines.overlap.plan import Searcher
from schemas.overlap import OVERLAP_DOCUMENTS, OVERLAP_PROBLEMS

__all__ = ["document_counts", "problem_counts", "set_counts"]

_SIDES: tuple[Side, ...] = ("input", "output", "formal")
_PROBLEM = ["edition", "problem_set", "item", "side"]
_SET = ["edition", "problem_set", "side"]
_MEASURES = ("documents", "documents_containing", "stretches", "ngrams")


def problem_counts(files: Sequence[Path], searcher: Searcher) -> pa.Table:
    """One row a problem, side and edition, those that weren't found included.

    Args:
        files: Files of schema ``OVERLAPS``.
        searcher: What was looked for.

    Raises:
        ConservationError: Something was found that nobody looked for.
    """
    counts: dict[tuple[str, ...], Counter[str]] = {}
    for path in files:
        for row in _by_problem(pq.read_table(path)):
            key = tuple(row[name] for name in _PROBLEM)
            counts.setdefault(key, Counter()).update({name: row[name] for name in _MEASURES})
    rows = []
    for edition, number, side, searched in _looked_for(searcher):
        problem = searcher.problems[number]
        found = counts.pop((edition, problem.problem_set, problem.item, side), Counter[str]())
        rows.append(
            {
                "edition": edition,
                "problem_set": problem.problem_set,
                "item": problem.item,
                "side": side,
                "group": problem.group,
                "searched": searched,
                **{name: found[name] for name in _MEASURES},
            }
        )
    if counts:
        raise ConservationError(f"found what nobody looked for: {sorted(counts)[:3]}")
    return pa.Table.from_pylist(rows, schema=OVERLAP_PROBLEMS)


def document_counts(files: Sequence[Path]) -> pa.Table:
    """One row a document and edition that found something in it, in the order of the corpus."""
    tables = [OVERLAP_DOCUMENTS.empty_table()]
    keys = ["file", "row", "document_id", "edition"]
    for path in files:
        table = pq.read_table(path)
        problem = pc.binary_join_element_wise(table["problem_set"], table["item"], "\0")
        grouped = table.append_column("problem", problem).group_by(keys)
        counted = grouped.aggregate(
            [("problem", "count_distinct"), ("problem", "count"), ("ngrams", "sum")]
        )
        named = counted.rename_columns([*keys, "problems", "stretches", "ngrams"])
        ordered = named.sort_by([("row", "ascending"), ("edition", "ascending")])
        tables.append(ordered.cast(OVERLAP_DOCUMENTS))
    return pa.concat_tables(tables)


def set_counts(problems: pa.Table, files: Sequence[Path]) -> list[dict[str, Any]]:
    """Totals by edition, problem set and side.

    Args:
        problems: What ``problem_counts`` gave.
        files: Files of schema ``OVERLAPS``.
    """
    documents: Counter[tuple[str, ...]] = Counter()
    for path in files:
        counted = pq.read_table(path).group_by(_SET).aggregate([("row", "count_distinct")])
        for row in counted.to_pylist():
            documents[tuple(row[name] for name in _SET)] += row["row_count_distinct"]
    flags = {
        "searched": problems["searched"],
        "found": pc.greater(problems["documents"], 0),
        "found_whole": pc.greater(problems["documents_containing"], 0),
    }
    for name, flag in flags.items():
        problems = problems.append_column(f"{name}_flag", pc.cast(flag, pa.int64()))
    summed = problems.group_by(_SET).aggregate(
        [("item", "count"), *((f"{name}_flag", "sum") for name in flags), ("ngrams", "sum")]
    )
    named = summed.rename_columns([*_SET, "problems", *flags, "ngrams"])
    rows: list[dict[str, Any]] = named.sort_by([(n, "ascending") for n in _SET]).to_pylist()
    return [{**row, "documents": documents[tuple(row[n] for n in _SET)]} for row in rows]


def _by_problem(table: pa.Table) -> Iterable[dict[str, Any]]:
    by_document = table.group_by([*_PROBLEM, "row"]).aggregate(
        [("contained", "max"), ("ngrams", "sum"), ("item", "count")]
    )
    containing = pc.cast(by_document["contained_max"], pa.int64())
    summed = (
        by_document.append_column("containing", containing)
        .group_by(_PROBLEM)
        .aggregate(
            [("row", "count"), ("containing", "sum"), ("item_count", "sum"), ("ngrams_sum", "sum")]
        )
    )
    rows: list[dict[str, Any]] = summed.rename_columns([*_PROBLEM, *_MEASURES]).to_pylist()
    return rows


def _looked_for(searcher: Searcher) -> Iterator[tuple[str, int, Side, bool]]:
    """Every edition, problem and side, and whether the edition could have found it."""
    for edition in searcher.plan.editions:
        unseen = set(searcher.finder.unseen(edition))
        for number, problem in enumerate(searcher.problems):
            for side in _SIDES:
                if problem.text(side):
                    yield edition.name, number, side, (number, side) not in unseen
    for number, problem in enumerate(searcher.problems):
        if problem.formal:
            yield "statement", number, "formal", searcher.formal.knows_statement(number)
            yield "name", number, "formal", bool(problem.names)
