"""Phase three: the output shards, each a range of document_id, sorted, without duplicates.

A document_id is a hash, so that equal ranges hold about equally many documents; a range, unlike a
remainder, lets a reader find a document's shard and row group from its id, and lets this phase
read only the row groups of the candidates that fall into it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.deduplication.index import Stages
from pipelines.deduplication.stages import verdicts_between
from pipelines.errors import ConservationError
from pipelines.files import listed, open_parquet
from pipelines.judge import in_share
from pipelines.parquet import write_table
from pipelines.recipe import Recipe
from pipelines.run_directory import RunDirectory
from pipelines.splits import WHOLE, split_tables
from pipelines.subsets import subset_of
from schemas import Decision
from schemas.signatures import SIGNATURES
from schemas.tables import DECISIONS, Layout, decisions_array

__all__ = ["shard_bounds", "shard_count", "write_shard"]

# A row of ``pipelines.deduplication.clusters.VERDICTS``.
_Verdict = dict[str, Any]

_REASON = "duplicate"


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
    subset = subset_of(recipe.subset)
    layout = subset.layout
    found = _gathered(run, layout, tasks, low, high).sorted(layout.place)
    duplicates = _duplicates(run, low, high)
    verdicts = [duplicates.get(place) for place in found.places]
    documents, trails = _with_decisions(layout, found.documents, found.trails, verdicts, recipe)
    if subset.amend is not None:
        documents = subset.amend(run, recipe, tasks, documents)
    mask = pa.array([verdict is None for verdict in verdicts], pa.bool_())
    kept = documents.filter(mask)
    same_rows = {"documents": kept}
    same_rows |= {f"views/{view}": subset.views[view](kept) for view in recipe.output.views}
    outputs = list(split_tables(kept, same_rows, recipe.output.splits))
    outputs.append(("trails", WHOLE, trails))
    gone = _stage_names([verdict for verdict in verdicts if verdict])
    outputs.append(
        ("dropped", WHOLE, _dropped_texts(layout, documents.filter(pc.invert(mask)), gone, recipe))
    )
    if recipe.deduplication.near is not None:
        outputs.append(("signatures", WHOLE, _signatures(found.signatures, verdicts)))
    files = []
    rows: Counter[str] = Counter()
    for kind, split, table in outputs:
        path = run.shard(kind, number, count, split)
        if kind == "documents":
            rows[split] += table.num_rows
        if kind in ("dropped", "signatures") and not table.num_rows:
            continue
        write_table(path, table)
        files.append(asdict(run.written(path, table.num_rows)))
    marker = {
        "shard": number,
        "of": count,
        "candidates": documents.num_rows,
        "kept": kept.num_rows,
        "splits": dict(rows) if recipe.output.splits else {},
        "duplicates": documents.num_rows - kept.num_rows,
        "formulas": _formula_counts(kept),
        "text_bytes": pc.sum(pc.binary_length(kept.column("text"))).as_py() or 0,
        "source_bytes": pc.sum(kept.column("source_bytes")).as_py() or 0,
        "files": files,
    }
    if rows.total() != kept.num_rows:
        raise ConservationError(f"shard {number}: {kept.num_rows} documents, {rows} in splits")
    run.write_json(run.marker("write", number), marker)
    return marker


@dataclass(frozen=True, slots=True)
class _Candidates:
    """The candidates of a range of ids, row by row in three tables.

    Attributes:
        documents: The documents.
        trails: Their trails.
        signatures: Their rows of the index, when there is one.
        places: Where each lies, as (task, row).
    """

    documents: pa.Table
    trails: pa.Table
    signatures: pa.Table
    places: list[tuple[int, int]]

    def sorted(self, place: Sequence[str]) -> _Candidates:
        """In order of id, and of place where ids are equal."""
        keys = ("document_id", *place)
        order = pc.sort_indices(self.documents, sort_keys=[(key, "ascending") for key in keys])
        return _Candidates(
            self.documents.take(order),
            self.trails.take(order),
            self.signatures.take(order) if self.signatures.num_rows else self.signatures,
            [self.places[index] for index in order.to_pylist()],
        )


def _gathered(
    run: RunDirectory, layout: Layout, tasks: Sequence[int], low: str, high: str
) -> _Candidates:
    documents, trails, signatures = (
        [schema.empty_table()] for schema in (layout.documents, layout.trails, SIGNATURES)
    )
    places = []
    there = {*listed(run.work / "read", "*.parquet"), *listed(run.index, "*.parquet")}
    for task in tasks:
        if run.candidates(task) not in there:
            continue
        indexed = run.index / f"{task:06d}.parquet"
        with ExitStack() as stack:
            candidates = stack.enter_context(open_parquet(run.candidates(task)))
            # Files of one task are written in groups of the same rows.
            beside = [(stack.enter_context(open_parquet(run.candidate_trails(task))), trails)]
            if indexed in there:
                beside.append((stack.enter_context(open_parquet(indexed)), signatures))
            for group, first_row in _groups(candidates, low, high):
                table = candidates.read_row_group(group)
                ids = table.column("document_id")
                inside = pc.and_(pc.greater_equal(ids, low), pc.less(ids, high))
                documents.append(table.filter(inside))
                for file, gathered in beside:
                    gathered.append(file.read_row_group(group).filter(inside))
                chosen = np.flatnonzero(inside.to_numpy(zero_copy_only=False))
                places += [(task, first_row + int(row)) for row in chosen]
    return _Candidates(
        pa.concat_tables(documents), pa.concat_tables(trails), pa.concat_tables(signatures), places
    )


def _groups(file: pq.ParquetFile, low: str, high: str) -> Iterator[tuple[int, int]]:
    """Row groups that may hold ids of a range: (number, first row)."""
    column = file.schema_arrow.get_field_index("document_id")
    first_row = 0
    for number in range(file.num_row_groups):
        group = file.metadata.row_group(number)
        bounds = group.column(column).statistics
        if group.num_rows and (bounds is None or (bounds.max >= low and bounds.min < high)):
            yield number, first_row
        first_row += group.num_rows


def _duplicates(run: RunDirectory, low: str, high: str) -> dict[tuple[int, int], _Verdict]:
    """Duplicates of a range by their place."""
    verdicts = verdicts_between(run.deduplication, low, high).to_pylist()
    return {(row["task"], row["row"]): row for row in verdicts}


def _with_decisions(
    layout: Layout,
    documents: pa.Table,
    trails: pa.Table,
    verdicts: Sequence[_Verdict | None],
    recipe: Recipe,
) -> tuple[pa.Table, pa.Table]:
    """Adds what the duplicate stages decided to every trail and every document."""
    stages = recipe.deduplication
    if not stages:
        return documents, trails
    decisions = [
        [*(Decision(**entry) for entry in entries), *_decisions(verdict, stages)]
        for entries, verdict in zip(trails.column("decisions").to_pylist(), verdicts, strict=True)
    ]
    array = decisions_array(decisions)
    replaced = {
        "verdict": ["drop" if verdict else "keep" for verdict in verdicts],
        "dropped_by": _stage_names(verdicts),
        "reason": [_REASON if verdict else "" for verdict in verdicts],
    }
    for name, values in replaced.items():
        trails = _replaced(trails, name, pa.array(values, pa.string()), layout.trails)
    trails = _replaced(trails, "decisions", array.cast(DECISIONS), layout.trails)
    return _replaced(documents, "decisions", array.cast(DECISIONS), layout.documents), trails


def _stage_names(verdicts: Sequence[_Verdict | None]) -> list[str]:
    return [verdict["stage"] if verdict else "" for verdict in verdicts]


def _replaced(table: pa.Table, name: str, array: pa.Array, schema: pa.Schema) -> pa.Table:
    index = schema.get_field_index(name)
    changed: pa.Table = table.set_column(index, schema.field(index), array)
    return changed


def _decisions(verdict: _Verdict | None, stages: Stages) -> Iterator[Decision]:
    """What the stages decided in turn, up to the one that dropped."""
    for stage in stages.enabled:
        if verdict is None or verdict["stage"] != stage.name:
            yield Decision.keep(stage.name)
            continue
        yield Decision.drop(
            stage.name,
            _REASON,
            score=verdict["similarity"],
            threshold=stages.near.threshold if stages.near is stage else None,
            detail=f"kept {verdict['kept_id']}, one of {verdict['members']} in cluster "
            f"{verdict['cluster']}",
        )
        return


def _dropped_texts(
    layout: Layout, duplicates: pa.Table, dropped_by: Sequence[str], recipe: Recipe
) -> pa.Table:
    policy, share = recipe.audit.dropped_text, recipe.audit.dropped_text_share
    chosen = [
        policy == "all" or (policy == "share" and in_share(document_id, share, "dropped_text"))
        for document_id in duplicates.column("document_id").to_pylist()
    ]
    given = {
        "dropped_by": pa.array(dropped_by, pa.string()),
        "reason": pa.array([_REASON] * len(dropped_by), pa.string()),
    }
    schema = layout.dropped_texts
    columns = [given[name] if name in given else duplicates.column(name) for name in schema.names]
    rows = pa.Table.from_arrays(columns, schema=schema)
    return rows.filter(pa.array(chosen, pa.bool_()))


def _signatures(signed: pa.Table, verdicts: Sequence[_Verdict | None]) -> pa.Table:
    """Signatures that say which document each is a copy of."""
    kept_ids = pa.array([v["kept_id"] if v else "" for v in verdicts], pa.string())
    index = SIGNATURES.get_field_index("kept_id")
    changed: pa.Table = signed.set_column(index, SIGNATURES.field(index), kept_ids)
    return changed


def _formula_counts(kept: pa.Table) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for name in ("formulas_found", "formulas_kept"):
        total: Counter[str] = Counter()
        for entries in kept.column(name).to_pylist():
            total.update(dict(entries))
        counts[name] = dict(sorted(total.items()))
    return counts
