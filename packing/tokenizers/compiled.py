"""The inner loops of the CPU path, compiled by numba; they hold no lock of Python's.

A document is read once. Its bytes are cut into units by a table of pairs, a unit is looked up by
its bytes, which are compared in full, and its ids are copied; a unit that isn't there is merged and
put into the table. What is in the table never changes an id, only how fast it is found.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from packing.tokenizers.cut import CUT, SUSPECT

__all__ = [
    "LONG",
    "SHORT",
    "Tables",
    "Units",
    "Work",
    "build_pairs",
    "encode_documents",
    "rehash",
]

# A unit of up to 8 bytes is its own key, one of up to 32 has four words; 0.04 % are longer.
SHORT = 8
LONG = 32

# A value in the table of units: how many ids (high byte), then two ids of 28 bits or the place of
# more of them in the pool. Zero says that the slot is empty.
_COUNT_SHIFT = np.uint64(56)
_SECOND_SHIFT = np.uint64(28)
_ID_MASK = np.uint64((1 << 28) - 1)
_PLACE_MASK = np.uint64((1 << 56) - 1)

_ALL = np.uint64(2**64 - 1)

_CUT = np.uint8(CUT)
_SUSPECT = np.uint8(SUSPECT)

# Fibonacci hashing: 2**64 over the golden ratio, odd (Knuth, TAOCP volume 3, section 6.4), and
# another odd constant without structure for the further words (splitmix64's first).
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIXER = np.uint64(0xBF58476D1CE4E5B9)

# Up to so many symbols the lowest pair is found by looking at all of them, beyond by a heap.
_SCANNED_SYMBOLS = 48

_NO_RANK = np.int32(2**31 - 1)

# Bytes that are cut at a time, so that the places of cuts stay in the first cache.
_BLOCK = 4096


# Inside the loops numbers are the machine's, whatever Python calls them.
_Int = Any
_Rank = Any
_Word = Any
_Bytes = npt.NDArray[np.uint8]
_Flags = npt.NDArray[np.bool_]
_Ints = npt.NDArray[np.int64]
_Words = npt.NDArray[np.uint64]
_Array = npt.NDArray[Any]


class Tables(NamedTuple):
    """What follows from the vocabulary and never changes.

    Attributes:
        flags: Flags of pairs of bytes.
        characters: Id of each code point, -1 for those that the vocabulary lacks.
        byte_ids: Id of each byte.
        pair_keys: Open table of pairs of pieces.
        pair_values: Their ranks and products.
        pair_bits: Binary logarithm of its size.
        added: Bytes of added tokens and of U+2581, one after another.
        added_offsets: Where each begins, and where the last one ends.
    """

    flags: npt.NDArray[np.uint8]
    characters: npt.NDArray[np.int32]
    byte_ids: npt.NDArray[np.int32]
    pair_keys: npt.NDArray[np.int64]
    pair_values: npt.NDArray[np.int32]
    pair_bits: int
    added: npt.NDArray[np.uint8]
    added_offsets: npt.NDArray[np.int64]


class Units(NamedTuple):
    """Units whose ids are known.

    Attributes:
        short: Open table of units of up to 8 bytes: the bytes, the value.
        long: Open table of units of up to 32 bytes: four words of bytes, the value.
        bits: Binary logarithms of the sizes of both.
        pool: Ids of units that have more than two.
        held: How many entries the tables and the pool hold.
    """

    short: npt.NDArray[np.uint64]
    long: npt.NDArray[np.uint64]
    bits: npt.NDArray[np.int64]
    pool: npt.NDArray[np.int32]
    held: npt.NDArray[np.int64]


class Work(NamedTuple):
    """Memory that a document is worked on in.

    Attributes:
        text: The document with its prefix, and eight bytes more.
        cuts: Places of cuts in a block.
        symbols: Pieces of one unit.
        ranks: Ranks of their pairs.
        products: What the pairs become.
    """

    text: npt.NDArray[np.uint8]
    cuts: npt.NDArray[np.int64]
    symbols: npt.NDArray[np.int32]
    ranks: npt.NDArray[np.int32]
    products: npt.NDArray[np.int32]


@intrinsic
def _load_word(typing_context: Any, array: Any, place: Any) -> Any:
    """Eight bytes from any place of an array of bytes, the first one lowest."""

    def load(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.gep(view.data, [arguments[1]])
        word = builder.bitcast(pointer, ir.IntType(64).as_pointer())
        return builder.load(word, align=1)

    return types.uint64(array, types.intp), load


_word_at: Any = _load_word


@njit(cache=True, nogil=True, inline="always")
def _slot_of_word(word: _Word, bits: _Int) -> _Int:
    return np.int64((word * _GOLDEN) >> np.uint64(64 - bits))


@njit(cache=True, nogil=True, inline="always")
def _slot_of_words(a: _Word, b: _Word, c: _Word, d: _Word, bits: _Int) -> _Int:
    mixed = a * _GOLDEN
    mixed = (mixed ^ (mixed >> np.uint64(32)) ^ b) * _MIXER
    mixed = (mixed ^ (mixed >> np.uint64(32)) ^ c) * _GOLDEN
    mixed = (mixed ^ (mixed >> np.uint64(32)) ^ d) * _MIXER
    return np.int64((mixed * _GOLDEN) >> np.uint64(64 - bits))


@njit(cache=True, nogil=True)
def build_pairs(pairs: _Ints, ranks: _Array, products: _Array, bits: _Int) -> tuple[_Ints, _Array]:
    """An open table of pairs of pieces: key, rank, product; a key of -1 is an empty slot."""
    size = 1 << bits
    keys = np.full(size, -1, np.int64)
    values = np.zeros((size, 2), np.int32)
    for row in range(len(pairs)):
        key = pairs[row, 0] << 32 | pairs[row, 1]
        slot = _slot_of_word(np.uint64(key), bits)
        while keys[slot] != -1:
            slot = (slot + 1) & (size - 1)
        keys[slot] = key
        values[slot, 0] = ranks[row]
        values[slot, 1] = products[row]
    return keys, values


@njit(cache=True, nogil=True, inline="always")
def _merge_of(
    left: _Int, right: _Int, keys: _Ints, values: _Array, bits: _Int
) -> tuple[_Rank, _Rank]:
    """Rank and product of a pair; `_NO_RANK` when it doesn't merge."""
    key = np.int64(left) << 32 | np.int64(right)
    slot = _slot_of_word(np.uint64(key), bits)
    while True:
        found = keys[slot]
        if found == key:
            return values[slot, 0], values[slot, 1]
        if found == -1:
            return _NO_RANK, np.int32(-1)
        slot = (slot + 1) & (len(keys) - 1)


