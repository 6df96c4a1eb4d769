"""The CPU path for byte-level families (GPT-2, cl100k, Llama-3): the library gigatoken.

It splits and merges faster than anything else that is kept and exact. It is only asked where the
splitting rule is one that its ids were compared for.
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


class ByteLevelEngine:
    """Encodes with gigatoken, from Arrow's bytes to flat ids without an object a document."""

    def __init__(
        self, file: TokenizerFile, reference: Reference, *, parse_specials: bool, threads: int
    ) -> None:
        """Loads the file into gigatoken.

        Raises:
            UnsupportedTokenizerError: The file's rules aren't known, or gigatoken refuses it.
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
