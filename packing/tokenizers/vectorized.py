"""The same encoding in operations on whole arrays, for numpy and for torch on any device.

Every step is elementwise, a gather, a scatter or a running sum, so that one text of this module is
numpy's path where nothing compiled is installed, and torch's on a GPU. Units are found by their
bytes, which are compared in full; those that aren't known are few, and are merged on the host.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Any, cast

import array_api_compat
import array_api_compat.numpy
import numpy as np
import numpy.typing as npt

from packing.tokenizers.bpe_vocabulary import BpeVocabulary
from packing.tokenizers.cut import CUT, SUSPECT, flags_of_pairs
from packing.tokenizers.merging import MergeUnits, python_merges
from packing.tokenizers.pieces import SPACE
from packing.tokenizers.texts import Texts
from packing.tokenizers.tokens import Ids, id_dtype
from packing.tokenizers.unit_table import LONG_WORDS, WORD, Slots, UnitTable, multiplied_slot
from packing.tokenizers.units import TAKE_APART

__all__ = ["ArrayCore", "Encoded", "gather_ranges", "numpy_core"]

# An array of the namespace at hand: numpy's or torch's.
Array = Any

_SPACE_BYTE = 0x20

# numpy works through temporary arrays of some 30 bytes a byte of text; these stay in a cache.
_NUMPY_SLAB = 1 << 20

# Beyond so many known units (some 400 MB with what finds them) all are forgotten and learned anew.
_MOST_UNITS = 1 << 22


@dataclass(frozen=True, slots=True)
class Encoded:
    """The ids of some documents, where they were computed.

    Attributes:
        ids: Ids of the documents that weren't to be taken apart, one after another.
        counts: How many ids each document has; `TAKE_APART` for the others.
    """

    ids: Array
    counts: Array


class ArrayCore:
    """Encodes texts in operations on whole arrays.

    One thread at a time: new units change the tables. `encode_plain` makes others wait.
    """

    def __init__(
        self,
        vocabulary: BpeVocabulary,
        namespace: Any,
        device: Any,
        merge_units: MergeUnits,
        slab: int,
        name: str,
    ) -> None:
        """Puts the tables where they are needed.

        Args:
            vocabulary: The vocabulary.
            namespace: The array namespace to compute in.
            device: Where its arrays lie.
            merge_units: Merges the units that aren't known yet.
            slab: How many bytes of text are worked on at a time.
            name: What this is, with versions.
        """
        self._lock = Lock()
        self._xp = namespace
        self._device = device
        self._dtype = id_dtype(vocabulary.size)
        self._merge_units = merge_units
        self._slab = slab
        self.flags = self.put(flags_of_pairs(vocabulary))
        literals = [SPACE.encode(), *(token.content for token in vocabulary.added)]
        self._literals = [np.frombuffer(literal, np.uint8).tolist() for literal in literals]
        low_bytes = [(1 << 8 * count) - 1 for count in range(WORD)] + [-1]
        self._low_bytes = self.put(np.array(low_bytes, np.int64))
        self._table = UnitTable()
        self._upload_table()
        self.name = name

    def encode_plain(
        self, texts: Texts, prefixed: npt.NDArray[np.bool_], *, check: bool
    ) -> tuple[Ids, npt.NDArray[np.int64]]:
        """Encodes texts that hold no added token and no U+2581 (see `UnitCore`)."""
        pieces = [np.empty(0, self._dtype)]
        counts = [np.empty(0, np.int64)]
        with self._lock:
            for encoded in self.encode_slabs(texts, prefixed, check=check):
                pieces.append(self.take(encoded.ids).astype(self._dtype))
                counts.append(self.take(encoded.counts))
        return cast("Ids", np.concatenate(pieces)), np.concatenate(counts)

    def encode_slabs(
        self, texts: Texts, prefixed: npt.NDArray[np.bool_], *, check: bool
    ) -> Iterator[Encoded]:
        """The same slab by slab, with what comes out left where it was computed."""
        first = 0
        while first < len(texts):
            behind = np.searchsorted(texts.offsets, texts.offsets[first] + self._slab, "right") - 1
            last = min(max(int(behind), first + 1), len(texts))
            slab = Texts(texts.data, texts.offsets[first : last + 1])
            yield self._encode_slab(slab, prefixed[first:last], check)
            first = last

    def take(self, array: Array) -> npt.NDArray[Any]:
        """An array of the device as one of numpy."""
        return np.asarray(array.cpu() if hasattr(array, "cpu") else array)

    def put(self, array: npt.NDArray[Any]) -> Array:
        """An array of numpy on the device."""
        writable = array if array.flags.writeable else array.copy()
        return self._xp.asarray(writable, device=self._device)

    def _encode_slab(self, texts: Texts, prefixed: npt.NDArray[np.bool_], check: bool) -> Encoded:
        xp = self._xp
        if len(self._table) > _MOST_UNITS:
            self._table = UnitTable()
            self._upload_table()
        text, starts = self._with_prefixes(texts, prefixed)
        size = int(starts[-1])
        if not size:
            return Encoded(
                self.put(np.empty(0, np.int64)), self.put(np.zeros(len(texts), np.int64))
            )
        flags = self.flags_between(text, size)
        apart = self._holding_literals(text, flags, starts, size) if check else None
        is_start = xp.astype(flags & CUT, xp.bool)
        documents = self.put(starts)
        is_start[documents[:-1][documents[:-1] < size]] = True
        units = xp.nonzero(is_start)[0]
        lengths = xp.concat([units[1:], documents[-1:]]) - units
        entries = self._entries_of(text, units, lengths)
        counts = self._counts[entries]
        if apart is not None:
            of_unit = xp.searchsorted(documents, units, side="right") - 1
            counts = xp.where(apart[of_unit], 0, counts)
        ids = gather_ranges(xp, self._pool, self._places[entries], counts)
        return Encoded(ids, self._counts_by_document(documents, units, counts, apart))

    def _with_prefixes(
        self, texts: Texts, prefixed: npt.NDArray[np.bool_]
    ) -> tuple[Array, npt.NDArray[np.int64]]:
        """The documents one after another with their prefixes, and where each begins.

        Behind them are as many zeros as the reading of words may reach.
        """
        xp = self._xp
        lengths = texts.byte_lengths()
        starts = np.zeros(len(texts) + 1, np.int64)
        np.cumsum(lengths + prefixed, out=starts[1:])
        size = int(starts[-1])
        held = texts.data[texts.offsets[0] : texts.offsets[-1]]
        padded = (size // WORD + LONG_WORDS + 2) * WORD
        text = xp.full((padded,), _SPACE_BYTE, dtype=xp.uint8, device=self._device)
        text[size:] = 0
        shifts = starts[:-1] + prefixed - (texts.offsets[:-1] - texts.offsets[0])
        places = xp.repeat(self.put(shifts), self.put(lengths))
        places = places + xp.arange(len(held), dtype=xp.int64, device=self._device)
        text[places] = self.put(held)
        return text, starts

    def flags_between(self, text: Array, size: int) -> Array:
        """The flags between each byte and the one before it.

        Args:
            text: The text.
            size: How many bytes of it count.

        Returns:
            A flag for each byte, none for the first.
        """
        xp = self._xp
        bytes_ = xp.astype(text[:size], xp.int64)
        pairs = bytes_[:-1] * 256 + bytes_[1:]
        none = xp.zeros((1,), dtype=xp.uint8, device=self._device)
        return xp.concat([none, self.flags[pairs]])

    def _holding_literals(
        self, text: Array, flags: Array, starts: npt.NDArray[np.int64], size: int
    ) -> Array | None:
        """Which documents hold U+2581 or an added token's literal; None when none does.

        One that reaches from a document into the next counts too: to take a document apart in vain
        changes nothing.
        """
        xp = self._xp
        suspects = xp.nonzero(flags & SUSPECT)[0] - 1
        if not suspects.shape[0]:
            return None
        found = xp.zeros(suspects.shape, dtype=xp.bool, device=self._device)
        for literal in self._literals:
            same = xp.ones(suspects.shape, dtype=xp.bool, device=self._device)
            for step, byte in enumerate(literal):
                same = same & (text[xp.clip(suspects + step, max=size - 1)] == byte)
            found = found | same
        at = self.take(suspects[found])
        if not len(at):
            return None
        apart = np.zeros(len(starts) - 1, np.bool_)
        apart[np.searchsorted(starts, at, side="right") - 1] = True
        return self.put(apart)

    def _entries_of(self, text: Array, units: Array, lengths: Array) -> Array:
        """The entry of every unit in the table; units that aren't there are learned first."""
        entries = self.look_up(text, units, lengths)
        unknown = self._xp.nonzero(entries < 0)[0]
        if unknown.shape[0]:
            entries[unknown] = self.put(self._learn(text, units, lengths, unknown))
        return entries

    def look_up(self, text: Array, units: Array, lengths: Array) -> Array:
        """Finds units by their words.

        Args:
            text: The text, padded with zeros.
            units: Where each unit begins.
            lengths: How many bytes each has.

        Returns:
            Their entries; -1 for those that the table lacks, and for those of more than 32 bytes.
        """
        xp = self._xp
        entries = xp.full(units.shape, -1, dtype=xp.int64, device=self._device)
        short = xp.nonzero(lengths <= WORD)[0]
        long = xp.nonzero((lengths > WORD) & (lengths <= WORD * LONG_WORDS))[0]
        for which, table in ((short, self.short), (long, self.long)):
            starts, sizes = units[which], lengths[which]
            words = [self._words_at(text, starts, sizes, n) for n in range(len(table.words))]
            entries[which] = self._probe(words, table)
        return entries

    def _words_at(self, text: Array, units: Array, lengths: Array, place: int) -> Array:
        """The n-th eight bytes of each unit as a number, zeros behind its end.

        Two aligned words are read and put together, as not every device reads across.
        """
        xp = self._xp
        aligned = text.view(xp.int64)
        starts = units + WORD * place
        left = xp.clip(lengths - WORD * place, min=0, max=WORD)
        index, shift = starts >> 3, starts & 7
        low = aligned[index] >> (shift * 8)
        low = low & self._low_bytes[WORD - shift]
        # Shifted in two steps, for no shift by 64 is defined.
        high = (aligned[index + 1] << (63 - shift * 8)) << 1
        high = xp.where(shift == 0, 0, high)
        return (low | high) & self._low_bytes[left]

    def _probe(self, words: list[Array], table: Slots) -> Array:
        """The entries of units by their words, -1 for those that the table lacks."""
        xp = self._xp
        home = multiplied_slot(words, table.bits)
        found = xp.full(words[0].shape, -1, dtype=xp.int64, device=self._device)
        left = xp.arange(words[0].shape[0], dtype=xp.int64, device=self._device)
        for step in range(table.reach):
            slots = (home + step) & ((1 << table.bits) - 1)
            entry = table.entries[slots]
            same = entry >= 0
            for word, keys in zip(words, table.words, strict=True):
                same = same & (keys[slots] == word)
            found[left[same]] = entry[same]
            others = xp.nonzero(~same & (entry >= 0))[0]
            if not others.shape[0]:
                break
            left, home = left[others], home[others]
            words = [word[others] for word in words]
        return found

    def _learn(
        self, text: Array, units: Array, lengths: Array, missing: Array
    ) -> npt.NDArray[np.int64]:
        """Merges units that the table lacks and returns their entries."""
        xp = self._xp
        sizes = self.take(lengths[missing])
        held = self.take(gather_ranges(xp, text, units[missing], self.put(sizes)))
        ends = np.cumsum(sizes)
        keys = [held[end - size : end].tobytes() for end, size in zip(ends, sizes, strict=True)]
        new = [key for key in dict.fromkeys(keys) if key not in self._table]
        if new:
            offsets = np.zeros(len(new) + 1, np.int64)
            np.cumsum([len(key) for key in new], out=offsets[1:])
            ids, counts = self._merge_units(Texts(np.frombuffer(b"".join(new), np.uint8), offsets))
            self._table.insert(new, ids, counts)
            self._upload_table()
        return self._table.entries_of(keys)

    def _upload_table(self) -> None:
        table = self._table
        self.short = table.short.on(self.put)
        self.long = table.long.on(self.put)
        self._counts = self.put(table.counts)
        self._places = self.put(table.places)
        self._pool = self.put(table.pool)

    def _counts_by_document(
        self, documents: Array, units: Array, counts: Array, apart: Array | None
    ) -> Array:
        xp = self._xp
        zero = xp.zeros((1,), dtype=xp.int64, device=self._device)
        sums = xp.concat([zero, xp.cumulative_sum(counts)])
        ends = sums[xp.searchsorted(units, documents)]
        by_document = ends[1:] - ends[:-1]
        return by_document if apart is None else xp.where(apart, TAKE_APART, by_document)


def gather_ranges(xp: Any, source: Array, places: Array, counts: Array) -> Array:
    """Ranges of an array, one after another.

    Args:
        xp: The namespace of the arrays.
        source: What is read.
        places: Where each range begins.
        counts: How long each is.

    Returns:
        The values of all ranges in order.
    """
    ends = xp.cumulative_sum(counts)
    shifts = xp.repeat(places - ends + counts, counts)
    device = array_api_compat.device(shifts)
    steps = xp.arange(shifts.shape[0], dtype=shifts.dtype, device=device)
    return source[shifts + steps]


def numpy_core(vocabulary: BpeVocabulary) -> ArrayCore:
    """The path for a machine without a compiler: arrays of numpy, units merged in Python.

    Args:
        vocabulary: The vocabulary.

    Returns:
        The core.
    """

    return ArrayCore(
        vocabulary,
        array_api_compat.numpy,
        device="cpu",
        merge_units=python_merges(vocabulary),
        slab=_NUMPY_SLAB,
        name=f"bigram cut, numpy {np.__version__}",
    )
