"""A last check on loading: a faster path gives the reference's ids where paths tend to differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from packing.tokenizers.bpe_vocabulary import UnsupportedTokenizerError
from packing.tokenizers.reference import Reference
from packing.tokenizers.texts import Texts
from packing.tokenizers.tokens import Tokens

__all__ = ["check_agreement"]

# Where splitting rules differ: cases of contractions and the long s, digits by three, spaces before
# words and lines, marks and letters of other scripts, code points that engines class differently;
# where merging does: runs of spaces and signs; where normalising does: U+2581, NUL, prefixes.
_TELLING_TEXTS = (
    "it's IT'S it'\u017f we'LL they're I'd o'clock 'tis",
    "1 12 123 1234 12345 \u0662\u0663\u0664 x1y22 \u00bd \u2167 \u00b2",
    "a b  c   d\te\n f \n  g\r\n\r\n h   ",
    "\n\n\n x\n \n\t\n y \u00a0\u2003z\u2028w\u3000",
    "e\u0301 n\u0303o \u0915\u094d\u0937 \u0e01\u0e33 \uac00 \u1100\u1161 \u65e5\u672c\u8a9e",
    "!!! ?? -- == \\frac{a}{b} $x_1$ (let) [a];{b}\n//x\n/*y*/\n",
    "\U0001d538\U0001f468\u200d\U0001f469 \ufeffx \x00y \u2581z \U00016ea0 \u1c89",
    " leading", "\u2581leading", "x" + " " * 19 + "y" + " " * 70, "=" * 100 + "#" * 33,
    "<s> <|endoftext|> <|begin_of_text|> </s>",
    " ",
    "",
)  # fmt: skip

# Of a vocabulary with thousands of added tokens so many are tried.
_TRIED_ADDED = 64


class _Encoder(Protocol):
    name: str

    def encode(self, texts: Texts) -> Tokens: ...


def check_agreement(engine: _Encoder, reference: Reference, added: Sequence[str]) -> None:
    """Compares ids.

    Args:
        engine: The faster path.
        reference: The reference library's tokenizer.
        added: Contents of added tokens.

    Raises:
        UnsupportedTokenizerError: Some ids differ.
    """
    tried = (f"a{content} b{content}{content}" for content in added[:_TRIED_ADDED])
    texts = Texts.of([*_TELLING_TEXTS, *tried])
    ours, theirs = engine.encode(texts), reference.encode(texts)
    if not (np.array_equal(ours.offsets, theirs.offsets) and np.array_equal(ours.ids, theirs.ids)):
        raise UnsupportedTokenizerError(f"{engine.name} gives other ids than {reference.library}")
