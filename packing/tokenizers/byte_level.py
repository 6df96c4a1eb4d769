"""The CPU path for byte-level families (GPT-2, cl100k, Llama-3): the library gigatoken.

It splits and merges faster than anything else that is kept and exact. It is only asked where the
splitting rule is one that its ids were compared for, and on loading its ids are compared with the
reference's once more on texts that tell splitting rules apart.
"""

from __future__ import annotations

import copy
import json
from importlib.metadata import version
from typing import Any, cast

import numpy as np

from packing.tokenizers.bpe_vocabulary import UnsupportedTokenizerError
from packing.tokenizers.files import HuggingFaceFile, TiktokenFile, TokenizerFile
from packing.tokenizers.pieces import parts_of
from packing.tokenizers.reference import Reference
from packing.tokenizers.texts import Texts
from packing.tokenizers.tokens import Ids, Tokens, id_dtype

__all__ = ["ByteLevelEngine"]

# Splitting rules as `tokenizer.json` files write them, of which gigatoken's ids were compared with
# the library tokenizers' (tests/packing/tokenizers/test_byte_level.py). GPT-2's own has no regular
# expression in the file: ByteLevel with use_regex is it.
_KNOWN_PATTERNS = frozenset(
    {
        # Llama-3 (meta-llama/Meta-Llama-3-8B, tokenizer.json), cl100k in tiktoken's older spelling.
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    }
)
_KNOWN_ENCODINGS = frozenset({"gpt2", "cl100k"})

# Where splitting rules differ: cases of contractions and the long s, digits by three, spaces before
# words and lines, marks and letters of other scripts, code points that engines class differently.
_TELLING_TEXTS = (
    "it's IT'S it'\u017f we'LL they're I'd o'clock 'tis",
    "1 12 123 1234 12345 \u0662\u0663\u0664 x1y22 \u00bd \u2167 \u00b2",
    "a b  c   d\te\n f \n  g\r\n\r\n h   ",
    "\n\n\n x\n \n\t\n y \u00a0\u2003z\u2028w\u3000",
    "e\u0301 n\u0303o \u0915\u094d\u0937 \u0e01\u0e33 \uac00 \u1100\u1161 \u65e5\u672c\u8a9e",
    "!!! ?? -- == \\frac{a}{b} $x_1$ (let) [a];{b}\n//x\n/*y*/\n",
    "\U0001d538\U0001f468\u200d\U0001f469 \ufeffx \x00y \u2581z \U00016ea0 \u1c89",
    "<s> <|endoftext|> <|begin_of_text|> </s>",
    " ",
    "",
)


class ByteLevelEngine:
    """Encodes with gigatoken, from Arrow's bytes to flat ids without an object a document."""

    def __init__(
        self, file: TokenizerFile, reference: Reference, *, parse_specials: bool, threads: int
    ) -> None:
        """Loads the file into gigatoken.

        Raises:
            UnsupportedTokenizerError: The file's rules aren't known, gigatoken refuses it, or its
                ids are others than the reference's.
            ModuleNotFoundError: gigatoken isn't installed.
        """
        import gigatoken

        self._file = file
        self._dtype = id_dtype(reference.vocab_size)
        self._parallel = threads > 1
        self.name = f"gigatoken {version('gigatoken')}"
        try:
            match file:
                case TiktokenFile():
                    self._tokenizer = _of_tiktoken(gigatoken, file, parse_specials)
                case HuggingFaceFile():
                    config = _known_config(file.config, parse_specials)
                    self._tokenizer = gigatoken.Tokenizer.from_json(json.dumps(config))
                case _:
                    raise UnsupportedTokenizerError("a SentencePiece model")
        except (ValueError, RuntimeError) as error:
            if isinstance(error, UnsupportedTokenizerError):
                raise
            raise UnsupportedTokenizerError(f"gigatoken refuses it: {error}") from None
        self._compare(reference)

    def encode(self, texts: Texts) -> Tokens:
        """The ids of every document."""
        import awkward

        if not len(texts):
            return Tokens(cast("Ids", np.empty(0, self._dtype)), np.zeros(1, np.int64))
        letters = awkward.contents.NumpyArray(texts.data, parameters={"__array__": "char"})
        documents = awkward.contents.ListOffsetArray(
            awkward.index.Index64(texts.offsets), letters, parameters={"__array__": "string"}
        )
        encoded = self._tokenizer.encode_batch(awkward.Array(documents), parallel=self._parallel)
        layout = encoded.layout
        ids = np.asarray(layout.content.data).astype(self._dtype, copy=False)
        return Tokens(
            cast("Ids", ids), np.asarray(layout.offsets.data).astype(np.int64, copy=False)
        )

    def _compare(self, reference: Reference) -> None:
        texts = Texts.of(_TELLING_TEXTS)
        ours, theirs = self.encode(texts), reference.encode(texts)
        if not (
            np.array_equal(ours.offsets, theirs.offsets) and np.array_equal(ours.ids, theirs.ids)
        ):
            raise UnsupportedTokenizerError(f"{self.name} gives other ids than {reference.library}")


def _of_tiktoken(gigatoken: Any, file: TiktokenFile, parse_specials: bool) -> Any:
    encoding = file.encoding
    if encoding.splits_like not in _KNOWN_ENCODINGS:
        raise UnsupportedTokenizerError(f"encoding {encoding.name}")
    specials = encoding.special_tokens if parse_specials else {}
    return gigatoken.Tokenizer.from_tiktoken(
        file.path, pretokenizer=encoding.splits_like, special_tokens=specials
    )


def _known_config(config: dict[str, Any], parse_specials: bool) -> dict[str, Any]:
    """The file's content for gigatoken, if every setting in it is known.

    Raises:
        UnsupportedTokenizerError: A setting is not known.
    """
    model = config["model"]
    known = {
        "model": model.get("type") == "BPE",
        "dropout": not model.get("dropout"),
        "byte_fallback": not model.get("byte_fallback"),
        "subword prefix": not model.get("continuing_subword_prefix"),
        "word suffix": not model.get("end_of_word_suffix"),
        "normalizer": not parts_of(config.get("normalizer"), "normalizers"),
        "pre_tokenizer": _known_splitting(parts_of(config.get("pre_tokenizer"), "pretokenizers")),
        "decoder": (config.get("decoder") or {}).get("type") == "ByteLevel",
        "added tokens": not any(
            token[setting]
            for token in config.get("added_tokens") or []
            for setting in ("single_word", "lstrip", "rstrip")
        ),
    }
    unknown = [setting for setting, fine in known.items() if not fine]
    if unknown:
        raise UnsupportedTokenizerError(f"{', '.join(unknown)} of a kind that isn't known")
    plain = copy.copy(config)
    plain.update(truncation=None, padding=None, post_processor=None)
    if not parse_specials:
        added = config.get("added_tokens") or []
        plain["added_tokens"] = [token for token in added if not token["special"]]
    return plain


def _known_splitting(parts: list[dict[str, Any]]) -> bool:
    """Whether text is split by GPT-2's rule or by one of the known patterns."""
    kinds = [part["type"] for part in parts]
    if not kinds or kinds[-1] != "ByteLevel" or parts[-1].get("add_prefix_space", True):
        return False
    splits_itself = parts[-1].get("use_regex", True)
    if kinds == ["ByteLevel"]:
        return bool(splits_itself)
    if kinds != ["Split", "ByteLevel"] or splits_itself:
        return False
    split = parts[0]
    return (
        split["pattern"].get("Regex") in _KNOWN_PATTERNS
        and split["behavior"] == "Isolated"
        and not split["invert"]
    )