@njit(cache=True, nogil=True)
def _symbols_of(
    text: _Bytes,
    start: _Int,
    end: _Int,
    characters: _Array,
    byte_ids: _Array,
    symbols: _Array,
) -> _Int:
    """The pieces that merging begins with: characters, or their bytes. Returns how many."""
    count = 0
    place = start
    while place < end:
        lead = np.int32(text[place])
        if lead < 0x80:
            length = 1
            character = lead
        elif lead < 0xE0:
            length = 2
            character = (lead & 0x1F) << 6 | (text[place + 1] & 0x3F)
        elif lead < 0xF0:
            length = 3
            character = (
                (lead & 0x0F) << 12 | (text[place + 1] & 0x3F) << 6 | (text[place + 2] & 0x3F)
            )
        else:
            length = 4
            character = (
                (lead & 0x07) << 18
                | (text[place + 1] & 0x3F) << 12
                | (text[place + 2] & 0x3F) << 6
                | (text[place + 3] & 0x3F)
            )
        number = characters[character]
        if number >= 0:
            symbols[count] = number
            count += 1
        else:
            for step in range(length):
                symbols[count] = byte_ids[text[place + step]]
                count += 1
        place += length
    return count


@njit(cache=True, nogil=True)
def _merge_scanning(
    symbols: _Array,
    count: _Int,
    keys: _Ints,
    values: _Array,
    bits: _Int,
    ranks: _Array,
    products: _Array,
) -> _Int:
    """Merges in place, looking at every pair for the lowest each time. Returns how many stay."""
    for place in range(count - 1):
        ranks[place], products[place] = _merge_of(
            symbols[place], symbols[place + 1], keys, values, bits
        )
    while count > 1:
        best = 0
        lowest = ranks[0]
        for place in range(1, count - 1):
            if ranks[place] < lowest:
                lowest = ranks[place]
                best = place
        if lowest == _NO_RANK:
            break
        symbols[best] = products[best]
        count -= 1
        for place in range(best + 1, count):
            symbols[place] = symbols[place + 1]
        for place in range(best + 1, count - 1):
            ranks[place] = ranks[place + 1]
            products[place] = products[place + 1]
        if best > 0:
            ranks[best - 1], products[best - 1] = _merge_of(
                symbols[best - 1], symbols[best], keys, values, bits
            )
        if best < count - 1:
            ranks[best], products[best] = _merge_of(
                symbols[best], symbols[best + 1], keys, values, bits
            )
    return count


