"""Documents with a chunk that came before, as AlgebraicStack dropped them.

Who goes follows from who came first alone: of the documents that hold a chunk, all but the first
holding of it condemn theirs, whether the first stays or not. So chunks can be grouped by hash.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.deduplication.clusters import VERDICTS
from pipelines.deduplication.folder import DeduplicationFolder, VerdictOrder
from pipelines.deduplication.index import CHUNK, Index
from pipelines.parquet import write_table

__all__ = ["chunk_bytes", "write_chunk_verdicts"]

# A document that goes: it, the document whose chunk it repeats, and how often the chunk occurs.
_REPEATED = np.dtype([("dropped", "<i8"), ("kept", "<i8"), ("members", "<i8")])
_ORDERS: dict[VerdictOrder, list[tuple[str, str]]] = {
    "place": [("task", "ascending"), ("row", "ascending")],
    "id": [("document_id", "ascending"), ("task", "ascending"), ("row", "ascending")],
}


def chunk_bytes(index: Index) -> int:
    """What all chunks take at once."""
    chunks = sum(len(index.chunks(place)) for place in range(len(index.tasks)))
    return chunks * (CHUNK.itemsize + 16)


def write_chunk_verdicts(folder: DeduplicationFolder, index: Index, stage: str, parts: int) -> None:
    """Writes which documents go.

    Args:
        folder: The deduplication's folder.
        index: The index, with chunks.
        stage: The stage's name.
        parts: In how many parts chunks are looked at, so that memory is bounded.
    """
    found = [_repeated(index, part, parts) for part in range(parts)]
    rows = np.concatenate([np.empty(0, _REPEATED), *found])
    # A document may repeat many chunks; what is shown is the earliest document that has one.
    rows = rows[np.lexsort((rows["kept"], rows["dropped"]))]
    rows = rows[np.r_[True, np.diff(rows["dropped"]) != 0]] if len(rows) else rows
    table = _table(index, stage, rows)
    for order, keys in _ORDERS.items():
        write_table(folder.verdicts(stage, order, 0, 0), table.sort_by(keys))


def _repeated(index: Index, part: int, parts: int) -> npt.NDArray[np.void]:
    chunks, places = [np.empty(0, CHUNK)], [np.empty(0, np.int64)]
    for place in range(len(index.tasks)):
        own = index.chunks(place)
        own = own[own["high"] % np.uint64(parts) == part] if parts > 1 else np.asarray(own)
        chunks.append(own)
        places.append(np.full(len(own), place, np.int64))
    chunk, place_of = np.concatenate(chunks), np.concatenate(places)
    if not len(chunk):
        return np.empty(0, _REPEATED)
    # Chunks of a document are in their order, which the sort keeps.
    order = np.lexsort((chunk["sequence"], place_of, chunk["low"], chunk["high"]))
    chunk, place_of = chunk[order], place_of[order]
    changes = (np.diff(chunk["high"]) != 0) | (np.diff(chunk["low"]) != 0)
    first = np.flatnonzero(np.r_[True, changes])
    sizes = np.diff(np.r_[first, len(chunk)])
    group = np.repeat(np.arange(len(first)), sizes)
    ordinals = index.bases[place_of] + chunk["row"]
    again = np.arange(len(chunk)) != first[group]
    rows = np.empty(int(again.sum()), _REPEATED)
    rows["dropped"] = ordinals[again]
    rows["kept"] = ordinals[first[group[again]]]
    rows["members"] = sizes[group[again]]
    return rows


def _table(index: Index, stage: str, rows: npt.NDArray[np.void]) -> pa.Table:
    dropped, kept = (_described(index, rows[name]) for name in ("dropped", "kept"))
    numbers = np.array([task.number for task in index.tasks], np.int32)
    places = np.searchsorted(index.bases, rows["dropped"], side="right") - 1
    columns = {
        "task": numbers[places] if len(places) else places.astype(np.int32),
        "row": rows["dropped"] - index.bases[places],
        "document_id": dropped.column("document_id"),
        "subset": dropped.column("subset"),
        "stage": pa.array([stage] * len(rows), pa.string()),
        "kept_id": kept.column("document_id"),
        "kept_subset": kept.column("subset"),
        "cluster": kept.column("document_id"),
        "members": rows["members"],
        "similarity": pa.nulls(len(rows), pa.float64()),
        "text_chars": dropped.column("text_chars"),
    }
    return pa.table(columns, schema=VERDICTS)


def _described(index: Index, ordinals: npt.NDArray[np.int64]) -> pa.Table:
    """What verdicts say of documents, in the order of the ordinals."""
    tables = list(_by_task(index, np.sort(ordinals)))
    names = ("document_id", "subset", "text_chars")
    empty = pa.table(
        {"document_id": pa.array([], pa.string()), "subset": pa.array([], pa.string()),
         "text_chars": pa.array([], pa.int64())}
    )  # fmt: skip
    gathered = pa.concat_tables([empty, *tables]).select(list(names))
    place = np.empty(len(ordinals), np.int64)
    place[np.argsort(ordinals, kind="stable")] = np.arange(len(ordinals))
    return gathered.take(pa.array(place))


def _by_task(index: Index, ordinals: npt.NDArray[np.int64]) -> Iterator[pa.Table]:
    cuts = np.searchsorted(ordinals, index.bases)
    for place in range(len(index.tasks)):
        own = ordinals[cuts[place] : cuts[place + 1]] - index.bases[place]
        if len(own):
            table = index.table(place, ("document_id", "subset", "text_chars"))
            yield table.take(pa.array(own)).cast(
                pa.schema(
                    [
                        ("document_id", pa.string()),
                        ("subset", pa.string()),
                        ("text_chars", pa.int64()),
                    ]
                )
            )
