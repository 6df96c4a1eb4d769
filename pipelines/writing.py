"""Phase three: the output shards, each a range of document_id, sorted, without duplicates.

A document_id is a hash, so that equal ranges hold about equally many documents; a range, unlike a
remainder, lets a reader find a document's shard and row group from its id, and lets this phase
read only the row groups of the candidates that fall into it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from filters.exact_duplicates import ExactDuplicates
from pipelines.judge import in_share
from pipelines.parquet import write_table
from pipelines.recipe import Recipe
from pipelines.run_directory import RunDirectory
from schemas import Decision
from schemas.open_web_math import open_web_math_view
from schemas.tables import DECISIONS, DOCUMENTS, DROPPED_TEXTS, TRAILS, decisions_array

__all__ = ["shard_bounds", "shard_count", "write_shard"]


def shard_count(text_bytes: int, shard_bytes: int) -> int:
    """How many shards hold so many bytes of text; at least one."""
    return max(1, -(-text_bytes // shard_bytes))


def shard_bounds(number: int, count: int) -> tuple[str, str]:
    """The document_ids of a shard: from the first bound, included, to the second, excluded."""
    low, high = (-(-(place << 128) // count) for place in (number, number + 1))
    return f"{low:032x}", f"{high:032x}" if number + 1 < count else "g"


def write_shard(
    run: RunDirectory, recipe: Recipe, tasks: Sequence[int], number: int, count: int
) -> dict[str, Any]:
    """Writes one shard of documents, their trails, the views, and the duplicates' trails.

    Args:
        run: The run.
        recipe: Its recipe.
        tasks: The tasks whose candidates are read.
        number: The shard's number.
        count: How many there are.

    Returns:
        The shard's marker, as it was written.
    """
    low, high = shard_bounds(number, count)
    documents, trails, places = _gathered(run, tasks, low, high)
    order = _sorted(documents)
    documents, trails = documents.take(order), trails.take(order)
    places = [places[index] for index in order.to_pylist()]
    kept_ids = _duplicates(run, recipe, low, high)
    verdicts = [kept_ids.get(place) for place in places]
    documents, trails = _with_decisions(documents, trails, verdicts, recipe)
    mask = pa.array([verdict is None for verdict in verdicts], pa.bool_())
    kept = documents.filter(mask)
    outputs = [("documents", kept), ("trails", trails)]
    outputs += [(f"views/{view}", open_web_math_view(kept)) for view in recipe.output.views]
    outputs.append(("dropped", _dropped_texts(documents.filter(pc.invert(mask)), recipe)))
    files = []
    for kind, table in outputs:
        path = run.shard(kind, number, count)
        if kind == "dropped" and not table.num_rows:
            continue
        write_table(path, table)
        files.append(asdict(run.written(path, table.num_rows)))
    marker = {
        "shard": number,
        "of": count,
        "candidates": documents.num_rows,
        "kept": kept.num_rows,
        "duplicates": documents.num_rows - kept.num_rows,
        "formulas": _formula_counts(kept),
        "text_bytes": pc.sum(pc.binary_length(kept.column("text"))).as_py() or 0,
        "html_bytes": pc.sum(kept.column("html_bytes")).as_py() or 0,
        "files": files,
    }
    run.write_json(run.marker("write", number), marker)
    return marker


def _gathered(
    run: RunDirectory, tasks: Sequence[int], low: str, high: str
) -> tuple[pa.Table, pa.Table, list[tuple[int, int]]]:
    """Candidates and trails of a range of ids, and where each lies as (task, row)."""
    documents, trails, places = [DOCUMENTS.empty_table()], [TRAILS.empty_table()], []
    for task in tasks:
        if not run.candidates(task).exists():
            continue
        with pq.ParquetFile(run.candidates(task)) as candidates:
            for group, first_row in _groups(candidates, low, high):
                table = candidates.read_row_group(group)
                with pq.ParquetFile(run.candidate_trails(task)) as trail_file:
                    trail_table = trail_file.read_row_group(group)
                ids = table.column("document_id")
                inside = pc.and_(pc.greater_equal(ids, low), pc.less(ids, high))
                documents.append(table.filter(inside))
                trails.append(trail_table.filter(inside))
                chosen = np.flatnonzero(inside.to_numpy(zero_copy_only=False))
                places += [(task, first_row + int(row)) for row in chosen]
    return pa.concat_tables(documents), pa.concat_tables(trails), places


def _groups(file: pq.ParquetFile, low: str, high: str) -> Iterator[tuple[int, int]]:
    """Row groups that may hold ids of a range: (number, first row)."""
    column = DOCUMENTS.get_field_index("document_id")
    first_row = 0
    for number in range(file.num_row_groups):
        group = file.metadata.row_group(number)
        bounds = group.column(column).statistics
        if group.num_rows and (bounds is None or (bounds.max >= low and bounds.min < high)):
            yield number, first_row
        first_row += group.num_rows


def _sorted(documents: pa.Table) -> pa.Array:
    keys = ("document_id", "warc_file", "warc_offset", "warc_inner_offset")
    return pc.sort_indices(documents, sort_keys=[(key, "ascending") for key in keys])


def _duplicates(
    run: RunDirectory, recipe: Recipe, low: str, high: str
) -> dict[tuple[int, int], tuple[str, int]]:
    """Duplicates of a range by their place: the id that was kept, and how many copies there are."""
    found: dict[tuple[int, int], tuple[str, int]] = {}
    for path in run.all_duplicates():
        table = pq.read_table(
            path, filters=[("document_id", ">=", low), ("document_id", "<", high)]
        )
        for row in table.to_pylist():
            found[row["task"], row["row"]] = (row["kept_id"], row["copies"])
    return found


def _with_decisions(
    documents: pa.Table,
    trails: pa.Table,
    verdicts: Sequence[tuple[str, int] | None],
    recipe: Recipe,
) -> tuple[pa.Table, pa.Table]:
    """Adds the duplicate stage's decision to every trail and every document."""
    if recipe.enabled(ExactDuplicates) is None:
        return documents, trails
    decisions = [
        [*(Decision(**entry) for entry in entries), _decision(verdict)]
        for entries, verdict in zip(trails.column("decisions").to_pylist(), verdicts, strict=True)
    ]
    array = decisions_array(decisions)
    drops = [verdict is not None for verdict in verdicts]
    replaced = {
        "verdict": ["drop" if drop else "keep" for drop in drops],
        "dropped_by": [ExactDuplicates.name if drop else "" for drop in drops],
        "reason": ["duplicate" if drop else "" for drop in drops],
    }
    for name, values in replaced.items():
        index = TRAILS.get_field_index(name)
        trails = trails.set_column(index, TRAILS.field(index), pa.array(values, pa.string()))
    trails = _replaced(trails, "decisions", array, TRAILS)
    return _replaced(documents, "decisions", array, DOCUMENTS), trails


