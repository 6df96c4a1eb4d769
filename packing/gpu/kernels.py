"""Two kernels in Triton for the steps where torch's operations move most memory.

Flags of pairs: torch makes four arrays of eight bytes a byte of text, the kernel reads the text and
writes a byte. Looking units up: torch gathers and compares array by array and step by step, the
kernel does all of it in registers, and a warp stops as soon as its units are found.

NOT RUN ON A GPU YET: their numbers are compared with torch's operations in Triton's interpreter
alone, and no speed is claimed. They are used where a caller asks for them, not by default.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl

from packing.gpu.units import TorchCore
from packing.tokenizers.unit_table import FACTORS, LONG_WORDS, WORD, Slots

__all__ = ["KernelCore"]

# Bytes or units a program instance works on; a few warps' worth, to be tuned where there is a GPU.
_BLOCK = 1024


@triton.jit
def _flag_pairs(text, table, flags, size, BLOCK: tl.constexpr):
    """The flags between each byte and the one before it; none for the first."""
    place = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = place < size
    after = tl.load(text + place, mask=inside, other=0).to(tl.int32)
    before = tl.load(text + place - 1, mask=inside & (place > 0), other=0).to(tl.int32)
    flag = tl.load(table + before * 256 + after, mask=inside & (place > 0), other=0)
    tl.store(flags + place, flag, mask=inside)


@triton.jit
def _word(aligned, starts, left, wanted):
    """Eight bytes from any place, zeros behind the unit's end; read as two aligned words."""
    index = starts >> 3
    shift = (starts & 7) * 8
    low = tl.load(aligned + index, mask=wanted, other=0)
    high = tl.load(aligned + index + 1, mask=wanted, other=0)
    # Shifts by 64 have no meaning: the upper part goes in two steps, masks are made from 63 on.
    kept = tl.where(shift == 0, -1, (tl.full(shift.shape, 1, tl.int64) << (64 - shift) % 64) - 1)
    word = ((low >> shift) & kept) | tl.where(shift == 0, 0, (high << (63 - shift)) << 1)
    held = tl.minimum(tl.maximum(left, 0), 8) * 8
    mask = tl.where(held == 64, -1, (tl.full(held.shape, 1, tl.int64) << held % 64) - 1)
    return word & mask


@triton.jit
def _find_units(
    aligned,
    units,
    lengths,
    words_0,
    words_1,
    words_2,
    words_3,
    entries,
    found,
    count,
    shortest,
    longest,
    reach,
    factor_0,
    factor_1,
    factor_2,
    factor_3,
    BITS: tl.constexpr,
    WORDS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Entries of the units of some lengths by open addressing; the others are left alone."""
    number = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = number < count
    length = tl.load(lengths + number, mask=inside, other=0)
    wanted = inside & (length >= shortest) & (length <= longest)
    start = tl.load(units + number, mask=wanted, other=0)
    a = _word(aligned, start, length, wanted)
    mixed = a * factor_0
    b = a
    c = a
    d = a
    if WORDS > 1:
        b = _word(aligned, start + 8, length - 8, wanted)
        c = _word(aligned, start + 16, length - 16, wanted)
        d = _word(aligned, start + 24, length - 24, wanted)
        mixed = (mixed ^ (mixed >> 29) ^ b) * factor_1
        mixed = (mixed ^ (mixed >> 29) ^ c) * factor_2
        mixed = (mixed ^ (mixed >> 29) ^ d) * factor_3
    last = (1 << BITS) - 1
    home = (mixed >> (64 - BITS)) & last
    result = tl.full((BLOCK,), -1, tl.int64)
    open_ = wanted
    step = 0
    while (step < reach) & (tl.max(open_.to(tl.int32), 0) > 0):
        slot = (home + step) & last
        entry = tl.load(entries + slot, mask=open_, other=-1)
        taken = open_ & (entry >= 0)
        same = taken & (tl.load(words_0 + slot, mask=taken, other=0) == a)
        if WORDS > 1:
            same = same & (tl.load(words_1 + slot, mask=taken, other=0) == b)
            same = same & (tl.load(words_2 + slot, mask=taken, other=0) == c)
            same = same & (tl.load(words_3 + slot, mask=taken, other=0) == d)
        result = tl.where(same, entry, result)
        open_ = taken & (same == 0)
        step += 1
    tl.store(found + number, result, mask=wanted)


class KernelCore(TorchCore):
    """The path of torch with the two kernels in it."""

    def flags_between(self, text: torch.Tensor, size: int) -> torch.Tensor:
        """The flags between each byte and the one before it (see `ArrayCore`)."""
        flags = torch.empty(size, dtype=torch.uint8, device=text.device)
        _flag_pairs[(triton.cdiv(size, _BLOCK),)](text, self.flags, flags, size, BLOCK=_BLOCK)
        return flags

    def look_up(self, text: torch.Tensor, units: Any, lengths: Any) -> torch.Tensor:
        """Finds units by their words (see `ArrayCore`)."""
        found = torch.full_like(units, -1)
        if not len(units):
            return found
        aligned = text.view(torch.int64)
        self._find(aligned, units, lengths, self.short, (1, WORD), found)
        self._find(aligned, units, lengths, self.long, (WORD + 1, WORD * LONG_WORDS), found)
        return found

    def _find(
        self,
        aligned: torch.Tensor,
        units: torch.Tensor,
        lengths: torch.Tensor,
        table: Slots,
        between: tuple[int, int],
        found: torch.Tensor,
    ) -> None:
        words = [*table.words, *[table.words[0]] * (LONG_WORDS - len(table.words))]
        _find_units[(triton.cdiv(len(units), _BLOCK),)](
            aligned,
            units,
            lengths,
            *words,
            table.entries,
            found,
            len(units),
            *between,
            table.reach,
            *FACTORS,
            BITS=table.bits,
            WORDS=len(table.words),
            BLOCK=_BLOCK,
        )
