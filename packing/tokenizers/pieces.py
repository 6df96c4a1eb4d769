"""The bytes that a vocabulary's pieces stand for, in the two ways that vocabularies write them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

__all__ = ["SPACE", "byte_level_bytes", "parts_of", "piece_reader", "sentencepiece_bytes"]

# SentencePiece writes a space as U+2581 (sentencepiece's normalizer.cc, kSpaceSymbol).
SPACE = "\u2581"

_BYTE_PIECE = re.compile("<0x([0-9A-F]{2})>")


def sentencepiece_bytes(piece: str) -> bytes:
    """What a piece of SentencePiece stands for: `<0x0A>` is a byte, U+2581 a space."""
    byte = _BYTE_PIECE.fullmatch(piece)
    return bytes([int(byte[1], 16)]) if byte else piece.replace(SPACE, " ").encode()


def byte_level_bytes(piece: str) -> bytes | None:
    """What a piece of a byte-level vocabulary stands for, None when it is written otherwise."""
    bytes_of = _byte_level_alphabet()
    if any(character not in bytes_of for character in piece):
        return None
    return bytes(bytes_of[character] for character in piece)


@cache
def _byte_level_alphabet() -> dict[str, int]:
    """The character that stands for each byte (GPT-2's encoder.py, `bytes_to_unicode`).

    Printable characters of Latin-1 stand for themselves, the others for U+0100 and on, in order.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    alphabet = {chr(byte): byte for byte in printable}
    return alphabet | {chr(0x100 + place): byte for place, byte in enumerate(others)}


def piece_reader(config: dict[str, Any]) -> Callable[[str], bytes | None] | None:
    """How the vocabulary of a `tokenizer.json` writes its pieces.

    Args:
        config: The parsed file.

    Returns:
        What turns a piece into bytes; None when the file's decoder is neither of the two kinds.
    """
    decoders = [part["type"] for part in parts_of(config.get("decoder"), "decoders")]
    if decoders == ["ByteLevel"]:
        return byte_level_bytes
    if "ByteFallback" in decoders:
        return sentencepiece_bytes
    return None


def parts_of(component: dict[str, Any] | None, inside: str) -> list[dict[str, Any]]:
    """The steps of a normalizer, pre-tokenizer or decoder, whether a sequence, one or none."""
    if component is None:
        return []
    if component.get("type") == "Sequence":
        return [part for step in component[inside] for part in parts_of(step, inside)]
    return [component]
