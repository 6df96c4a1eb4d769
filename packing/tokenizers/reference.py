"""The libraries whose ids are right by definition: each file's own, one document at a time.

They are slow, and every faster path is held against them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np

from packing.tokenizers.files import (
    HuggingFaceFile,
    SentencePieceFile,
    TiktokenFile,
    TokenizerFile,
    TokenizerFileError,
)
from packing.tokenizers.pieces import piece_reader, sentencepiece_bytes
from packing.tokenizers.texts import Texts
from packing.tokenizers.tokens import Ids, Tokens, id_dtype

if TYPE_CHECKING:
    import sentencepiece
    import tiktoken
    import tokenizers

__all__ = ["Reference", "SpecialIds", "reference_of", "tokens_of"]

# Names by which published vocabularies call the tokens that begin and end a document and the one
# for the unknown, for files that don't say it. Each is unambiguous where it occurs.
_BEGINNINGS = ("<s>", "<|begin_of_text|>", "<bos>", "<\uff5cbegin\u2581of\u2581sentence\uff5c>")
_ENDS = (
    "</s>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<eos>",
    "<\uff5cend\u2581of\u2581sentence\uff5c>",
)
_UNKNOWNS = ("<unk>",)

SpecialIds = tuple[int | None, int | None, int | None]


class Reference(Protocol):
    """A tokenizer of one of the three libraries."""

    @property
    def library(self) -> str:
        """Name and version of the library."""

    @property
    def vocab_size(self) -> int:
        """One more than the largest id."""

    @property
    def special_ids(self) -> SpecialIds:
        """Ids of the beginning of a document, its end, and the unknown token."""

    def encode(self, texts: Texts) -> Tokens:
        """The ids of every document, without a beginning or an end added."""

    def spans(self, text: str) -> list[tuple[int, int]] | None:
        """Character ranges of one document's tokens by the library; None when it gives none."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of some ids, special tokens included."""

    def piece_bytes(self) -> list[bytes | None]:
        """For each id the bytes that it stands for, None where that isn't known."""

    def added_tokens(self) -> dict[int, bytes]:
        """Tokens that are found in the text before it is normalised, by id."""


def reference_of(file: TokenizerFile, *, parse_specials: bool) -> Reference:
    """The reference for a file.

    Args:
        file: The tokenizer's file.
        parse_specials: Special tokens written out in a text become their ids; otherwise they are
            text like any other.

    Returns:
        The library's tokenizer.

    Raises:
        TokenizerFileError: The library refuses the file, or can't do what `parse_specials` says.
        ModuleNotFoundError: The library isn't installed (the extra `pack` has all three).
    """
    match file:
        case HuggingFaceFile():
            return _HuggingFace(file, parse_specials)
        case SentencePieceFile():
            return _SentencePiece(file)
        case TiktokenFile():
            return _Tiktoken(file, parse_specials)


def tokens_of(documents: Iterable[Sequence[int]], vocab_size: int) -> Tokens:
    """Flattens documents' ids."""
    kept = [np.asarray(ids, dtype=id_dtype(vocab_size)) for ids in documents]
    offsets = np.zeros(len(kept) + 1, np.int64)
    np.cumsum([len(ids) for ids in kept], out=offsets[1:])
    flat = np.concatenate(kept) if kept else np.empty(0, id_dtype(vocab_size))
    return Tokens(cast("Ids", flat), offsets)


