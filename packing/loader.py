"""Batches of a packed corpus for training, with PyTorch or without.

A step is a batch over all ranks. What is in step t depends on the corpus, the seed and the size of
that batch alone: neither ranks nor workers change it, and a training that stopped goes on from the
number of its next step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from packing.corpus import PackedCorpus
from packing.mixture import Mixture

if TYPE_CHECKING:
    from packing.torch_dataset import PackedDataset

__all__ = ["Batches", "Plan", "load"]

_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Plan:
    """Which part of the training order is read, by whom.

    Attributes:
        root: The folder of the packed corpus.
        batch_size: Sequences of a batch of one rank.
        rank: Which rank this is.
        world_size: How many ranks there are.
        start: The first step.
        steps: How many steps; None for those that go through every source at least once, or for the
            token budget that the corpus was packed with.
        seed: Chooses the order; that of packing by default.
        weights: Whole-number weights by source instead of those of packing.
        shuffle: Whether the order is permuted.
    """

    root: str
    batch_size: int = 1
    rank: int = 0
    world_size: int = 1
    start: int = 0
    steps: int | None = None
    seed: int | None = None
    weights: Mapping[str, int] | None = None
    shuffle: bool = True

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.world_size < 1 or self.start < 0:
            raise ValueError("batch_size and world_size are at least 1, start at least 0")
        if not 0 <= self.rank < self.world_size:
            raise ValueError(f"rank {self.rank} isn't one of {self.world_size}")

    @property
    def global_batch(self) -> int:
        """Sequences of a step, over all ranks."""
        return self.batch_size * self.world_size


class Batches:
    """The batches of one rank, by step.

    Args:
        plan: Which.

    Raises:
        NotARun: The folder holds no packed corpus.
        KeyError: A weight names no source.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.corpus = PackedCorpus(Path(plan.root))
        self.mixture: Mixture = self.corpus.mixture(
            seed=plan.seed,
            weights=None if plan.weights is None else dict(plan.weights),
            shuffle=plan.shuffle,
        )

    @cached_property
    def steps(self) -> int:
        """Steps of the whole training, those before ``start`` counted."""
        if self.plan.steps is not None:
            return self.plan.steps
        own = self.plan.weights is None and self.corpus.places
        places = self.corpus.places if own else self.mixture.once
        return -(-places // self.plan.global_batch)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self.every(0, 1)

    def every(self, first: int, stride: int) -> Iterator[dict[str, Any]]:
        """Every ``stride``-th batch from the ``first`` behind ``start``."""
        for step in range(self.plan.start + first, self.steps, stride):
            yield self.batch(step)

    def batch(self, step: int) -> dict[str, Any]:
        """The batch of a step.

        Returns:
            ``input_ids`` and ``targets`` (rows by length; targets are shifted already, -100 where
            nothing is to be predicted), ``position_ids``, ``cu_seqlens`` and ``max_seqlen`` over
            the rows laid end to end, and where each row is from: ``source`` (number in ``sources``
            of ``packed.json``), ``sequence``, ``epoch``, and ``step``.
        """
        plan, layout = self.plan, self.corpus.layout
        first = step * plan.global_batch + plan.rank * plan.batch_size
        placed = self.mixture.at(first, plan.batch_size)
        shape = (plan.batch_size, layout.length)
        ids, targets = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        positions = np.zeros(shape, np.int64)
        bounds: dict[int, _Ints] = {}
        for number in np.unique(placed.sources).tolist():
            places = np.flatnonzero(placed.sources == number)
            rows = self.corpus.sources[number].read(placed.sequences[places])
            ids[places] = rows.ids[:, : layout.length]
            targets[places] = rows.targets(layout.length, across=layout.across)
            positions[places] = rows.position_ids()[:, : layout.length]
            for row, place in enumerate(places.tolist()):
                bounds[place] = rows.cu_seqlens(row, layout.length) + place * layout.length
        cu_seqlens = np.unique(np.concatenate([bounds[place] for place in sorted(bounds)]))
        return {
            "input_ids": ids,
            "targets": targets,
            "position_ids": positions,
            "cu_seqlens": cu_seqlens.astype(np.int32),
            "max_seqlen": int(np.diff(cu_seqlens).max()),
            "source": placed.sources,
            "sequence": placed.sequences,
            "epoch": placed.epochs,
            "step": step,
        }


def load(
    root: str | Path,
    *,
    batch_size: int = 1,
    rank: int = 0,
    world_size: int = 1,
    start: int = 0,
    steps: int | None = None,
    seed: int | None = None,
    weights: Mapping[str, int] | None = None,
    shuffle: bool = True,
) -> PackedDataset:
    """A packed corpus as a PyTorch dataset of batches.

    Give it to ``DataLoader(dataset, batch_size=None, num_workers=N)``: batches come in the order of
    steps for any N. To resume, load it again with ``start`` at one more than the last batch's
    ``step``.

    Args:
        root: The folder that ``proofmill pack`` wrote.
        batch_size: Sequences of a batch of one rank.
        rank: Which rank this is.
        world_size: How many ranks there are. Step t has the same sequences for any number of ranks
            with the same ``batch_size * world_size``.
        start: The first step.
        steps: Where training ends; by default what the corpus was packed for.
        seed: Chooses the order; that of packing by default.
        weights: Whole-number weights by source instead of those of packing.
        shuffle: Whether the order is permuted.

    Raises:
        ModuleNotFoundError: PyTorch isn't installed.
        NotARun: The folder holds no packed corpus.
        KeyError: A weight names no source.
    """
    from packing.torch_dataset import PackedDataset

    plan = Plan(
        str(root),
        batch_size=batch_size,
        rank=rank,
        world_size=world_size,
        start=start,
        steps=steps,
        seed=seed,
        weights=None if weights is None else dict(weights),
        shuffle=shuffle,
    )
    return PackedDataset(plan)
