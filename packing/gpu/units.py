"""SentencePiece BPE on a device of torch: the array path with its tables there."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import array_api_compat.torch
import numpy as np
import numpy.typing as npt
import torch

from packing.tokenizers.bpe_vocabulary import BpeVocabulary
from packing.tokenizers.merging import MergeUnits, python_merges
from packing.tokenizers.texts import Texts
from packing.tokenizers.tokens import Ids
from packing.tokenizers.vectorized import ArrayCore

__all__ = ["TorchCore", "torch_core"]

# Bytes of text that a device works on at a time: on a GPU the temporary arrays take some 60 times
# as much memory, and launching is cheap from here on; on a CPU they should stay in a cache.
_GPU_SLAB = 64 << 20
_CPU_SLAB = 2 << 20


class TorchCore(ArrayCore):
    """The array path on a device of torch."""

    def __init__(self, vocabulary: BpeVocabulary, device: torch.device) -> None:
        self.device = device
        super().__init__(
            vocabulary,
            array_api_compat.torch,
            device=device,
            merge_units=_host_merges(vocabulary),
            slab=_CPU_SLAB if device.type == "cpu" else _GPU_SLAB,
            name=f"bigram cut, torch {torch.__version__} on {device.type}",
        )

    def put(self, array: npt.NDArray[Any]) -> torch.Tensor:
        """An array of numpy on the device, through page-locked memory where that is a GPU."""
        host = torch.from_numpy(array if array.flags.writeable else array.copy())
        if self.device.type != "cuda":
            return host.to(self.device)
        return host.pin_memory().to(self.device, non_blocking=True)


def torch_core(
    vocabulary: BpeVocabulary, device: str | None = None, *, kernels: bool = False
) -> TorchCore:
    """The path on a device of torch.

    Args:
        vocabulary: The vocabulary.
        device: The device; by default the GPU when there is one.
        kernels: Whether Triton's kernels take the place of some of torch's operations.

    Returns:
        The core.
    """
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if kernels:
        from packing.gpu.kernels import KernelCore

        return KernelCore(vocabulary, place)
    return TorchCore(vocabulary, place)


def _host_merges(vocabulary: BpeVocabulary) -> MergeUnits:
    """Units that the device doesn't know are merged by the host, compiled where it can be."""
    if find_spec("numba") is None:
        return python_merges(vocabulary)
    from packing.tokenizers.cpu import CompiledCore

    core = CompiledCore(vocabulary, threads=1)

    def merge_units(texts: Texts) -> tuple[Ids, npt.NDArray[np.int64]]:
        return core.encode_plain(texts, np.zeros(len(texts), np.bool_), check=False)

    return merge_units
