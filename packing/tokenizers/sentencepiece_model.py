"""Reads what a SentencePiece model says of itself.

The library has no call for the settings of normalisation, and its own protobuf module asks for a
newer protobuf than Beam allows. The fields that matter are few, so they are read off the wire.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

__all__ = ["PieceType", "SentencePiece", "SentencePieceModel"]

# Field numbers and defaults: sentencepiece v0.2.1, src/sentencepiece_model.proto.
_PIECES, _TRAINER, _NORMALIZER, _DENORMALIZER = 1, 2, 3, 5
_PIECE_TEXT, _PIECE_SCORE, _PIECE_TYPE = 1, 2, 3
_TRAINER_MODEL_TYPE, _TRAINER_SPACE_SUFFIX, _TRAINER_BYTE_FALLBACK = 3, 24, 35
_NORMALIZER_NAME, _NORMALIZER_MAP, _NORMALIZER_PREFIX = 1, 2, 3
_NORMALIZER_EXTRA_SPACES, _NORMALIZER_ESCAPE = 4, 5
_BPE, _UNIGRAM = 2, 1

# Kinds of encoding on the wire (protobuf.dev, "Encoding"): how long a value is.
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5

_Value = int | bytes


class PieceType(IntEnum):
    """What a piece is (SentencePiece.Type)."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True, slots=True)
class SentencePiece:
    """A piece: its text, its score (higher is merged first), its kind."""

    text: str
    score: float
    type: PieceType


@dataclass(frozen=True, slots=True)
class SentencePieceModel:
    """A model's pieces in the order of their ids, and the settings that decide ids.

    Attributes:
        pieces: The vocabulary.
        is_bpe: Whether pieces are merged by score.
        byte_fallback: Whether unknown characters become bytes.
        space_is_suffix: Whether a space belongs to the word before it.
        normalization: Name of the normalisation.
        normalizes: Whether it changes anything.
        adds_prefix: Whether a space is put before a text.
        removes_extra_spaces: Whether spaces are stripped and runs of them made one.
        escapes_spaces: Whether a space becomes U+2581.
    """

    pieces: tuple[SentencePiece, ...]
    is_bpe: bool
    byte_fallback: bool
    space_is_suffix: bool
    normalization: str
    normalizes: bool
    adds_prefix: bool
    removes_extra_spaces: bool
    escapes_spaces: bool

    @classmethod
    def parse(cls, content: bytes) -> SentencePieceModel:
        """Reads a serialized ModelProto.

        Args:
            content: The file's bytes; the library has loaded them, so they are one.

        Returns:
            What it says.
        """
        pieces = []
        settings: dict[int, dict[int, _Value]] = {_TRAINER: {}, _NORMALIZER: {}, _DENORMALIZER: {}}
        for number, value in _fields(content):
            if number == _PIECES and isinstance(value, bytes):
                pieces.append(_piece(dict(_fields(value))))
            elif number in settings and isinstance(value, bytes):
                settings[number].update(_fields(value))
        trainer, normalizer = settings[_TRAINER], settings[_NORMALIZER]
        return cls(
            pieces=tuple(pieces),
            is_bpe=trainer.get(_TRAINER_MODEL_TYPE, _UNIGRAM) == _BPE,
            byte_fallback=bool(trainer.get(_TRAINER_BYTE_FALLBACK, False)),
            space_is_suffix=bool(trainer.get(_TRAINER_SPACE_SUFFIX, False)),
            normalization=_text(normalizer.get(_NORMALIZER_NAME, b"")),
            normalizes=bool(normalizer.get(_NORMALIZER_MAP, b""))
            or bool(settings[_DENORMALIZER].get(_NORMALIZER_MAP, b"")),
            adds_prefix=bool(normalizer.get(_NORMALIZER_PREFIX, True)),
            removes_extra_spaces=bool(normalizer.get(_NORMALIZER_EXTRA_SPACES, True)),
            escapes_spaces=bool(normalizer.get(_NORMALIZER_ESCAPE, True)),
        )


def _piece(fields: dict[int, _Value]) -> SentencePiece:
    score = fields.get(_PIECE_SCORE, b"\0\0\0\0")
    assert isinstance(score, bytes)
    return SentencePiece(
        _text(fields.get(_PIECE_TEXT, b"")),
        struct.unpack("<f", score)[0],
        PieceType(int(fields.get(_PIECE_TYPE, PieceType.NORMAL))),
    )


def _text(value: _Value) -> str:
    assert isinstance(value, bytes)
    return value.decode()


def _fields(message: bytes) -> Iterator[tuple[int, _Value]]:
    """The fields of a message in order; fixed-width values as their bytes.

    Raises:
        ValueError: The message uses a wire type that proto2 has dropped.
    """
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        kind = tag & 7
        value: _Value
        if kind == _VARINT:
            value, place = _varint(message, place)
        else:
            if kind == _LENGTH:
                length, place = _varint(message, place)
            elif kind in (_FIXED32, _FIXED64):
                length = 4 if kind == _FIXED32 else 8
            else:
                raise ValueError(f"wire type {kind} in a SentencePiece model")
            value = message[place : place + length]
            place += length
        yield tag >> 3, value


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place += 1
        if byte < 0x80:
            return value, place
        shift += 7