class _HuggingFace:
    """The library tokenizers."""

    def __init__(self, file: HuggingFaceFile, parse_specials: bool) -> None:
        import tokenizers

        try:
            self._tokenizer: tokenizers.Tokenizer = tokenizers.Tokenizer.from_str(file.text)
        except Exception as error:  # the library raises bare Exception
            raise TokenizerFileError(f"{file.path}: tokenizers refuses it: {error}") from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = not parse_specials
        self._file = file

    @property
    def library(self) -> str:
        return f"tokenizers {version('tokenizers')}"

    @cached_property
    def vocab_size(self) -> int:
        return max(self._tokenizer.get_vocab(with_added_tokens=True).values()) + 1

    @property
    def special_ids(self) -> SpecialIds:
        settings = self._file.settings
        vocabulary = self._tokenizer.get_vocab(with_added_tokens=True)
        unknown = settings.get("unk_token") or self._file.config["model"].get("unk_token")
        return (
            _named_id(vocabulary, settings.get("bos_token"), _BEGINNINGS),
            _named_id(vocabulary, settings.get("eos_token"), _ENDS),
            _named_id(vocabulary, unknown, _UNKNOWNS),
        )

    def encode(self, texts: Texts) -> Tokens:
        encoded = self._tokenizer.encode_batch_fast(texts.strings(), add_special_tokens=False)
        return tokens_of((document.ids for document in encoded), self.vocab_size)

    def spans(self, text: str) -> list[tuple[int, int]] | None:
        return list(self._tokenizer.encode(text, add_special_tokens=False).offsets)

    def decode(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode(list(ids), skip_special_tokens=False)

    def piece_bytes(self) -> list[bytes | None]:
        pieces: list[bytes | None] = [None] * self.vocab_size
        as_bytes = piece_reader(self._file.config)
        if as_bytes is not None:
            for piece, number in self._tokenizer.get_vocab(with_added_tokens=False).items():
                pieces[number] = as_bytes(piece)
        for number, content in self.added_tokens().items():
            pieces[number] = content
        return pieces

    def added_tokens(self) -> dict[int, bytes]:
        added = self._tokenizer.get_added_tokens_decoder()
        return {number: token.content.encode() for number, token in added.items()}


class _SentencePiece:
    """The library sentencepiece, which never reads its control symbols in a text."""

    def __init__(self, file: SentencePieceFile) -> None:
        import sentencepiece

        self._processor: sentencepiece.SentencePieceProcessor
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=file.content)
        except RuntimeError as error:
            raise TokenizerFileError(
                f"{file.path} is no tokenizer.json, no tiktoken ranks, and sentencepiece says: "
                f"{error}"
            ) from None

    @property
    def library(self) -> str:
        return f"sentencepiece {version('sentencepiece')}"

    @cached_property
    def vocab_size(self) -> int:
        return int(self._processor.get_piece_size())

    @property
    def special_ids(self) -> SpecialIds:
        beginning, end = self._processor.bos_id(), self._processor.eos_id()
        unknown = self._processor.unk_id()
        return _known(beginning), _known(end), _known(unknown)

    def encode(self, texts: Texts) -> Tokens:
        encoded = (self._processor.encode(text) for text in texts.strings())
        return tokens_of(encoded, self.vocab_size)

    def spans(self, text: str) -> list[tuple[int, int]] | None:
        return list(self._processor.encode(text, out_type="offset_mapping")["offsets"])

    def decode(self, ids: Sequence[int]) -> str:
        return str(self._processor.decode([int(number) for number in ids]))

    def piece_bytes(self) -> list[bytes | None]:
        return [
            sentencepiece_bytes(self._processor.id_to_piece(number))
            for number in range(self.vocab_size)
        ]

    def added_tokens(self) -> dict[int, bytes]:
        return {}


class _Tiktoken:
    """The library tiktoken."""

    def __init__(self, file: TiktokenFile, parse_specials: bool) -> None:
        import tiktoken

        self._file = file
        self._allowed = set(file.encoding.special_tokens) if parse_specials else set()
        try:
            self._encoding: tiktoken.Encoding = tiktoken.Encoding(
                file.encoding.name,
                pat_str=file.encoding.pattern,
                mergeable_ranks=file.ranks,
                special_tokens=file.encoding.special_tokens,
            )
        except ValueError as error:
            raise TokenizerFileError(f"{file.path}: tiktoken refuses it: {error}") from None

    @property
    def library(self) -> str:
        return f"tiktoken {version('tiktoken')}"

    @cached_property
    def vocab_size(self) -> int:
        return int(self._encoding.max_token_value) + 1

    @property
    def special_ids(self) -> SpecialIds:
        encoding = self._file.encoding
        return None, encoding.special_tokens[encoding.document_end], None

    def encode(self, texts: Texts) -> Tokens:
        encoded = (
            self._encoding.encode(text, allowed_special=self._allowed, disallowed_special=())
            for text in texts.strings()
        )
        return tokens_of(encoded, self.vocab_size)

    def spans(self, text: str) -> list[tuple[int, int]] | None:
        return None

    def decode(self, ids: Sequence[int]) -> str:
        return self._encoding.decode([int(number) for number in ids])

    def piece_bytes(self) -> list[bytes | None]:
        pieces: list[bytes | None] = [None] * self.vocab_size
        for content, number in self._file.ranks.items():
            pieces[number] = content
        for number, content in self.added_tokens().items():
            pieces[number] = content
        return pieces

    def added_tokens(self) -> dict[int, bytes]:
        specials = self._file.encoding.special_tokens.items()
        return {number: content.encode() for content, number in specials}


def _named_id(
    vocabulary: dict[str, int], stated: str | dict[str, str] | None, usual: Sequence[str]
) -> int | None:
    """The id of a special token, by the file's own word or by the usual names."""
    if isinstance(stated, dict):
        stated = stated.get("content")
    names = (stated,) if stated else usual
    return next((vocabulary[name] for name in names if name in vocabulary), None)


def _known(number: int) -> int | None:
    """SentencePiece says -1 for a symbol that the model lacks."""
    return number if number >= 0 else None
