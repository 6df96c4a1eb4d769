"""A byte-fallback BPE vocabulary in SentencePiece's manner, and whether the fast paths know it.

Llama-2, CodeLlama and Mistral are of this kind: text is not split before merging, a space is an
ordinary character (U+2581), and a character that the vocabulary lacks becomes its bytes. The fast
paths are exact for a configuration whose every setting is known; any other is refused here with the
reason, and goes to the reference library.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from packing.tokenizers.files import HuggingFaceFile, SentencePieceFile, TokenizerFile
from packing.tokenizers.pieces import SPACE, parts_of
from packing.tokenizers.sentencepiece_model import PieceType, SentencePieceModel

__all__ = ["AddedToken", "BpeVocabulary", "Prefix", "UnsupportedTokenizerError", "bpe_vocabulary"]

# When a space is put before a text: before every one, before one that doesn't begin with a space,
# before such a one at a document's start alone, or never.
Prefix = Literal["always", "unless_space", "first_unless_space", "never"]

_REPLACE_SPACE = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
_PREPEND_SPACE = {"type": "Prepend", "prepend": SPACE}
_METASPACE_PREFIX: dict[str, Prefix] = {
    "always": "unless_space",
    "first": "first_unless_space",
    "never": "never",
}

# The flags scan looks at pairs of bytes, so that an added token must have two.
_SHORTEST_ADDED = 2


class UnsupportedTokenizerError(ValueError):
    """A configuration that a fast path doesn't know, with the setting that it doesn't know."""


@dataclass(frozen=True, slots=True)
class AddedToken:
    """A token that is found in the text before anything else happens to it.

    Attributes:
        content: Its UTF-8 bytes.
        id: Its id.
    """

    content: bytes
    id: int


@dataclass(frozen=True, slots=True)
class BpeVocabulary:
    """All that decides the ids of such a tokenizer.

    Attributes:
        size: One more than the largest id.
        characters: The id of each character that is a piece; a space stands for U+2581.
        bytes: The id of each of the 256 bytes.
        merges: For two neighbouring pieces their rank, lowest first, and what they become. Of equal
            ranks the leftmost pair is merged first.
        pieces: The text of every piece that merging can meet, by id; a space stands for U+2581.
        prefix: When a space is put before a text.
        splits_at_spaces: Whether no piece may reach across the left side of a space.
        added: Tokens that are found in the text first.
    """

    size: int
    characters: dict[str, int]
    bytes: tuple[int, ...]
    merges: dict[tuple[int, int], tuple[int, int]]
    pieces: dict[int, str]
    prefix: Prefix
    splits_at_spaces: bool
    added: tuple[AddedToken, ...]


def bpe_vocabulary(file: TokenizerFile, *, parse_specials: bool) -> BpeVocabulary:
    """The vocabulary of a file, if every setting in it is known to the fast paths.

    Args:
        file: The tokenizer's file.
        parse_specials: Whether special tokens written out in a text become their ids.

    Returns:
        The vocabulary.

    Raises:
        UnsupportedTokenizerError: A setting is not known; the error says which.
    """
    match file:
        case HuggingFaceFile():
            vocabulary = _of_hugging_face(file.config, parse_specials)
        case SentencePieceFile():
            vocabulary = _of_sentencepiece(SentencePieceModel.parse(file.content))
        case _:
            raise UnsupportedTokenizerError("tiktoken's encodings split text before merging")
    _check(vocabulary)
    return vocabulary


def _of_hugging_face(config: dict[str, Any], parse_specials: bool) -> BpeVocabulary:
    model = config["model"]
    _expect(model.get("type") == "BPE", f"model {model.get('type')}")
    _expect(model.get("byte_fallback") is True, "no byte fallback")
    for setting in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges"):
        _expect(not model.get(setting), f"{setting} = {model.get(setting)}")
    prefix, splits_at_spaces = _treatment_of_spaces(config)
    vocab: dict[str, int] = model["vocab"]
    listed = config.get("added_tokens") or []
    added = list(_added_tokens(listed, parse_specials))
    merges: dict[tuple[int, int], tuple[int, int]] = {}
    pieces: dict[int, str] = {}
    for rank, merge in enumerate(model["merges"]):
        left, right = merge.split(" ") if isinstance(merge, str) else merge
        product = left + right
        merges[vocab[left], vocab[right]] = (rank, vocab[product])
        for piece in (left, right, product):
            pieces[vocab[piece]] = piece.replace(SPACE, " ")
    return BpeVocabulary(
        size=max(
            max(vocab.values()), *(token["id"] for token in config["added_tokens"] or [{"id": 0}])
        )
        + 1,
        characters=_characters(vocab.items()),
        bytes=_byte_ids(vocab),
        merges=merges,
        pieces=pieces,
        prefix=prefix,
        splits_at_spaces=splits_at_spaces,
        added=tuple(added),
    )


def _treatment_of_spaces(config: dict[str, Any]) -> tuple[Prefix, bool]:
    """When a space is put before a text, and whether text is split at spaces.

    The rule differs from file to file of one model: " x" gives `_`, `_x` with Prepend, and `_x`
    alone with Metaspace.
    """
    normalizers = parts_of(config.get("normalizer"), "normalizers")
    splitters = parts_of(config.get("pre_tokenizer"), "pretokenizers")
    if not splitters:
        if normalizers == [_PREPEND_SPACE, _REPLACE_SPACE]:
            return "always", False
        if normalizers == [_REPLACE_SPACE]:
            return "never", False
    elif len(splitters) == 1 and not normalizers and splitters[0]["type"] == "Metaspace":
        metaspace = splitters[0]
        _expect(metaspace.get("replacement") == SPACE, "another replacement of spaces")
        _expect("split" in metaspace and "prepend_scheme" in metaspace, "Metaspace of old")
        return _METASPACE_PREFIX[metaspace["prepend_scheme"]], bool(metaspace["split"])
    names = [part["type"] for part in (*normalizers, *splitters)]
    raise UnsupportedTokenizerError(f"normalizer and pre-tokenizer {', '.join(names) or 'absent'}")


def _added_tokens(tokens: Sequence[dict[str, Any]], parse_specials: bool) -> Iterable[AddedToken]:
    for token in tokens:
        if token["special"] and not parse_specials:
            continue
        content = token["content"]
        for setting in ("normalized", "single_word", "lstrip", "rstrip"):
            _expect(not token[setting], f"added token {content} has {setting}")
        encoded = content.encode()
        _expect(len(encoded) >= _SHORTEST_ADDED, f"added token {content!r} of one byte")
        yield AddedToken(encoded, token["id"])


def _of_sentencepiece(model: SentencePieceModel) -> BpeVocabulary:
    _expect(model.is_bpe, "a SentencePiece model that is no BPE")
    _expect(model.byte_fallback, "no byte fallback")
    _expect(not model.normalizes, f"normalisation {model.normalization}")
    _expect(not model.removes_extra_spaces, "removal of extra spaces")
    _expect(model.escapes_spaces, "spaces that stay spaces")
    _expect(not model.space_is_suffix, "spaces as suffixes")
    kinds = {piece.type for piece in model.pieces}
    _expect(PieceType.USER_DEFINED not in kinds, "pieces defined by the user")
    _expect(PieceType.UNUSED not in kinds, "unused pieces")
    vocab = {
        piece.text: number
        for number, piece in enumerate(model.pieces)
        if piece.type is PieceType.NORMAL
    }
    by_score = sorted({model.pieces[number].score for number in vocab.values()}, reverse=True)
    ranks = {score: rank for rank, score in enumerate(by_score)}
    merges = {
        (vocab[text[:cut]], vocab[text[cut:]]): (ranks[model.pieces[number].score], number)
        for text, number in vocab.items()
        for cut in range(1, len(text))
        if text[:cut] in vocab and text[cut:] in vocab
    }
    missing = {letter for text in vocab for letter in text} - vocab.keys()
    _expect(not missing, "characters of pieces that are no pieces")
    byte_pieces = {
        piece.text: number
        for number, piece in enumerate(model.pieces)
        if piece.type is PieceType.BYTE
    }
    return BpeVocabulary(
        size=len(model.pieces),
        characters=_characters(vocab.items()),
        bytes=_byte_ids(byte_pieces),
        merges=merges,
        pieces={number: text.replace(SPACE, " ") for text, number in vocab.items()},
        prefix="always" if model.adds_prefix else "never",
        splits_at_spaces=False,
        added=(),
    )


def _characters(vocab: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Pieces of one character; the space itself never occurs in a text, U+2581 stands for it."""
    single = ((piece, number) for piece, number in vocab if len(piece) == 1 and piece != " ")
    return {piece.replace(SPACE, " "): number for piece, number in single}


def _byte_ids(vocab: dict[str, int]) -> tuple[int, ...]:
    names = [f"<0x{byte:02X}>" for byte in range(256)]
    _expect(all(name in vocab for name in names), "fewer than 256 byte pieces")
    return tuple(vocab[name] for name in names)


def _check(vocabulary: BpeVocabulary) -> None:
    """What the cut and the table of units take for granted of a vocabulary."""
    _expect(not set(vocabulary.bytes) & vocabulary.pieces.keys(), "byte pieces that merge")
    _expect(not any("\0" in text for text in vocabulary.pieces.values()), "pieces with NUL")
    _expect(len(set(vocabulary.pieces.values())) == len(vocabulary.pieces), "two ids of one text")


def _expect(known: bool, setting: str) -> None:
    if not known:
        raise UnsupportedTokenizerError(setting)