@njit(cache=True, nogil=True)
def _push(heap: _Ints, size: _Int, entry: _Int) -> _Int:
    place = size
    while place > 0:
        parent = (place - 1) >> 1
        if heap[parent] <= entry:
            break
        heap[place] = heap[parent]
        place = parent
    heap[place] = entry
    return size + 1


@njit(cache=True, nogil=True)
def _pop(heap: _Ints, size: _Int) -> _Int:
    """Takes the least entry off; it is at the place behind the heap afterwards."""
    least = heap[0]
    size -= 1
    entry = heap[size]
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if entry <= heap[child]:
            break
        heap[place] = heap[child]
        place = child
    heap[place] = entry
    heap[size] = least
    return size


@njit(cache=True, nogil=True)
def _merge_by_heap(symbols: _Array, count: _Int, keys: _Ints, values: _Array, bits: _Int) -> _Int:
    """The same for long units: the pairs wait in a heap by rank and place."""
    after = np.arange(1, count + 1)
    before = np.arange(-1, count - 1)
    ranks = np.full(count, _NO_RANK, np.int32)
    products = np.empty(count, np.int32)
    heap = np.empty(3 * count + 1, np.int64)
    size = 0
    for place in range(count - 1):
        ranks[place], products[place] = _merge_of(
            symbols[place], symbols[place + 1], keys, values, bits
        )
        if ranks[place] != _NO_RANK:
            size = _push(heap, size, np.int64(ranks[place]) << 32 | place)
    while size > 0:
        size = _pop(heap, size)
        place = heap[size] & 0xFFFFFFFF
        if ranks[place] != heap[size] >> 32:  # merged or changed since it was put there
            continue
        symbols[place] = products[place]
        gone = after[place]
        symbols[gone] = -1
        ranks[gone] = _NO_RANK
        after[place] = after[gone]
        if after[place] < count:
            before[after[place]] = place
        for left in (before[place], place):
            if left < 0:
                continue
            ranks[left] = _NO_RANK
            if after[left] < count:
                ranks[left], products[left] = _merge_of(
                    symbols[left], symbols[after[left]], keys, values, bits
                )
            if ranks[left] != _NO_RANK:
                size = _push(heap, size, np.int64(ranks[left]) << 32 | left)
    kept = 0
    for place in range(count):
        if symbols[place] >= 0:
            symbols[kept] = symbols[place]
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def _merge_unit(text: _Bytes, start: _Int, end: _Int, tables: Tables, work: Work) -> _Int:
    """Merges a unit; its ids are in `work.symbols` afterwards. Returns how many."""
    symbols = work.symbols
    keys, values, bits = tables.pair_keys, tables.pair_values, tables.pair_bits
    count = _symbols_of(text, start, end, tables.characters, tables.byte_ids, symbols)
    if count <= _SCANNED_SYMBOLS:
        return _merge_scanning(symbols, count, keys, values, bits, work.ranks, work.products)
    return _merge_by_heap(symbols, count, keys, values, bits)


