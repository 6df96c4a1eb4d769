"""Candidates: pairs of documents that share a band, out of buckets of any size in linear time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from filters.minhash import estimated_jaccard
from pipelines.deduplication.index import Index

__all__ = ["ENTRY", "PAIR", "band_blocks", "bucket_pairs", "mixed_places", "pair_blocks"]

# A document in a band: the band's hash, and the document's ordinal.
ENTRY = np.dtype([("hash", "<u8"), ("ordinal", "<i8")])
# Two documents, the smaller ordinal first.
PAIR = np.dtype([("first", "<i8"), ("second", "<i8")])

Pairs = npt.NDArray[np.void]
Ordinals = npt.NDArray[np.int64]

# Buckets up to here give all their pairs: 496 of them.
_SMALL_BUCKET = 32
# Members of a larger bucket are held against so many leaders.
_LEADERS = 64
# What is left after that is held against so many neighbours in the order of signatures.
_NEIGHBOURS = 4
# Pairs whose signatures are compared at a time.
_PAIRS_AT_ONCE = 65_536


def band_blocks(
    index: Index,
    place: int,
    dropped: npt.NDArray[np.bool_],
    bands: range,
    part: int,
    parts: int,
    partitions: int,
) -> Iterator[tuple[int, bytes]]:
    """The ``ENTRY`` rows of a task's documents in some bands, packed by partition.

    Args:
        index: The index.
        place: The task's place in it.
        dropped: Which of the task's documents an earlier stage has dropped.
        bands: The bands.
        part: Which hashes: those that leave this remainder,
        parts: divided by this.
        partitions: How many partitions there are.
    """
    if not index.tasks[place].rows:
        return
    hashes = index.bands(place)
    rows = np.flatnonzero(~dropped)
    for band in bands:
        own = hashes[band][rows]
        wanted = own != 0
        if parts > 1:
            wanted &= own % np.uint64(parts) == part
        entries = np.empty(int(wanted.sum()), ENTRY)
        entries["hash"] = own[wanted]
        entries["ordinal"] = rows[wanted] + index.bases[place]
        of = entries["hash"] // np.uint64(parts) % np.uint64(partitions)
        order = np.argsort(of, kind="stable")
        cuts = np.searchsorted(of[order], np.arange(partitions + 1))
        packed = entries[order]
        for partition in np.flatnonzero(np.diff(cuts)):
            yield int(partition), packed[cuts[partition] : cuts[partition + 1]].tobytes()


def bucket_pairs(index: Index, entries: npt.NDArray[np.void], least: float) -> Pairs:
    """The pairs of all buckets among some entries.

    Small buckets give every pair. A large one, a page that half the web has copied, gives every
    member with one leader that it's similar to: the first member without a leader becomes one, and
    takes all that are similar to it, up to ``_LEADERS`` times. So work grows with the bucket, not
    with its square.

    Args:
        index: The index.
        entries: ``ENTRY`` rows, all of those that share a hash.
        least: Estimated similarity of a pair that is worth being verified; 0 to take all.
    """
    entries = entries[np.lexsort((entries["ordinal"], entries["hash"]))]
    starts = np.flatnonzero(np.r_[True, entries["hash"][1:] != entries["hash"][:-1]])
    sizes = np.diff(np.r_[starts, len(entries)])
    ordinals = entries["ordinal"]
    found = []
    small = (sizes > 1) & (sizes <= _SMALL_BUCKET)
    for size in np.unique(sizes[small]):
        members = ordinals[starts[sizes == size][:, None] + np.arange(size)]
        first, second = np.triu_indices(int(size), 1)
        found.append(_pairs(members[:, first].ravel(), members[:, second].ravel()))
    found = [_similar(index, _new(pairs, index), least) for pairs in found]
    for bucket in np.flatnonzero(sizes > _SMALL_BUCKET):
        members = ordinals[starts[bucket] : starts[bucket] + sizes[bucket]]
        found.append(_new(_led(index, members, least), index))
    return np.unique(np.concatenate(found)) if found else np.empty(0, PAIR)


def pair_blocks(pairs: Pairs, partitions: int) -> Iterator[tuple[int, bytes]]:
    """Pairs packed by partition, so that equal ones meet."""
    of = mixed_places(pairs["first"], partitions)
    for partition in np.unique(of):
        yield int(partition), pairs[of == partition].tobytes()


def mixed_places(ordinals: Ordinals, partitions: int) -> npt.NDArray[np.int64]:
    """The partition of each ordinal; neighbours, often alike, go to different ones."""
    spread = ordinals.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return ((spread >> np.uint64(40)) % np.uint64(partitions)).astype(np.int64)


def _pairs(first: Ordinals, second: Ordinals) -> Pairs:
    pairs = np.empty(len(first), PAIR)
    pairs["first"] = np.minimum(first, second)
    pairs["second"] = np.maximum(first, second)
    return pairs


def _new(pairs: Pairs, index: Index) -> Pairs:
    """Without the pairs of documents that are both of earlier runs."""
    return pairs[pairs["second"] >= index.first_new]


def _similar(index: Index, pairs: Pairs, least: float) -> Pairs:
    if not least:
        return pairs
    kept = [
        block[
            estimated_jaccard(index.signatures(block["first"]), index.signatures(block["second"]))
            >= least
        ]
        for block in np.array_split(pairs, max(1, -(-len(pairs) // _PAIRS_AT_ONCE)))
        if len(block)
    ]
    return np.concatenate(kept) if kept else pairs


def _led(index: Index, members: Ordinals, least: float) -> Pairs:
    """Each member of a large bucket with a leader."""
    if not least:
        return _pairs(np.full(len(members) - 1, members[0]), members[1:])
    signatures = index.signatures(members)
    # By signature: who leads must not hang on where documents lie.
    order = np.lexsort(signatures.T[::-1])
    # Documents of earlier runs first: they stay, and others should be led by them.
    order = order[np.argsort(members[order] >= index.first_new, kind="stable")]
    members, signatures = members[order], signatures[order]
    found: list[tuple[Any, Any]] = []
    waiting = np.arange(len(members))
    for _ in range(_LEADERS):
        if len(waiting) < 2:
            break
        leader, others = waiting[0], waiting[1:]
        alike = estimated_jaccard(signatures[leader], signatures[others]) >= least
        led = others[alike]
        found.append((np.full(len(led), members[leader]), members[led]))
        waiting = others[~alike]
    for distance in range(1, _NEIGHBOURS + 1):
        first, second = waiting[:-distance], waiting[distance:]
        alike = estimated_jaccard(signatures[first], signatures[second]) >= least
        found.append((members[first[alike]], members[second[alike]]))
    return np.concatenate([_pairs(first, second) for first, second in found])
