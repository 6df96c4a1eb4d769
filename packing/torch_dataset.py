"""The loader as PyTorch knows it; the only module of ours that training imports PyTorch for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import IterableDataset, get_worker_info

from packing.loader import Batches, Plan

__all__ = ["PackedDataset"]

_TENSORS = (
    "input_ids",
    "targets",
    "position_ids",
    "cu_seqlens",
    "source",
    "sequence",
    "epoch",
)


class PackedDataset(IterableDataset[dict[str, Any]]):
    """Whole batches of a packed corpus, one a step.

    ``DataLoader(dataset, batch_size=None, num_workers=N)`` takes items from its workers in turn, so
    worker w of N gives the batches w, w + N, ... and their order is the same for any N.

    Args:
        plan: Which batches.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        # Fail here, not in a worker, when there is no such corpus.
        self._batches: Batches | None = Batches(plan)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        batches = self._opened()
        worker = get_worker_info()
        first, stride = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for batch in batches.every(first, stride):
            yield {
                name: torch.from_numpy(value) if name in _TENSORS else value
                for name, value in batch.items()
            }

    def __len__(self) -> int:
        """Steps that are left."""
        return max(self._opened().steps - self.plan.start, 0)

    def __getstate__(self) -> dict[str, Any]:
        # Workers map the files themselves.
        return {**self.__dict__, "_batches": None}

    def _opened(self) -> Batches:
        self._batches = self._batches or Batches(self.plan)
        return self._batches