@njit(cache=True, nogil=True)
def _value_of(symbols: _Array, count: _Int, units: Units) -> _Word:
    """What the table keeps for a unit's ids; zero when the pool has no room for them."""
    pool, held = units.pool, units.held
    counted = np.uint64(count) << _COUNT_SHIFT
    if count == 1:
        return counted | np.uint64(symbols[0])
    if count == 2:
        return counted | np.uint64(symbols[1]) << _SECOND_SHIFT | np.uint64(symbols[0])
    place = held[2]
    if place + count > len(pool):
        return np.uint64(0)
    for step in range(count):
        pool[place + step] = symbols[step]
    held[2] = place + count
    return counted | np.uint64(place)


@njit(cache=True, nogil=True)
def rehash(old: _Words, bits: _Int) -> _Words:
    """A table of units in a larger one; short units have one word, long ones four."""
    width = old.shape[1]
    new = np.zeros((1 << bits, width), np.uint64)
    for row in range(len(old)):
        if not old[row, width - 1]:
            continue
        if width == 2:
            slot = _slot_of_word(old[row, 0], bits)
        else:
            slot = _slot_of_words(old[row, 0], old[row, 1], old[row, 2], old[row, 3], bits)
        while new[slot, width - 1]:
            slot = (slot + 1) & (len(new) - 1)
        new[slot] = old[row]
    return new


@njit(cache=True, nogil=True)
def _holds_added(text: _Bytes, first: _Int, last: _Int, end: _Int, tables: Tables) -> bool:
    """Whether U+2581 or an added token's literal begins at one of some places of a document."""
    added, offsets = tables.added, tables.added_offsets
    for place in range(first, last):
        if not tables.flags[np.int64(text[place]) << 8 | np.int64(text[place + 1])] & _SUSPECT:
            continue
        for row in range(len(offsets) - 1):
            length = offsets[row + 1] - offsets[row]
            step = 0
            while (
                step < length
                and place + step < end
                and text[place + step] == added[offsets[row] + step]
            ):
                step += 1
            if step == length:
                return True
    return False


@njit(cache=True, nogil=True)
def _learn(
    text: _Bytes,
    start: _Int,
    end: _Int,
    words: tuple[_Word, _Word, _Word, _Word],
    slot: _Int,
    tables: Tables,
    units: Units,
    work: Work,
) -> _Int:
    """Merges a unit and puts it into its table, if there is room. Returns how many ids."""
    count = _merge_unit(text, start, end, tables, work)
    kind = 0 if end - start <= SHORT else 1
    table = units.long if kind else units.short
    if units.held[kind] < len(table) - len(table) // 4:
        value = _value_of(work.symbols, count, units)
        if value:
            table[slot, 0] = words[0]
            if kind:
                table[slot, 1] = words[1]
                table[slot, 2] = words[2]
                table[slot, 3] = words[3]
            table[slot, table.shape[1] - 1] = value
            units.held[kind] += 1
    return count


@njit(cache=True, nogil=True, inline="always")
def _word_of(text: _Bytes, start: _Int, length: _Int) -> _Word:
    """A word of a unit that has so many bytes left, zero where it ends."""
    if length >= 8:
        return _word_at(text, start)
    if length <= 0:
        return np.uint64(0)
    return _word_at(text, start) & (_ALL >> np.uint64(64 - 8 * length))


