"""Tokenizers that give the reference library's ids, fast.

`load` reads any published tokenizer file; `Tokenizer.encode_batch` turns a column of texts into
flat ids with document offsets.
"""

from packing.tokenizers.bpe_vocabulary import UnsupportedTokenizerError
from packing.tokenizers.files import TokenizerFileError
from packing.tokenizers.texts import InvalidTextError, Texts
from packing.tokenizers.tokenizer import Tokenizer, load
from packing.tokenizers.tokens import SpannedTokens, Tokens

__all__ = [
    "InvalidTextError",
    "SpannedTokens",
    "Texts",
    "Tokenizer",
    "TokenizerFileError",
    "Tokens",
    "UnsupportedTokenizerError",
    "load",
]
