"""Groups of equal or similar documents, and which document of each stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.near_duplicates import Criterion
from pipelines.deduplication.index import Index

__all__ = ["MEMBER_COLUMNS", "VERDICTS", "Order", "chosen", "member_blocks", "member_dtype"]

Members = npt.NDArray[np.void]

# One row a document that a stage drops.
VERDICTS = pa.schema(
    [
        pa.field("task", pa.int32(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("document_id", pa.string(), nullable=False),
        pa.field("subset", pa.string(), nullable=False),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("kept_id", pa.string(), nullable=False),
        pa.field("kept_subset", pa.string(), nullable=False),
        # The smallest document_id of the cluster: a name that no choice of a representative moves.
        pa.field("cluster", pa.string(), nullable=False),
        pa.field("members", pa.int64(), nullable=False),
        pa.field("similarity", pa.float64()),
        pa.field("text_chars", pa.int64(), nullable=False),
    ]
)

# What of the index decides which member stays, besides its group.
MEMBER_COLUMNS = ("document_id", "subset", "date", "licence", "text_chars", "score")

# An unknown date sorts last: it's no claim to be the earliest capture.
_NO_DATE = b"~"
_DATE_BYTES = 20


@dataclass(frozen=True, slots=True)
class Order:
    """Which document of a group stays.

    Attributes:
        keep: The criteria, most important first.
        precedence: Subsets, the one whose documents stay first; others come after.
        licences: For ``best_licence``, best first; others come after.
    """

    keep: tuple[Criterion | Literal["earliest", "latest"], ...]
    precedence: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()


def member_dtype(id_bytes: int) -> np.dtype[np.void]:
    """A member as it crosses the shuffle; ids are as long as the index's longest."""
    return np.dtype(
        [
            ("high", "<u8"),
            ("low", "<u8"),
            ("ordinal", "<i8"),
            ("earlier", "u1"),
            ("precedence", "<u2"),
            ("subset", "<u2"),
            ("licence", "<u2"),
            ("chars", "<i8"),
            ("score", "<f8"),
            ("date", f"S{_DATE_BYTES}"),
            ("id", f"S{id_bytes}"),
        ]
    )


def member_blocks(
    index: Index,
    place: int,
    groups: npt.NDArray[np.uint64],
    rows: npt.NDArray[np.int64],
    order: Order,
    subsets: Sequence[str],
    partitions: int,
) -> Iterator[tuple[int, bytes]]:
    """Members of groups, packed by the partition of their group.

    Args:
        index: The index.
        place: A task of it.
        groups: The group of each row, of shape (rows, 2).
        rows: The rows of the task that are in a group.
        order: How members will be compared.
        subsets: Names of all subsets; a member carries its place among them.
        partitions: How many partitions there are.
    """
    if not len(rows):
        return
    table = index.table(place, MEMBER_COLUMNS).take(rows)
    members = np.zeros(len(rows), member_dtype(index.id_bytes))
    members["high"], members["low"] = groups[:, 0], groups[:, 1]
    members["ordinal"] = rows + index.bases[place]
    members["earlier"] = index.tasks[place].earlier
    names = table.column("subset").to_pylist()
    members["precedence"] = _ranks(names, order.precedence)
    members["licence"] = _ranks(table.column("licence").to_pylist(), order.licences)
    members["subset"] = _ranks(names, subsets)
    members["chars"] = table.column("text_chars").to_numpy()
    members["score"] = table.column("score").fill_null(-np.inf).to_numpy()
    members["date"] = [
        value.encode("ascii", "replace")[:_DATE_BYTES] or _NO_DATE
        for value in table.column("date").to_pylist()
    ]
    members["id"] = [value.encode() for value in table.column("document_id").to_pylist()]
    of = members["low"] % np.uint64(partitions)
    for partition in np.unique(of):
        yield int(partition), members[of == partition].tobytes()


def _ranks(values: Sequence[str], ranked: Sequence[str]) -> list[int]:
    places = {value: place for place, value in enumerate(ranked)}
    return [places.get(value, len(ranked)) for value in values]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The members of some groups that have to go.

    Attributes:
        dropped: They.
        kept: For each, the member of its group that stays.
        sizes: For each, how many members its group has.
        names: For each, the smallest document_id of its group.
    """

    dropped: Members
    kept: Members
    sizes: npt.NDArray[np.int64]
    names: npt.NDArray[np.bytes_]


def chosen(members: Members, order: Order) -> Chosen:
    """Chooses who stays of each group, whatever the order in which members arrive.

    Documents of earlier runs stay all, the first of them for their group.
    """
    place = np.lexsort(_sort_keys(members, order))
    ordered = members[place]
    key = ordered[["high", "low"]]
    first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(ordered) else np.zeros(0, int)
    sizes = np.diff(np.r_[first, len(ordered)])
    group = np.repeat(np.arange(len(first)), sizes)
    dropped = np.flatnonzero((np.arange(len(ordered)) != first[group]) & (ordered["earlier"] == 0))
    by_id = np.lexsort((ordered["id"], group))
    names = ordered["id"][by_id[first]] if len(first) else ordered["id"][:0]
    return Chosen(
        ordered[dropped], ordered[first[group[dropped]]], sizes[group[dropped]],
        names[group[dropped]],
    )  # fmt: skip


def _sort_keys(members: Members, order: Order) -> list[npt.NDArray[Any]]:
    """Keys for ``np.lexsort``: the last one counts most."""
    _, dates = np.unique(members["date"], return_inverse=True)
    # An unknown date is neither the earliest nor the latest.
    known = members["date"] != _NO_DATE
    criteria: Mapping[str, npt.NDArray[Any]] = {
        "longest": -members["chars"],
        "best_score": -members["score"],
        "earliest": dates,
        "latest": np.where(known, -dates, 1),
        "best_licence": members["licence"],
    }
    keys = [members["ordinal"], members["id"]]
    keys += [criteria[name] for name in reversed(order.keep)]
    keys += [members["precedence"], -members["earlier"].astype(np.int8)]
    return [*keys, members["low"], members["high"]]


def verdict_table(
    found: Chosen, index: Index, stage: str, subsets: Sequence[str], similarity: Sequence[Any]
) -> pa.Table:
    """The rows of ``VERDICTS`` for what was chosen.

    Args:
        found: The choice.
        index: The index.
        stage: The stage's name.
        subsets: Names of all subsets.
        similarity: Of each dropped document to the one that stays; None where it's not known.
    """
    dropped, kept = found.dropped, found.kept
    places = np.searchsorted(index.bases, dropped["ordinal"], side="right") - 1
    numbers = np.array([task.number for task in index.tasks], np.int32)
    named = pa.array([*subsets], pa.string())
    columns = {
        "task": numbers[places] if len(places) else places.astype(np.int32),
        "row": dropped["ordinal"] - index.bases[places],
        "document_id": _strings(dropped["id"]),
        "subset": named.take(pa.array(dropped["subset"])),
        "stage": pa.array([stage] * len(dropped), pa.string()),
        "kept_id": _strings(kept["id"]),
        "kept_subset": named.take(pa.array(kept["subset"])),
        "cluster": _strings(found.names),
        "members": found.sizes,
        "similarity": pa.array(similarity, pa.float64()),
        "text_chars": dropped["chars"],
    }
    return pa.table(columns, schema=VERDICTS)


def _strings(values: npt.NDArray[np.bytes_]) -> pa.Array:
    return pa.array([value.decode() for value in values.tolist()], pa.string())
