"""Tokenizers for the tests: published ones when they are there, and small ones of our own."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
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


# Llama-3's splitting rule and the specials that matter here (its tokenizer.json).
LLAMA3_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_LLAMA3_SPECIALS = ("<|begin_of_text|>", "<|end_of_text|>")


def byte_level_config(
    vocab: dict[str, int], merges: list[tuple[str, str]], specials: tuple[str, ...], llama3: bool
) -> dict[str, Any]:
    """A byte-level `tokenizer.json`, in GPT-2's manner or in Llama-3's."""
    step = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    split = {"type": "Split", "pattern": {"Regex": LLAMA3_PATTERN}, "behavior": "Isolated"}
    steps = [split | {"invert": False}, step | {"use_regex": False}]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": len(vocab) + place, "content": content, "single_word": False, "lstrip": False}
            | {"rstrip": False, "normalized": False, "special": True}
            for place, content in enumerate(specials)
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps}
        if llama3
        else step | {"use_regex": True},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True}
        | {"use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": llama3,
            "vocab": vocab,
            "merges": [list(pair) for pair in merges],
        },
    }


@pytest.fixture(scope="session")
def llama3(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Llama-3 as a `tokenizer.json`, out of the JavaScript package that carries it."""
    name = "llama3-tokenizer-with-baked-data.js"
    script = published(shared_data, "llama3-tokenizer-js", "bundle", name).read_text("utf-8")
    baked = dict(re.findall(r'llama_(vocab_base64|merges_binary) = "([A-Za-z0-9+/=]+)"', script))
    pieces = base64.b64decode(baked["vocab_base64"]).decode().split("\n")
    bits = np.unpackbits(np.frombuffer(base64.b64decode(baked["merges_binary"]), np.uint8))
    numbers = bits[: len(bits) // 34 * 34].reshape(-1, 17) @ (1 << np.arange(16, -1, -1))
    merges = [(pieces[left], pieces[right]) for left, right in numbers.reshape(-1, 2).tolist()]
    vocab = {piece: place for place, piece in enumerate(pieces)}
    path = tmp_path_factory.mktemp("llama3") / "tokenizer.json"
    config = byte_level_config(vocab, merges, _LLAMA3_SPECIALS, llama3=True)
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


@pytest.fixture(scope="session", params=["gpt2", "llama3"])
def trained_byte_level(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A small byte-level tokenizer trained on this repository's own words."""
    tokenizers = pytest.importorskip("tokenizers")
    like_llama3 = request.param == "llama3"
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    empty = byte_level_config({}, [], (), llama3=like_llama3)
    trained = tokenizers.Tokenizer.from_str(json.dumps(empty))
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=1500, initial_alphabet=alphabet, show_progress=False
    )
    sources = sorted(Path(__file__).resolve().parents[3].glob("*.md"))
    trained.train([str(source) for source in sources], trainer)
    model = json.loads(trained.to_str())["model"]
    path = tmp_path_factory.mktemp("trained") / "tokenizer.json"
    config = byte_level_config(model["vocab"], model["merges"], ("<|endoftext|>",), like_llama3)
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


def trained_sentencepiece(folder: Path, **options: Any) -> Path:
    """A small SentencePiece model trained on this repository's own words.

    Args:
        folder: Where it is put.
        options: Settings of the trainer other than Llama's.

    Returns:
        The model.
    """
    sentencepiece = pytest.importorskip("sentencepiece")
    settings = {
        "model_type": "bpe",
        "byte_fallback": True,
        "normalization_rule_name": "identity",
        "remove_extra_whitespaces": False,
        "allow_whitespace_only_pieces": True,
        "split_digits": True,
    }
    sources = sorted(Path(__file__).resolve().parents[3].glob("*.md"))
    sentencepiece.SentencePieceTrainer.train(
        input=[str(source) for source in sources],
        model_prefix=str(folder / "trained"),
        vocab_size=600,
        character_coverage=1.0,
        minloglevel=2,
        **settings | options,
    )
    return folder / "trained.model"
