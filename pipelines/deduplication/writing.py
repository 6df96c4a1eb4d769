"""The second pass: a part's documents without duplicates, and a decision on each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from filters.near_duplicates import NearDuplicates
from filters.repeated_paragraphs import RepeatedParagraphs
from pipelines.deduplication.index import Stages
from pipelines.deduplication.parts import CorpusPart, tables_of
from pipelines.deduplication.recipe import DeduplicationRecipe
from pipelines.deduplication.reducing import Reducer
from pipelines.deduplication.stages import verdicts_of_task
from pipelines.errors import ConservationError
from pipelines.files import fetched, open_parquet
from pipelines.judge import in_share
from pipelines.parquet import open_writer, write_table
from pipelines.run_directory import RunDirectory, write_atomically
from schemas import Decision
from schemas.signatures import DUPLICATE_DECISIONS, SIGNATURES
from schemas.tables import DECISIONS, decisions_array

__all__ = ["write_part"]

_DROPPED = pa.schema(
    [
        pa.field("document_id", pa.string(), nullable=False),
        pa.field("subset", pa.string(), nullable=False),
        pa.field("dropped_by", pa.string(), nullable=False),
        pa.field("kept_id", pa.string(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
    ]
)


def write_part(run: RunDirectory, recipe: DeduplicationRecipe, part: CorpusPart) -> None:
    """Writes a part's documents that stay, a decision on each, and its marker.

    Args:
        run: The run.
        recipe: Its recipe.
        part: The part.

    Raises:
        ConservationError: The part's file has changed since it was signed.
    """
    verdicts = verdicts_of_task(run.deduplication, part.number)
    dropped = np.zeros(part.rows, np.bool_)
    dropped[verdicts.column("row").to_numpy()] = True
    index = pq.read_table(fetched(run.index / f"{part.number:06d}.parquet"))
    name = f"{part.file.subset or 'documents'}/{part.file.name.removesuffix('.parquet')}"
    documents = run.root / "documents" / f"{name}-{part.first:05d}.parquet"
    paragraphs = recipe.deduplication.paragraphs
    reducer = None
    if paragraphs is not None:
        reducer = Reducer(run.deduplication, paragraphs, recipe.columns.text, part.rows)
    kept_bytes = _write_kept(documents, part, dropped, recipe, reducer)
    decided = _decided(index, verdicts, part, recipe.deduplication, reducer)
    kept = decided.column("verdict").to_pylist().count("keep")
    if reducer is not None:
        dropped |= reducer.emptied
        run.write_json(run.removed(part.number), sorted(reducer.texts.items()))
    others = {
        run.root / "decisions" / f"{part.number:06d}.parquet": decided,
        run.root / "dropped" / f"{part.number:06d}.parquet": _dropped_texts(
            part, dropped, decided, recipe
        ),
        run.root / "signatures" / f"{part.number:06d}.parquet": _signed(index, decided),
    }
    files = [run.written(documents, kept)]
    for path, table in others.items():
        if table.num_rows:
            write_table(path, table)
            files.append(run.written(path, table.num_rows))
    marker = {
        "file": part.file.path,
        "digest": _digest(index),
        "documents": part.rows,
        "kept": kept,
        "drops": _counted(decided, ("dropped_by",)),
        "overlap": _counted(decided, ("subset", "kept_subset", "dropped_by")),
        "subsets": _counted(decided, ("subset",), dropped_only=False),
        "kept_text_bytes": kept_bytes,
        "paragraphs_removed": pc.sum(decided.column("paragraphs_removed")).as_py() or 0,
        "chars_removed": pc.sum(decided.column("chars_removed")).as_py() or 0,
        "files": [asdict(file) for file in files],
    }
    run.write_json(run.marker("write", part.number), marker)


def _digest(index: pa.Table) -> str:
    """XXH3-128 of a part's documents by what the index knows of them, their texts' hashes
    included: it tells changed input from what was read."""
    digest = xxhash.xxh3_128()
    for name in ("document_id", "url_key", "text_key", "signature"):
        for chunk in index.column(name).chunks:
            for value in chunk.cast(pa.binary()).to_pylist():
                digest.update(value or b"\0")
    return digest.hexdigest()


def _decided(
    index: pa.Table,
    verdicts: pa.Table,
    part: CorpusPart,
    stages: Stages,
    reducer: Reducer | None,
) -> pa.Table:
    """A decision on every document of a part."""
    rows = index.num_rows
    nothing = np.zeros(rows, np.int64)
    emptied = reducer.emptied if reducer else np.zeros(rows, np.bool_)
    place = np.full(rows, -1)
    place[verdicts.column("row").to_numpy()] = np.arange(len(verdicts))
    found = pa.array(np.where(place < 0, 0, place), mask=place < 0)
    threshold = stages.near.least_similarity if stages.near else 0.0
    of = {
        name: verdicts.column(name).combine_chunks().take(found) for name in verdicts.column_names
    }
    is_near = pc.equal(of["stage"], NearDuplicates.name)
    columns = {
        "document_id": index.column("document_id"),
        "subset": index.column("subset"),
        "file": pa.array([part.file.name] * rows, pa.string()),
        "row": pa.array(np.arange(rows)),
        "text_chars": index.column("text_chars"),
        "verdict": pa.array(np.where((place < 0) & ~emptied, "keep", "drop").tolist(), pa.string()),
        "dropped_by": pc.if_else(
            pa.array(emptied), RepeatedParagraphs.name, of["stage"].fill_null("")
        ),
        "kept_id": of["kept_id"].fill_null(""),
        "kept_subset": of["kept_subset"].fill_null(""),
        "cluster": of["cluster"].fill_null(""),
        "members": of["members"].fill_null(0),
        "similarity": of["similarity"],
        "threshold": pc.if_else(is_near, pa.scalar(threshold), pa.scalar(None, pa.float64())),
        "paragraphs_removed": reducer.removed if reducer else nothing,
        "chars_removed": reducer.characters if reducer else nothing,
    }
    return pa.table(columns, schema=DUPLICATE_DECISIONS)


def _write_kept(
    path: Path,
    part: CorpusPart,
    dropped: npt.NDArray[np.bool_],
    recipe: DeduplicationRecipe,
    reducer: Reducer | None,
) -> int:
    """Writes a part's documents that stay; returns the bytes of their text."""
    size, first = 0, 0
    with write_atomically(path) as temporary, open_parquet(Path(part.file.path)) as source:
        schema = source.schema_arrow
        with open_writer(temporary, schema) as writer:
            for table in tables_of(part):
                own = slice(first, first + table.num_rows)
                first += table.num_rows
                kept = table.filter(pa.array(~dropped[own]))
                if reducer is not None:
                    kept = reducer.reduced(kept, own.start + np.flatnonzero(~dropped[own]))
                size += pc.sum(pc.binary_length(kept.column(recipe.columns.text))).as_py() or 0
                writer.write_table(_with_keeps(kept, recipe.deduplication))
    if first != part.rows:
        raise ConservationError(f"{part.file.path} has changed since it was signed")
    return size


