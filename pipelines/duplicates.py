"""Phase two: which candidates are exact duplicates, by a group-by on their keys.

What crosses the shuffle is a row of 76 bytes a document, packed into blocks; no text, no object a
document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from filters.exact_duplicates import KEY_BYTES, ExactDuplicates
from pipelines.parquet import write_table
from pipelines.run_directory import RunDirectory

__all__ = [
    "DUPLICATES",
    "PARTITIONS",
    "SIGHTING",
    "count_duplicates",
    "find_duplicates",
    "key_blocks",
]

# A partition is one element of the group-by; sixteen keep two to sixteen workers busy, and the
# number decides no byte of the output.
PARTITIONS = 16

# One candidate: its key, its identity, and where it lies.
SIGHTING = np.dtype(
    [
        ("key", f"V{KEY_BYTES}"),
        ("date", "S20"),
        ("document_id", "S32"),
        ("task", "<u4"),
        ("row", "<u4"),
    ]
)

DUPLICATES = pa.schema(
    [
        pa.field("document_id", pa.string(), nullable=False),
        pa.field("task", pa.uint32(), nullable=False),
        pa.field("row", pa.uint32(), nullable=False),
        pa.field("kept_id", pa.string(), nullable=False),
        pa.field("copies", pa.uint32(), nullable=False),
    ]
)


def key_blocks(run: RunDirectory, task: int) -> Iterator[tuple[int, bytes]]:
    """The sightings of one task's candidates as (partition, packed ``SIGHTING`` rows)."""
    if not run.keys(task).exists():
        return
    table = pq.read_table(run.keys(task))
    count = table.num_rows
    sightings = np.zeros(count, SIGHTING)
    for name in ("key", "date", "document_id"):
        sightings[name] = np.array(
            [_packed(value) for value in table.column(name).to_pylist()], SIGHTING[name]
        )
    sightings["task"] = task
    sightings["row"] = np.arange(count)
    first_byte = _key_bytes(sightings)[:, 0]
    partitions = first_byte % PARTITIONS
    for partition in np.unique(partitions):
        yield int(partition), sightings[partitions == partition].tobytes()


def _key_bytes(sightings: npt.NDArray[np.void]) -> npt.NDArray[np.uint8]:
    keys = np.ascontiguousarray(sightings["key"])
    return keys.view(np.uint8).reshape(len(sightings), KEY_BYTES)


def _packed(value: str | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    # An unknown date sorts last: it's no claim to be the earliest capture.
    return value.encode("ascii", "replace") if value else b"~"


def find_duplicates(
    run: RunDirectory, settings: ExactDuplicates, partition: int, blocks: Iterable[bytes]
) -> int:
    """Finds the duplicates of one partition and writes them, sorted by document_id.

    Args:
        run: Where the file goes.
        settings: Which one of equal documents stays.
        partition: The partition's number.
        blocks: Its sightings, in any order.

    Returns:
        How many duplicates there are.
    """
    sightings = np.frombuffer(b"".join(blocks), SIGHTING)
    rows = _judged(sightings, latest=settings.keep == "latest")
    table = pa.Table.from_pylist(rows, schema=DUPLICATES)
    write_table(run.duplicates(partition), table)
    return len(rows)


def count_duplicates(run: RunDirectory) -> int:
    """How many duplicates were found in all partitions."""
    return sum(pq.read_metadata(path).num_rows for path in run.all_duplicates())


def _judged(sightings: npt.NDArray[np.void], *, latest: bool) -> Sequence[dict[str, str | int]]:
    """The sightings that are not the first of their key, each with the id of the one that is."""
    if not len(sightings):
        return []
    _, group = np.unique(_key_bytes(sightings), axis=0, return_inverse=True)
    _, dates = np.unique(sightings["date"], return_inverse=True)
    order = np.lexsort(
        (
            sightings["row"],
            sightings["task"],
            sightings["document_id"],
            -dates if latest else dates,
            group,
        )
    )
    grouped = group[order]
    starts = np.flatnonzero(np.r_[True, grouped[1:] != grouped[:-1]])
    sizes = np.diff(np.r_[starts, len(grouped)])
    first = np.repeat(starts, sizes)
    copies = np.repeat(sizes, sizes)
    rows: list[dict[str, str | int]] = [
        {
            "document_id": sightings["document_id"][order[place]].decode(),
            "task": int(sightings["task"][order[place]]),
            "row": int(sightings["row"][order[place]]),
            "kept_id": sightings["document_id"][order[first[place]]].decode(),
            "copies": int(copies[place]),
        }
        for place in np.flatnonzero(np.arange(len(grouped)) != first)
    ]
    rows.sort(key=lambda row: (row["document_id"], row["task"], row["row"]))
    return rows
