"""Tokenizers for the tests: published ones when they are there, and small ones of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

# Words whose merges make the orders that the published vocabularies have: pieces whose parts come
# later in the list than the merge itself, runs of spaces merged last, pieces across a space.
_WORDS = "the theorem then that python on th pyth let lemma proof prove \\frac \\begin{ } = == ===".split()


def published(shared_data: Path, *names: str) -> Path:
    """A published tokenizer of the shared data; skips when it isn't there."""
    path = shared_data.joinpath("models", *names)
    if not path.exists():
        pytest.skip(f"{'/'.join(names)} is not among the third-party data")
    return path


@pytest.fixture(scope="session")
def llama2(shared_data: Path) -> Path:
    return published(shared_data, "llama2-converted", "tokenizer.json")


@pytest.fixture(scope="session")
def mistral_model(shared_data: Path) -> Path:
    return published(shared_data, "mistral", "tokenizer.model.v1")


@pytest.fixture(scope="session")
def mistral_json(shared_data: Path) -> Path:
    folder = "mistral-hf-from-mislabelled-lenml-llama2"
    return published(shared_data, folder, "models", "tokenizer.json")


@pytest.fixture(scope="session")
def cl100k(shared_data: Path) -> Path:
    return published(shared_data, "tiktoken", "cl100k_base.tiktoken")


def small_config(**changes: Any) -> dict[str, Any]:
    """A `tokenizer.json` in Llama-2's manner, of a few hundred pieces.

    Args:
        changes: Parts of the file to put in the place of ours.

    Returns:
        The file, parsed.
    """
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    merges = small_merges()
    products = [left + right for left, right in merges]
    letters = sorted({letter for product in products for letter in product} | set("\u2581é设∑"))
    pieces += list(dict.fromkeys([*products, *letters]))
    added = [
        {"id": place, "content": content, "single_word": False, "lstrip": False, "rstrip": False}
        | {"normalized": False, "special": True}
        for place, content in enumerate(pieces[:3])
    ]
    config = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Prepend", "prepend": "\u2581"},
                {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"},
            ],
        },
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
                {"type": "Strip", "content": " ", "start": 1, "stop": 0},
            ],
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<unk>",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": True,
            "ignore_merges": False,
            "vocab": {piece: place for place, piece in enumerate(pieces)},
            "merges": [list(pair) for pair in merges],
        },
    }
    return config | changes


def small_merges() -> list[tuple[str, str]]:
    """Every split of every prefix and suffix of the words, the long ones first, spaces last."""
    products = {
        word[start:end]
        for bare in _WORDS
        for word in (bare, "\u2581" + bare)
        for start in range(len(word))
        for end in range(start + 2, len(word) + 1)
        if start == 0 or end == len(word)
    }
    products |= {"\u2581\u2581", "\u2581\u2581\u2581", "\u2581" * 4, "\u2581" * 8}
    singles = {letter for product in products for letter in product}
    ordered = sorted(products, key=lambda word: (set(word) == {"\u2581"}, hash_order(word)))
    return [
        (product[:cut], product[cut:])
        for product in ordered
        for cut in range(1, len(product))
        if product[:cut] in products | singles and product[cut:] in products | singles
    ]


def hash_order(word: str) -> int:
    """An order that has nothing to do with length or letters, the same on every machine."""
    value = 5381
    for letter in word:
        value = (value * 33 ^ ord(letter)) & 0xFFFFFFFF
    return value


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small tokenizer in Llama-2's manner."""
    path = tmp_path_factory.mktemp("small") / "tokenizer.json"
    path.write_text(json.dumps(small_config()), encoding="utf-8")
    return path
