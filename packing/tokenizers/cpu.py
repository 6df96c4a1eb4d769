"""The CPU path for SentencePiece BPE: units looked up by compiled loops, on several threads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from queue import Empty, SimpleQueue
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from packing.tokenizers.bpe_vocabulary import BpeVocabulary
from packing.tokenizers.compiled import (
    Tables,
    Units,
    Work,
    build_pairs,
    encode_documents,
    rehash,
)
from packing.tokenizers.cut import flags_of_pairs
from packing.tokenizers.pieces import SPACE
from packing.tokenizers.texts import Texts
from packing.tokenizers.tokens import Ids, id_dtype

__all__ = ["CompiledCore"]

# Documents are handed to a thread in runs of about so many bytes.
_SLAB = 1 << 20

# Binary logarithms of the tables' sizes, at first and at most. Half full at most: a million short
# units and 130,000 long ones a thread in 44 MB; then they are forgotten and learned anew.
_FIRST_BITS = (18, 14)
_MOST_BITS = (21, 18)
_FIRST_POOL = 1 << 18
_MOST_POOL = 1 << 23

_CODE_POINTS = 0x110000
_BLOCK_OF_CUTS = 4096


class CompiledCore:
    """Encodes with numba's loops.

    Safe to call from several threads at once: each call works with tables of units of its own,
    which later calls take over.
    """

    def __init__(self, vocabulary: BpeVocabulary, threads: int) -> None:
        self._tables = _tables(vocabulary)
        self._dtype = id_dtype(vocabulary.size)
        self._threads = threads
        self._idle: SimpleQueue[Units] = SimpleQueue()
        self.name = f"bigram cut, numba {version('numba')}"

    def encode_plain(
        self, texts: Texts, prefixed: npt.NDArray[np.bool_], *, check: bool
    ) -> tuple[Ids, npt.NDArray[np.int64]]:
        """Encodes texts that hold no added token and no U+2581 (see `UnitCore`)."""
        slabs = list(_slabs(texts.offsets))
        counts = np.zeros(len(texts), np.int64)

        def encode(slab: slice) -> Ids:
            return self._encode_slab(texts, prefixed, check, slab, counts)

        if self._threads > 1 and len(slabs) > 1:
            with ThreadPoolExecutor(self._threads) as pool:
                pieces = list(pool.map(encode, slabs))
        else:
            pieces = [encode(slab) for slab in slabs]
        if len(pieces) == 1:
            return pieces[0], counts
        flat = np.concatenate(pieces) if pieces else np.empty(0, self._dtype)
        return cast("Ids", flat), counts

    def _encode_slab(
        self,
        texts: Texts,
        prefixed: npt.NDArray[np.bool_],
        check: bool,
        slab: slice,
        counts: npt.NDArray[np.int64],
    ) -> Ids:
        """Encodes some neighbouring documents and notes how many ids each has."""
        offsets = texts.offsets[slab.start : slab.stop + 1]
        work = _work(int(np.diff(offsets).max()))
        ids = np.empty(int(offsets[-1] - offsets[0]) + len(offsets) + 1, self._dtype)
        units = self._lease()
        row, out = 0, 0
        while row < len(offsets) - 1:
            units = _with_room(units)
            row, out = encode_documents(
                _frozen(texts.data),
                _frozen(offsets),
                _frozen(prefixed[slab]),
                row,
                check,
                self._tables,
                units,
                work,
                ids,
                out,
                counts[slab],
            )
        self._idle.put(units)
        return cast("Ids", ids[:out].copy())

    def _lease(self) -> Units:
        try:
            return self._idle.get_nowait()
        except Empty:
            return _no_units(_FIRST_BITS, _FIRST_POOL)


def _slabs(offsets: npt.NDArray[np.int64]) -> Iterator[slice]:
    """Runs of neighbouring documents; one longer than a slab is a run of its own."""
    first = 0
    while first < len(offsets) - 1:
        behind = int(np.searchsorted(offsets, offsets[first] + _SLAB, side="right")) - 1
        last = min(max(behind, first + 1), len(offsets) - 1)
        yield slice(first, last)
        first = last


def _tables(vocabulary: BpeVocabulary) -> Tables:
    characters = np.full(_CODE_POINTS, -1, np.int32)
    for letter, number in vocabulary.characters.items():
        characters[ord(letter)] = number
    merges = vocabulary.merges
    pairs = np.array(list(merges), np.int64).reshape(-1, 2)
    values = np.array(list(merges.values()), np.int32).reshape(-1, 2)
    bits = max(2 * len(merges), 2).bit_length()
    keys, ranked = build_pairs(pairs, values[:, 0].copy(), values[:, 1].copy(), bits)
    literals = [SPACE.encode(), *(token.content for token in vocabulary.added)]
    return Tables(
        flags=flags_of_pairs(vocabulary),
        characters=characters,
        byte_ids=np.array(vocabulary.bytes, np.int32),
        pair_keys=keys,
        pair_values=ranked,
        pair_bits=bits,
        added=np.frombuffer(b"".join(literals), np.uint8).copy(),
        added_offsets=np.cumsum([0, *map(len, literals)]).astype(np.int64),
    )


def _work(longest: int) -> Work:
    """Memory for documents of up to so many bytes; what isn't used is never touched."""
    symbols = longest + 1
    return Work(
        text=np.zeros(longest + 1 + 8, np.uint8),
        cuts=np.empty(_BLOCK_OF_CUTS + 1, np.int64),
        symbols=np.empty(symbols, np.int32),
        ranks=np.empty(symbols, np.int32),
        products=np.empty(symbols, np.int32),
    )


def _no_units(bits: tuple[int, int], pool: int) -> Units:
    return Units(
        short=np.zeros((1 << bits[0], 2), np.uint64),
        long=np.zeros((1 << bits[1], 5), np.uint64),
        bits=np.array(bits, np.int64),
        pool=np.empty(pool, np.int32),
        held=np.zeros(3, np.int64),
    )


def _with_room(units: Units) -> Units:
    """The units in tables less than half full, or none when they have become too many."""
    held = (int(count) for count in units.held)
    full = [
        count > size >> 1
        for count, size in zip(
            held, (len(units.short), len(units.long), len(units.pool)), strict=True
        )
    ]
    if not any(full):
        return units
    bits = (int(units.bits[0]) + full[0], int(units.bits[1]) + full[1])
    size = len(units.pool) << full[2]
    if bits[0] > _MOST_BITS[0] or bits[1] > _MOST_BITS[1] or size > _MOST_POOL:
        return _no_units(_FIRST_BITS, _FIRST_POOL)
    pool = np.empty(size, np.int32)
    pool[: len(units.pool)] = units.pool
    return Units(
        short=rehash(units.short, bits[0]) if full[0] else units.short,
        long=rehash(units.long, bits[1]) if full[1] else units.long,
        bits=np.array(bits, np.int64),
        pool=pool if full[2] else units.pool,
        held=units.held,
    )


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A view that can't be written to: the loops are compiled for one kind of array, not two."""
    view = array.view()
    view.flags.writeable = False
    return view
