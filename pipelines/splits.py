"""Train, validation, test: which split a document belongs to, by its id alone.

The original cut a shuffled list into slices, and half of Coq fell between them (spec section 7).
Here no row's place depends on another row, so that a document can't be lost or be in two splits,
and keeps its split when others come or go.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

import pyarrow as pa

__all__ = ["WHOLE", "split_of", "split_tables"]

# What shards of a run without splits begin with.
WHOLE = "documents"


def split_of(document_id: str, splits: Mapping[str, float]) -> str:
    """The split of a document.

    Args:
        document_id: Its id.
        splits: Shares by name, which add up to 1; their order doesn't count.
    """
    drawn = hashlib.blake2b(f"split\0{document_id}".encode(), digest_size=8).digest()
    place = int.from_bytes(drawn, "big") / 2**64
    names = sorted(name for name, share in splits.items() if share > 0)
    for name in names:
        place -= splits[name]
        if place < 0:
            return name
    # Shares that add up to 1 but for rounding leave nothing else.
    return names[-1]


def split_tables(
    documents: pa.Table, tables: Mapping[str, pa.Table], splits: Mapping[str, float]
) -> Iterator[tuple[str, str, pa.Table]]:
    """Cuts tables into splits: (kind, split, rows).

    Every row is in exactly one of a kind's tables. Splits without rows are left out, but a kind
    has one table at least.

    Args:
        documents: The documents, with ``document_id``.
        tables: Tables of the same rows in the same order, by kind.
        splits: The splits; none for one table of each kind, ``WHOLE``.
    """
    if not splits:
        yield from ((kind, WHOLE, table) for kind, table in tables.items())
        return
    of = [split_of(one, splits) for one in documents.column("document_id").to_pylist()]
    names = sorted(set(of)) or [max(sorted(splits), key=lambda name: splits[name])]
    for name in names:
        mask = pa.array([split == name for split in of], pa.bool_())
        for kind, table in tables.items():
            yield kind, name, table.filter(mask)