def _with_keeps(kept: pa.Table, stages: Stages) -> pa.Table:
    """Documents with the stages' decisions added to their own, where they have some."""
    if "decisions" not in kept.column_names or kept.schema.field("decisions").type != DECISIONS:
        return kept
    added = [Decision.keep(stage.name) for stage in stages.enabled]
    decisions = decisions_array(
        [
            [*(Decision(**entry) for entry in entries or ()), *added]
            for entries in kept.column("decisions").to_pylist()
        ]
    )
    index = kept.column_names.index("decisions")
    changed: pa.Table = kept.set_column(index, kept.schema.field(index), decisions)
    return changed


def _dropped_texts(
    part: CorpusPart,
    dropped: npt.NDArray[np.bool_],
    decided: pa.Table,
    recipe: DeduplicationRecipe,
) -> pa.Table:
    audit = recipe.audit
    if audit.dropped_text == "none" or not dropped.any():
        return _DROPPED.empty_table()
    ids = decided.column("document_id").to_pylist()
    wanted = np.array(
        [
            bool(gone)
            and (
                audit.dropped_text == "all"
                or in_share(document_id, audit.dropped_text_share, "dropped_text")
            )
            for gone, document_id in zip(dropped, ids, strict=True)
        ]
    )
    texts, first = [], 0
    for table in tables_of(part, [recipe.columns.text]):
        own = wanted[first : first + table.num_rows]
        first += table.num_rows
        texts += table.column(0).filter(pa.array(own)).to_pylist()
    chosen = decided.filter(pa.array(wanted)).select(
        ["document_id", "subset", "dropped_by", "kept_id"]
    )
    return pa.table(
        [*chosen.columns, pa.array([t or "" for t in texts], pa.large_string())], schema=_DROPPED
    )


def _signed(index: pa.Table, decided: pa.Table) -> pa.Table:
    place = SIGNATURES.get_field_index("kept_id")
    changed: pa.Table = index.set_column(place, SIGNATURES.field(place), decided.column("kept_id"))
    return changed


def _counted(
    decided: pa.Table, keys: Sequence[str], *, dropped_only: bool = True
) -> list[list[Any]]:
    """Documents and characters by some columns: [*values, documents, characters]."""
    if dropped_only:
        decided = decided.filter(pc.equal(decided.column("verdict"), "drop"))
    grouped = decided.group_by(list(keys)).aggregate([("row", "count"), ("text_chars", "sum")])
    rows = grouped.select([*keys, "row_count", "text_chars_sum"]).to_pylist()
    return sorted(list(row.values()) for row in rows)
