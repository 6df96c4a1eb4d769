"""Tokenizer files as they are published: found, recognised and read, not yet interpreted."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

__all__ = [
    "HuggingFaceFile",
    "SentencePieceFile",
    "TiktokenEncoding",
    "TiktokenFile",
    "TokenizerFile",
    "TokenizerFileError",
    "read_tokenizer_file",
    "tiktoken_encodings",
]

_ENCODINGS = Path(__file__).with_name("tiktoken_encodings.yaml")

# What a model's folder calls its tokenizer, the most telling first: a tokenizer.json says how text
# is normalised and split, the others leave a part of it to code.
_NAMES = ("tokenizer.json", "tokenizer.model", "*.tiktoken")


class TokenizerFileError(ValueError):
    """A file that holds no tokenizer of a kind that we know, with the reason."""


@dataclass(frozen=True, slots=True)
class HuggingFaceFile:
    """A `tokenizer.json` of the library tokenizers.

    Attributes:
        path: Where it lies.
        sha256: Digest of its bytes.
        text: Its content.
        config: The same, parsed.
        settings: The `tokenizer_config.json` beside it, empty when there is none.
    """

    path: Path
    sha256: str
    text: str
    config: dict[str, Any]
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SentencePieceFile:
    """A SentencePiece model.

    Attributes:
        path: Where it lies.
        sha256: Digest of its bytes.
        content: Its bytes, a serialized ModelProto.
    """

    path: Path
    sha256: str
    content: bytes


@dataclass(frozen=True, slots=True)
class TiktokenEncoding:
    """What a file of ranks leaves to code.

    Attributes:
        name: The encoding's name.
        splits_like: Name of its splitting rule.
        pattern: The splitting rule as a regular expression.
        special_tokens: Special tokens with their ids.
        document_end: The one that ends a document.
    """

    name: str
    splits_like: str
    pattern: str
    special_tokens: dict[str, int]
    document_end: str


@dataclass(frozen=True, slots=True)
class TiktokenFile:
    """A file of tiktoken ranks with the encoding that it belongs to.

    Attributes:
        path: Where it lies.
        sha256: Digest of its bytes.
        ranks: Token bytes with their ids.
        encoding: What the file leaves out.
    """

    path: Path
    sha256: str
    ranks: dict[bytes, int]
    encoding: TiktokenEncoding


TokenizerFile = HuggingFaceFile | SentencePieceFile | TiktokenFile


@cache
def tiktoken_encodings() -> dict[str, TiktokenEncoding]:
    """The encodings that files of ranks can belong to, by name."""
    rows = yaml.safe_load(_ENCODINGS.read_text(encoding="utf-8"))
    return {name: TiktokenEncoding(name=name, **row) for name, row in rows.items()}


def read_tokenizer_file(path: str | Path, encoding: str | None = None) -> TokenizerFile:
    """Reads a tokenizer of any kind; the content says which kind it is, not the name.

    Args:
        path: The file, or the folder of a model that holds it.
        encoding: For a file of tiktoken ranks, the encoding that it belongs to; by default the
            file's own name says it.

    Returns:
        What the file holds.

    Raises:
        FileNotFoundError: There is no such file, or the folder holds no tokenizer.
        TokenizerFileError: It is no tokenizer, or ranks of an encoding that isn't named.
    """
    path = _tokenizer_in(Path(path))
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if content[:64].lstrip()[:1] == b"{":
        return _hugging_face(path, digest, content)
    ranks = _ranks(content)
    if ranks is not None:
        return TiktokenFile(path, digest, ranks, _encoding_of(path, encoding))
    return SentencePieceFile(path, digest, content)


def _tokenizer_in(path: Path) -> Path:
    """The tokenizer of a model's folder, or the file itself."""
    if not path.is_dir():
        return path
    for name in _NAMES:
        found = sorted(path.glob(name))
        if found:
            return found[0]
    raise FileNotFoundError(f"{path} holds none of {', '.join(_NAMES)}; name the tokenizer's file")


def _hugging_face(path: Path, digest: str, content: bytes) -> HuggingFaceFile:
    try:
        text = content.decode()
        config = json.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise TokenizerFileError(f"{path} is no JSON: {error}") from None
    if not isinstance(config.get("model"), dict):
        raise TokenizerFileError(f"{path} has no `model`: it is JSON, but no tokenizer.json")
    beside = path.with_name("tokenizer_config.json")
    settings = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
    return HuggingFaceFile(path, digest, text, config, settings)


def _ranks(content: bytes) -> dict[bytes, int] | None:
    """Lines of base64 and a number, or None when the content is something else."""
    ranks = {}
    for line in content.splitlines():
        token, _, rank = line.partition(b" ")
        if not line:
            continue
        try:
            ranks[base64.b64decode(token, validate=True)] = int(rank)
        except (ValueError, binascii.Error):
            return None
    return ranks or None


def _encoding_of(path: Path, encoding: str | None) -> TiktokenEncoding:
    name = encoding or path.name.removesuffix(".tiktoken")
    known = tiktoken_encodings()
    if name not in known:
        raise TokenizerFileError(
            f"{path} holds ranks alone, and {name!r} is no encoding that says how text is split; "
            f"name the encoding it belongs to: {', '.join(known)}"
        )
    return known[name]
