"""Tokens that stay on the device: encoded there, and packed there without a way back.

The ids are those that `packing.tokenizers` gives; only where they lie differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import array_api_compat.torch as xp
import numpy as np
import torch

from packing.gpu.units import TorchCore, torch_core
from packing.tokenizers.agreement import check_agreement
from packing.tokenizers.bpe_vocabulary import bpe_vocabulary
from packing.tokenizers.files import read_tokenizer_file
from packing.tokenizers.reference import reference_of
from packing.tokenizers.texts import Texts
from packing.tokenizers.units import TAKE_APART, UnitEngine
from packing.tokenizers.vectorized import gather_ranges

__all__ = ["DeviceTokenizer", "DeviceTokens"]


@dataclass(frozen=True, slots=True)
class DeviceTokens:
    """The tokens of a batch of documents, on a device.

    Attributes:
        ids: Token ids of all documents, one after another (int32).
        offsets: Where each document begins in `ids`, and where the last one ends (int64).
    """

    ids: torch.Tensor
    offsets: torch.Tensor

    def lengths(self) -> torch.Tensor:
        """How many tokens each document has."""
        return self.offsets[1:] - self.offsets[:-1]


class DeviceTokenizer:
    """Encodes batches of documents on a device.

    Attributes:
        device: Where the tokens lie.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        device: str | None = None,
        parse_specials: bool = True,
        kernels: bool = False,
    ) -> None:
        """Loads a tokenizer onto a device.

        Args:
            path: A `tokenizer.json` or a SentencePiece model of byte-fallback BPE.
            device: The device; by default the GPU when there is one, else the CPU.
            parse_specials: Whether special tokens written out in a text become their ids.
            kernels: Whether Triton's kernels take the place of some of torch's operations.

        Raises:
            UnsupportedTokenizerError: The file is of another kind, or has a setting that isn't
                known.
            ModuleNotFoundError: Kernels are asked for and Triton isn't installed.
        """
        file = read_tokenizer_file(path)
        vocabulary = bpe_vocabulary(file, parse_specials=parse_specials)
        self._core: TorchCore = torch_core(vocabulary, device, kernels=kernels)
        self._engine = UnitEngine(self._core, vocabulary)
        reference = reference_of(file, parse_specials=parse_specials)
        added = [content.decode() for content in reference.added_tokens().values()]
        check_agreement(self._engine, reference, added)
        self.device = self._core.device

    def encode(self, texts: Texts) -> DeviceTokens:
        """The ids of every document.

        Args:
            texts: The documents.

        Returns:
            Their tokens, on the device.
        """
        prefixed = self._engine.prefixed(texts)
        slabs = list(self._core.encode_slabs(texts, prefixed, check=True))
        none = torch.zeros(0, dtype=torch.int64, device=self.device)
        ids = torch.cat([none, *(slab.ids for slab in slabs)])
        counts = torch.cat([none, *(slab.counts for slab in slabs)])
        apart = self._core.take(torch.nonzero(counts == TAKE_APART)[:, 0])
        if len(apart):
            ids, counts = self._with_apart(texts, ids, counts, apart)
        return DeviceTokens(ids.to(torch.int32), _running(counts))

    def _with_apart(
        self, texts: Texts, ids: torch.Tensor, counts: torch.Tensor, apart: np.ndarray
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Puts the documents that the host takes apart into their places."""
        documents = self._engine.encode_apart(texts, apart)
        own = np.array([len(document) for document in documents], np.int64)
        rows = self._core.put(apart.astype(np.int64))
        every = torch.cat([ids, self._core.put(np.concatenate(documents).astype(np.int64))])
        places = _running(counts.clamp(min=0))[:-1]
        places[rows] = self._core.put(np.cumsum(own) - own) + len(ids)
        counts = counts.clone()
        counts[rows] = self._core.put(own)
        return gather_ranges(xp, every, places, counts), counts


def _running(counts: torch.Tensor) -> torch.Tensor:
    """Where ranges of these lengths begin, and where the last one ends."""
    return torch.cat([counts.new_zeros(1), torch.cumsum(counts, 0)])