@njit(cache=True, nogil=True)
def encode_documents(
    data: _Bytes,
    offsets: _Ints,
    prefixed: _Flags,
    first: _Int,
    check: bool,
    tables: Tables,
    units: Units,
    work: Work,
    ids: _Array,
    out: _Int,
    counts: _Ints,
) -> tuple[_Int, _Int]:
    """Encodes documents one after another until all are done or the table of units should grow.

    Args:
        data: Bytes of the documents.
        offsets: Where each document begins, and where the last one ends.
        prefixed: Whether a space is put before each document.
        first: The document to begin with.
        check: Whether to look for added tokens and U+2581.
        tables: The vocabulary's `Tables`.
        units: The `Units` known so far.
        work: A `Work` for documents of this length.
        ids: Where the ids go, with room for one a byte, one a prefix and one more.
        out: Where the ids of the first document go.
        counts: How many ids each document has; -1 says that it must be taken apart first.

    Returns:
        The document to go on with, and the place behind the ids.
    """
    # Arrays are taken out of the tuples once: each access inside the loop would count references.
    text, cuts, symbols, flags = work.text, work.cuts, work.symbols, tables.flags
    short, long, pool, held = units.short, units.long, units.pool, units.held
    short_bits, long_bits = units.bits[0], units.bits[1]
    short_last, long_last = len(short) - 1, len(long) - 1
    for row in range(first, len(offsets) - 1):
        if held[0] > len(short) >> 1 or held[1] > len(long) >> 1 or held[2] > len(pool) >> 1:
            return row, out
        start, length = offsets[row], offsets[row + 1] - offsets[row]
        counts[row] = 0
        if length == 0:
            continue
        begun = out
        end = length
        if prefixed[row]:
            end += 1
            text[0] = 0x20
        for place in range(length):
            text[end - length + place] = data[start + place]
        unit = 0
        block = 1
        while True:
            stop = min(block + _BLOCK, end)
            found = 0
            seen = np.uint8(0)
            previous = np.int64(text[block - 1])
            for place in range(block, stop):
                current = np.int64(text[place])
                flag = flags[previous << 8 | current]
                cuts[found] = place
                found += flag & _CUT
                seen |= flag
                previous = current
            if check and seen & _SUSPECT and _holds_added(text, block - 1, stop - 1, end, tables):
                counts[row] = -1
                out = begun
                break
            if stop == end:
                cuts[found] = end
                found += 1
            for index in range(found):
                cut = cuts[index]
                size = cut - unit
                known = np.uint64(0)
                if size <= SHORT:
                    word = _word_at(text, unit) & (_ALL >> np.uint64(64 - 8 * size))
                    slot = _slot_of_word(word, short_bits)
                    while short[slot, 0] != word and short[slot, 1] != 0:
                        slot = (slot + 1) & short_last
                    known = short[slot, 1]
                    if known == 0:
                        count = _learn(
                            text, unit, cut, (word, word, word, word), slot, tables, units, work
                        )
                elif size <= LONG:
                    a = _word_at(text, unit)
                    b = _word_of(text, unit + 8, size - 8)
                    c = _word_of(text, unit + 16, size - 16)
                    d = _word_of(text, unit + 24, size - 24)
                    slot = _slot_of_words(a, b, c, d, long_bits)
                    while long[slot, 4] != 0 and (
                        long[slot, 0] != a
                        or long[slot, 1] != b
                        or long[slot, 2] != c
                        or long[slot, 3] != d
                    ):
                        slot = (slot + 1) & long_last
                    known = long[slot, 4]
                    if known == 0:
                        count = _learn(text, unit, cut, (a, b, c, d), slot, tables, units, work)
                else:
                    count = _merge_unit(text, unit, cut, tables, work)
                unit = cut
                if known == 0:
                    for step in range(count):
                        ids[out + step] = symbols[step]
                else:
                    count = np.int64(known >> _COUNT_SHIFT)
                    if count <= 2:
                        ids[out] = known & _ID_MASK
                        ids[out + 1] = (known >> _SECOND_SHIFT) & _ID_MASK
                    else:
                        first_id = np.int64(known & _PLACE_MASK)
                        for step in range(count):
                            ids[out + step] = pool[first_id + step]
                out += count
            if stop == end:
                counts[row] = out - begun
                break
            block = stop
    return len(offsets) - 1, out
