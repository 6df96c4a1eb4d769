"""Which sequence stands at which place of the training order, over sources with weights.

The order is a function: place -> (source, epoch, sequence). Places come in periods in which every
source has exactly its weight, and a period in blocks in which it has its share to within one. A
keyed permutation shuffles a block, and another, chosen by seed, epoch and source, the sequences of
a source. Nothing is stored and nothing is drawn, so that any place costs the same, an interrupted
training resumes from one integer, and each source counts its own epochs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from math import gcd, lcm
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from packing.permutation import Permutation

__all__ = ["Mixture", "MixtureSource", "Placed", "integer_weights"]

_Ints = npt.NDArray[np.int64]

# Sequences of a block, about: enough that sources alternate, few enough that any stretch of
# training has the wanted shares.
_BLOCK: Final = 64


@dataclass(frozen=True, slots=True)
class MixtureSource:
    """A source of sequences.

    Attributes:
        name: Its name.
        sequences: How many it has.
        weight: Its share, relative to the other sources' weights.
    """

    name: str
    sequences: int
    weight: int


@dataclass(frozen=True, slots=True)
class Placed:
    """What stands at some places of the order.

    Attributes:
        sources: Numbers of the sources.
        epochs: How often each source was gone through before, from 0.
        sequences: Numbers of the sequences in their sources.
    """

    sources: _Ints
    epochs: _Ints
    sequences: _Ints


class Mixture:
    """The training order over some sources.

    Args:
        sources: The sources; those without weight are left out of the order.
        seed: Chooses the order.
        shuffle: Whether blocks and sources are permuted; without, sources take turns in each block,
            and their sequences come in order.
        exact: Whether weights are the sequences of a period, as epochs make them, and not shares.

    Raises:
        ValueError: No source has any weight, or one that has weight has no sequences.
    """

    def __init__(
        self,
        sources: Sequence[MixtureSource],
        *,
        seed: int = 0,
        shuffle: bool = True,
        exact: bool = False,
    ) -> None:
        self.sources = tuple(sources)
        self.seed = seed
        self.shuffle = shuffle
        weights = np.array([source.weight for source in sources], np.int64)
        if not len(weights) or weights.min() < 0 or not weights.sum():
            raise ValueError("weights are whole numbers from 0, and at least one is above 0")
        for source in sources:
            if source.weight and not source.sequences:
                raise ValueError(f"source {source.name!r} has weight but no sequences")
        # Small weights are multiplied, to fill a block; large ones make many blocks.
        self._counts = weights if exact else weights * -(-_BLOCK // int(weights.sum()))
        self.period = int(self._counts.sum())
        self.blocks = max(self.period // _BLOCK, 1)

    @cached_property
    def once(self) -> int:
        """Places until every source was gone through at least once."""
        periods = max(
            -(-source.sequences // int(count))
            for source, count in zip(self.sources, self._counts, strict=True)
            if count
        )
        return periods * self.period

    def at(self, first: int, count: int) -> Placed:
        """What stands at places ``first`` to ``first + count - 1``."""
        places = np.arange(first, first + count, dtype=np.int64)
        sources = np.empty(count, np.int64)
        draws = np.empty(count, np.int64)
        blocks = self._blocks_of(places)
        for block in np.unique(blocks).tolist():
            inside = blocks == block
            before = self._before(block)
            shares = self._before(block + 1) - before
            ends = np.cumsum(shares)
            slots = self._slots(block, int(ends[-1]), places[inside] - int(before.sum()))
            drawn = np.searchsorted(ends, slots, side="right")
            sources[inside] = drawn
            draws[inside] = before[drawn] + slots - (ends - shares)[drawn]
        epochs = np.empty(count, np.int64)
        sequences = np.empty(count, np.int64)
        for number in np.unique(sources).tolist():
            inside = sources == number
            epochs[inside], sequences[inside] = self._drawn(number, draws[inside])
        return Placed(sources, epochs, sequences)

    def _before(self, block: int) -> _Ints:
        """How often each source comes before a block, counted over all periods."""
        periods, inside = divmod(block, self.blocks)
        return periods * self._counts + inside * self._counts // self.blocks

    def _blocks_of(self, places: _Ints) -> _Ints:
        """The block that each place is in."""
        periods, inside = np.divmod(places, self.period)
        # What is rounded down at a block's beginning makes it begin early, never late.
        blocks = inside * self.blocks // self.period
        while True:
            begins = ((blocks + 1)[:, None] * self._counts // self.blocks).sum(axis=1)
            late = begins <= inside
            if not late.any():
                return np.asarray(periods * self.blocks + blocks, np.int64)
            blocks = blocks + late

    def account(self, places: int, tokens: Sequence[npt.ArrayLike]) -> dict[str, Any]:
        """Exactly what a training over the first places sees of each source.

        Args:
            places: Sequences of the training.
            tokens: Per source, the tokens in each of its sequences, padding not counted.

        Returns:
            What ``mixture.json`` holds.
        """
        rows: list[dict[str, Any]] = []
        block = int(self._blocks_of(np.array([places]))[0])
        counts = self._before(block)
        # In a block the draws of a source come in any order, so that a part of one is looked at.
        begun = int(counts.sum())
        last = self.at(begun, places - begun)
        for number, source in enumerate(self.sources):
            filled = np.asarray(tokens[number], np.int64)
            before = int(counts[number])
            behind = last.sequences[last.sources == number]
            seen = self._seen(number, before, filled) + int(filled[behind].sum())
            drawn = before + len(behind)
            whole, over = divmod(drawn, source.sequences) if source.sequences else (0, 0)
            rows.append(
                {
                    "source": source.name,
                    "weight": source.weight,
                    "sequences": source.sequences,
                    "tokens": int(filled.sum()),
                    "drawn_sequences": drawn,
                    "drawn_tokens": seen,
                    "whole_epochs": whole,
                    "sequences_of_the_next_epoch": over,
                    "epochs": round(drawn / source.sequences, 6) if source.sequences else 0.0,
                }
            )
        total = sum(row["drawn_tokens"] for row in rows)
        for row in rows:
            row["share_of_tokens"] = round(row["drawn_tokens"] / total, 6) if total else 0.0
        return {
            "seed": self.seed,
            "shuffle": self.shuffle,
            "period": self.period,
            "blocks": self.blocks,
            "places": places,
            "tokens": total,
            "sources": rows,
        }

    def _slots(self, block: int, size: int, offsets: _Ints) -> _Ints:
        """Which slots of a block come at some places of it."""
        if not self.shuffle:
            return offsets
        return Permutation(size, self.seed, "block", block).at(offsets)

    def _seen(self, number: int, draws: int, filled: _Ints) -> int:
        """Tokens of a source's first draws."""
        if not draws:
            return 0
        epochs, rest = divmod(draws, self.sources[number].sequences)
        seen = epochs * int(filled.sum())
        if rest:
            _, sequences = self._drawn(number, np.arange(draws - rest, draws, dtype=np.int64))
            seen += int(filled[sequences].sum())
        return seen

    def _drawn(self, number: int, draws: _Ints) -> tuple[_Ints, _Ints]:
        """Epochs and sequences of some draws from a source."""
        source = self.sources[number]
        epochs, indices = np.divmod(draws, source.sequences)
        if not self.shuffle:
            return epochs, indices
        sequences = np.empty_like(indices)
        for epoch in np.unique(epochs):
            inside = epochs == epoch
            order = Permutation(source.sequences, self.seed, "epoch", int(epoch), source.name)
            sequences[inside] = order.at(indices[inside])
        return epochs, sequences


def integer_weights(weights: Mapping[str, str | int | float]) -> dict[str, int]:
    """Weights as the smallest whole numbers of the same proportions.

    Raises:
        ValueError: A weight is negative or no number.
    """
    exact = {}
    for name, weight in weights.items():
        try:
            value = Decimal(str(weight))
        except ArithmeticError as error:
            raise ValueError(f"the weight of {name!r} is no number: {weight}") from error
        if not value.is_finite() or value < 0:
            raise ValueError(f"the weight of {name!r} must be 0 or more: {weight}")
        exact[name] = value.as_integer_ratio()
    common = lcm(*(denominator for _, denominator in exact.values()))
    whole = {name: top * common // bottom for name, (top, bottom) in exact.items()}
    divisor = gcd(*whole.values()) or 1
    return {name: value // divisor for name, value in whole.items()}
