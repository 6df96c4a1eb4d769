"""Which path computes a tokenizer's ids: the fastest one that is exact for its file."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, Protocol

from packing.tokenizers.agreement import check_agreement
from packing.tokenizers.bpe_vocabulary import (
    BpeVocabulary,
    UnsupportedTokenizerError,
    bpe_vocabulary,
)
from packing.tokenizers.files import TokenizerFile
from packing.tokenizers.reference import Reference
from packing.tokenizers.texts import Texts
from packing.tokenizers.tokens import Tokens
from packing.tokenizers.units import UnitCore, UnitEngine

__all__ = ["Backend", "Choice", "Engine", "choose_engine"]

Backend = Literal["auto", "reference", "cpu", "torch"]


class Engine(Protocol):
    """A way to the ids."""

    @property
    def name(self) -> str:
        """What it is, with the versions of what it is built on."""

    def encode(self, texts: Texts) -> Tokens:
        """The ids of every document, without a beginning or an end added."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The path that was taken.

    Attributes:
        engine: Computes the ids.
        passed_over: Why faster paths weren't taken, by path; empty when the fastest was.
    """

    engine: Engine
    passed_over: dict[str, str]


class _ReferenceEngine:
    """The reference library itself."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self.name = reference.library

    def encode(self, texts: Texts) -> Tokens:
        return self._reference.encode(texts)


def choose_engine(
    file: TokenizerFile,
    reference: Reference,
    *,
    parse_specials: bool,
    backend: Backend,
    device: str | None,
    threads: int,
) -> Choice:
    """Takes the fastest path whose ids are the reference's for this file.

    Args:
        file: The tokenizer's file.
        reference: Its reference.
        parse_specials: Whether special tokens written out in a text become their ids.
        backend: Which paths may be taken.
        device: Device of torch.
        threads: Threads on the CPU.

    Returns:
        The path.

    Raises:
        UnsupportedTokenizerError: `backend` is "torch" and the file's kind doesn't run there.
        ModuleNotFoundError: `backend` is "torch" and torch isn't installed.
    """
    passed_over: dict[str, str] = {}
    if backend == "reference":
        return Choice(_ReferenceEngine(reference), passed_over)
    added = [content.decode() for content in reference.added_tokens().values()]
    engine: Engine
    try:
        vocabulary = bpe_vocabulary(file, parse_specials=parse_specials)
        engine = UnitEngine(_unit_core(vocabulary, backend, device, threads), vocabulary)
        check_agreement(engine, reference, added)
        return Choice(engine, passed_over)
    except UnsupportedTokenizerError as reason:
        if backend == "torch":
            raise UnsupportedTokenizerError(f"no path on torch: {reason}") from None
        passed_over["bigram cut"] = str(reason)
    try:
        from packing.tokenizers.byte_level import ByteLevelEngine

        engine = ByteLevelEngine(file, reference, parse_specials=parse_specials, threads=threads)
        check_agreement(engine, reference, added)
        return Choice(engine, passed_over)
    except (UnsupportedTokenizerError, ModuleNotFoundError) as reason:
        passed_over["gigatoken"] = str(reason)
    return Choice(_ReferenceEngine(reference), passed_over)


def _unit_core(
    vocabulary: BpeVocabulary, backend: Backend, device: str | None, threads: int
) -> UnitCore:
    if backend == "torch" or (backend == "auto" and _accelerator_present()):
        from packing.gpu.units import torch_core

        return torch_core(vocabulary, device)
    if find_spec("numba") is not None:
        from packing.tokenizers.cpu import CompiledCore

        return CompiledCore(vocabulary, threads)
    from packing.tokenizers.vectorized import numpy_core

    return numpy_core(vocabulary)


def _accelerator_present() -> bool:
    """Whether there is a GPU and a torch that can use it."""
    if find_spec("torch") is None:
        return False
    import torch

    return bool(torch.cuda.is_available())
