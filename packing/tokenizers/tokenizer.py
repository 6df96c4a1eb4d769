"""One tokenizer for all kinds of files: the fastest path that is exact for the file at hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from packing.tokenizers.engines import Backend, Choice, choose_engine
from packing.tokenizers.files import TokenizerFile, read_tokenizer_file
from packing.tokenizers.reference import Reference, reference_of
from packing.tokenizers.spans import CharacterWidths, span_tokens
from packing.tokenizers.texts import Texts
from packing.tokenizers.tokens import SpannedTokens, Tokens, id_dtype

__all__ = ["Specials", "Tokenizer", "load"]

Specials = Literal["parse", "text"]


class Tokenizer:
    """A tokenizer of any kind behind one small surface.

    Attributes:
        path: The file that it was loaded from.
        vocab_size: One more than the largest id.
        bos_id: The token that begins a document, None when the vocabulary has none.
        eos_id: The token that ends one, None likewise.
        unk_id: The token for the unknown, None likewise.
        dtype: The type of the ids: 16 bits when the vocabulary allows.
        engine: What computes the ids, with versions; it never changes them.
        passed_over: Why faster paths weren't taken, by path.
    """

    def __init__(
        self,
        file: TokenizerFile,
        reference: Reference,
        choice: Choice,
        specials: Specials,
        reload: Callable[[], Tokenizer],
    ) -> None:
        self._reload = reload
        self._file = file
        self._reference = reference
        self._engine = choice.engine
        self._specials: Specials = specials
        self.path: Path = file.path
        self.vocab_size: int = reference.vocab_size
        self.bos_id, self.eos_id, self.unk_id = reference.special_ids
        self.dtype: np.dtype[np.uint16] | np.dtype[np.uint32] = id_dtype(self.vocab_size)
        self.engine: str = choice.engine.name
        self.passed_over: dict[str, str] = choice.passed_over

    def __reduce__(self) -> tuple[Callable[[], Tokenizer], tuple[()]]:
        """Loaded anew in another process, which learns its units for itself."""
        return self._reload, ()

    @cached_property
    def description(self) -> dict[str, str]:
        """All that decides the ids: the file's digest, the options, the reference library."""
        return {
            "file": self._file.path.name,
            "sha256": self._file.sha256,
            "specials": self._specials,
            "encoding": getattr(getattr(self._file, "encoding", None), "name", ""),
            "reference": self._reference.library,
        }

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the description but for the file's name: same fingerprint, same ids."""
        decisive = {key: value for key, value in self.description.items() if key != "file"}
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()

    def encode_batch(self, texts: pa.Array | pa.ChunkedArray | Sequence[str] | Texts) -> Tokens:
        """The ids of a batch of documents, as the reference library gives them.

        Nothing is added: no token that begins or ends a document. An empty document has no ids.

        Args:
            texts: A string column of Arrow, Python strings, or a batch of texts.

        Returns:
            Flat ids with document offsets.

        Raises:
            InvalidTextError: A row is null or not valid UTF-8; the error names the rows.
        """
        return self._engine.encode(texts if isinstance(texts, Texts) else Texts.of(texts))

    def encode_with_offsets(
        self, texts: pa.Array | pa.ChunkedArray | Sequence[str] | Texts
    ) -> SpannedTokens:
        """The same ids, each with the characters of its document that it stands for.

        Args:
            texts: As `encode_batch` takes them.

        Returns:
            Flat ids with document offsets and character ranges.

        Raises:
            InvalidTextError: A row is null or not valid UTF-8; the error names the rows.
            ValueError: The vocabulary loses text and its library gives no ranges.
        """
        batch = texts if isinstance(texts, Texts) else Texts.of(texts)
        return span_tokens(batch, self.encode_batch(batch), self._widths, self._reference)

    def decode(self, ids: Sequence[int] | npt.NDArray[np.integer]) -> str:
        """The text of some ids by the reference library, special tokens written out."""
        return self._reference.decode([int(number) for number in ids])

    @cached_property
    def _widths(self) -> CharacterWidths:
        return CharacterWidths.of(self._reference.piece_bytes(), self._reference.added_tokens())


def load(
    path: str | Path,
    *,
    encoding: str | None = None,
    specials: Specials = "parse",
    backend: Backend = "auto",
    device: str | None = None,
    threads: int = 1,
) -> Tokenizer:
    """Loads a tokenizer.

    The ids are the reference library's (tokenizers, sentencepiece or tiktoken, whichever the file
    belongs to) on every backend; a configuration that no faster path knows goes to that library.

    Args:
        path: A `tokenizer.json`, a SentencePiece model or tiktoken ranks; or a folder with one.
        encoding: For tiktoken ranks, the encoding they belong to when the file's name isn't it.
        specials: "parse" turns special tokens written out in a text into their ids, as the library
            tokenizers does unasked; "text" leaves them text. SentencePiece never parses them.
        backend: "auto" takes a GPU when there is one and the file's kind runs there, the CPU
            otherwise; "cpu", "torch" and "reference" insist.
        device: The device of torch, for example "cuda:1".
        threads: Threads that a batch is spread over on the CPU.

    Returns:
        The tokenizer.

    Raises:
        FileNotFoundError: There is no such file.
        TokenizerFileError: The file is no tokenizer, or its encoding isn't known.
        ModuleNotFoundError: The reference library isn't installed, or torch where it is asked for.
        UnsupportedTokenizerError: `backend="torch"` and the file's kind doesn't run there.
    """
    file = read_tokenizer_file(path, encoding)
    parse = specials == "parse"
    reference = reference_of(file, parse_specials=parse)
    choice = choose_engine(
        file, reference, parse_specials=parse, backend=backend, device=device, threads=threads
    )
    reload = partial(
        load,
        path,
        encoding=encoding,
        specials=specials,
        backend=backend,
        device=device,
        threads=threads,
    )
    return Tokenizer(file, reference, choice, specials, reload)
