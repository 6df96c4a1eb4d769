"""How many tokens a text has: counted by a tokenizer, or estimated from its bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pipelines.errors import InputError

__all__ = [
    "BYTES_PER_TOKEN",
    "OTHER_BYTES_PER_TOKEN",
    "TokenCounter",
    "estimated_tokens",
    "token_counter",
]

# Tokens of each text.
TokenCounter = Callable[[Sequence[str]], list[int]]

# Bytes of text for a token of Llama 2's vocabulary, as far as bytes and tokens of AlgebraicStack
# are both known (spec section 1.6: train bytes seen in re-packs, tokens of the paper's table).
BYTES_PER_TOKEN = {
    "agda": 2.34, "c": 2.43, "coq": 2.53, "cpp": 2.81, "fortran": 2.41, "gap": 2.36,
    "haskell": 2.83, "julia": 2.43, "lean": 1.72, "matlab": 2.61, "python": 2.80,
}  # fmt: skip
# All of it: 30.52 GB, 10.96 billion tokens.
OTHER_BYTES_PER_TOKEN = 2.79


def estimated_tokens(language: str, text_bytes: int) -> int:
    """Tokens by the bytes that a token takes in a language."""
    return round(text_bytes / BYTES_PER_TOKEN.get(language, OTHER_BYTES_PER_TOKEN))


def token_counter(path: str) -> TokenCounter:
    """Counts with a tokenizer's file: ``tokenizer.json``, or SentencePiece's ``tokenizer.model``.

    Raises:
        InputError: There is no such file, or it's no tokenizer.
    """
    if not Path(path).is_file():
        raise InputError(f"output.tokenizer: {path} is no file")
    try:
        return _sentencepiece(path) if path.endswith(".model") else _tokenizers(path)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"output.tokenizer: {path}: {error}") from error


def _sentencepiece(path: str) -> TokenCounter:
    from sentencepiece import SentencePieceProcessor

    processor = SentencePieceProcessor(model_file=path)
    return lambda texts: [len(processor.encode(text)) for text in texts]


def _tokenizers(path: str) -> TokenCounter:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(path)
    return lambda texts: [
        len(encoding.ids)
        for encoding in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    ]