def _replaced(table: pa.Table, name: str, array: pa.Array, schema: pa.Schema) -> pa.Table:
    index = schema.get_field_index(name)
    changed: pa.Table = table.set_column(index, schema.field(index), array.cast(DECISIONS))
    return changed


def _decision(verdict: tuple[str, int] | None) -> Decision:
    if verdict is None:
        return Decision.keep(ExactDuplicates.name)
    kept_id, copies = verdict
    return Decision.drop(
        ExactDuplicates.name, "duplicate", detail=f"kept {kept_id}, {copies} copies"
    )


def _dropped_texts(duplicates: pa.Table, recipe: Recipe) -> pa.Table:
    policy, share = recipe.audit.dropped_text, recipe.audit.dropped_text_share
    chosen = [
        policy == "all" or (policy == "share" and in_share(document_id, share, "dropped_text"))
        for document_id in duplicates.column("document_id").to_pylist()
    ]
    rows = duplicates.filter(pa.array(chosen, pa.bool_()))
    columns = [
        rows.column(name)
        if name in rows.column_names
        else pa.array(
            [ExactDuplicates.name if name == "dropped_by" else "duplicate"] * rows.num_rows,
            pa.string(),
        )
        for name in DROPPED_TEXTS.names
    ]
    return pa.Table.from_arrays(columns, schema=DROPPED_TEXTS)


def _formula_counts(kept: pa.Table) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for name in ("formulas_found", "formulas_kept"):
        total: Counter[str] = Counter()
        for entries in kept.column(name).to_pylist():
            total.update(dict(entries))
        counts[name] = dict(sorted(total.items()))
    return counts
