"""The original's exact deduplication of repositories' files: equal chunks at equal offsets.

A document is cut into consecutive chunks of 2,048 characters. A whole chunk, or a document shorter
than one, that was seen before makes its document a duplicate; so does a chunk that the document
repeats itself, and then no copy stays. A shorter tail counts for nothing, and chunks of documents
that go are remembered too (spec section 1.4; process_github.py at math-lm 9575d138).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

__all__ = ["CHUNK_KEY_BYTES", "ChunkDuplicates"]

# SHA-256 as the original, of which 128 bits tell 10^10 chunks apart.
CHUNK_KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class ChunkDuplicates:
    """Drops every document that has a chunk which came before, in its own language.

    Attributes:
        chunk_chars: Characters of a chunk.
        languages: Languages that are looked at, each on its own; all when empty.
    """

    chunk_chars: int = 2048
    languages: tuple[str, ...] = ("coq", "isabelle", "lean", "matlab")

    name: ClassVar[str] = "chunk_duplicates"

    def __post_init__(self) -> None:
        if self.chunk_chars < 1:
            raise ValueError("chunk_chars must be at least 1")

    def keys(self, text: str, language: str) -> Iterator[bytes]:
        """The hashes of a document's chunks, in order; none of an empty document.

        Args:
            text: The document.
            language: Its language; equal chunks of two languages have different hashes.
        """
        if self.languages and language not in self.languages:
            return
        size = self.chunk_chars
        for start in range(0, len(text), size):
            chunk = text[start : start + size]
            if len(chunk) == size or len(chunk) == len(text):
                content = f"{language}\0{chunk}".encode("utf-8", "surrogatepass")
                yield hashlib.sha256(content).digest()[:CHUNK_KEY_BYTES]
