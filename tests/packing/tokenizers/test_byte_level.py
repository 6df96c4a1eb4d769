"""Byte-level families: gigatoken's ids are the reference library's where it is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from packing.tokenizers import load

from .conftest import byte_level_config
from .test_exactness import assert_same
from .texts_to_try import random_texts, real_texts

# Every code point of the first planes that have letters, each beside a letter and a digit, in
# documents of a few kilobytes: classes of characters differ from one engine to another.
CLASSES = [
    "".join(f"{chr(point)}a{chr(point)}1" for point in range(first, first + 0x400))
    for first in range(0, 0x20000, 0x400)
    if not 0xD800 <= first < 0xE000
]


PREFIXING = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}


@pytest.mark.parametrize("specials", ["parse", "text"])
def test_trained_vocabularies(trained_byte_level: Path, specials: str) -> None:
    texts = [*random_texts(3000, seed=11), *CLASSES]
    tokenizer = load(trained_byte_level, specials=specials, backend="cpu")
    assert tokenizer.engine.startswith("gigatoken")
    reference = load(trained_byte_level, backend="reference", specials=specials)
    assert_same(tokenizer.encode_batch(texts), reference.encode_batch(texts), texts)


def test_every_class_of_characters_in_cl100k(cl100k: Path) -> None:
    reference = load(cl100k, backend="reference")
    assert_same(load(cl100k).encode_batch(CLASSES), reference.encode_batch(CLASSES), CLASSES)


def test_llama3(llama3: Path, shared_data: Path) -> None:
    texts = [*real_texts(shared_data, ("arxiv", "stack", "html"), 150_000)]
    texts += random_texts(3000, seed=12)
    tokenizer, reference = load(llama3), load(llama3, backend="reference")
    assert tokenizer.engine.startswith("gigatoken")
    assert tokenizer.dtype.itemsize == 4
    assert_same(tokenizer.encode_batch(texts), reference.encode_batch(texts), texts)
    assert tokenizer.decode(tokenizer.encode_batch(texts[:1]).ids) == texts[0]


@pytest.mark.parametrize("ignore_merges", [True, False])
def test_whole_words_are_looked_up_first_where_the_file_says_so(
    trained_byte_level: Path, tmp_path: Path, ignore_merges: bool
) -> None:
    config = json.loads(trained_byte_level.read_text(encoding="utf-8"))
    vocab = config["model"]["vocab"]
    config["added_tokens"] = []
    config["model"]["ignore_merges"] = ignore_merges
    vocab["qzxjqzxj"] = len(vocab)  # no merge leads there
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    texts = ["qzxjqzxj", "qzxjqzxjq", " qzxjqzxj"]
    tokenizer, reference = load(path), load(path, backend="reference")
    assert tokenizer.engine.startswith("gigatoken")
    assert_same(tokenizer.encode_batch(texts), reference.encode_batch(texts), texts)
    assert (len(tokenizer.encode_batch(texts[:1]).ids) == 1) == ignore_merges


@pytest.mark.parametrize(
    "changes",
    [
        {"normalizer": {"type": "NFC"}},
        {"pre_tokenizer": PREFIXING},
        {"pre_tokenizer": {"type": "WhitespaceSplit"}},
        {"decoder": None},
    ],
    ids=["nfc", "prefix_space", "other_splitting", "no_decoder"],
)
def test_settings_that_are_not_known_go_to_the_reference(
    trained_byte_level: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    config = json.loads(trained_byte_level.read_text(encoding="utf-8")) | changes
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    tokenizer = load(path)
    assert tokenizer.engine.startswith("tokenizers")
    assert set(tokenizer.passed_over) == {"bigram cut", "gigatoken"}
    texts = ["e\u0301 x", "the  theorem", ""]
    assert_same(
        tokenizer.encode_batch(texts), load(path, backend="reference").encode_batch(texts), texts
    )


def test_another_pattern_goes_to_the_reference(tmp_path: Path) -> None:
    letters = {chr(code): place for place, code in enumerate(range(0x21, 0x7F))}
    config = byte_level_config(letters, [], (), llama3=True)
    config["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] += r"|x"
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    assert "pre_tokenizer" in load(path).passed_over["gigatoken"]


def test_ids_that_differ_are_noticed_on_loading(
    trained_byte_level: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from packing.tokenizers import byte_level

    def without_the_long_ones(config: dict[str, Any], parse_specials: bool) -> dict[str, Any]:
        model = config["model"] | {"merges": config["model"]["merges"][:50]}
        return config | {"model": model}

    monkeypatch.setattr(byte_level, "_known_config", without_the_long_ones)
    tokenizer = load(trained_byte_level)
    assert tokenizer.engine.startswith("tokenizers")
    assert "other ids" in tokenizer.passed_over["gigatoken"]


def test_slices_and_offsets_of_a_column(trained_byte_level: Path) -> None:
    import pyarrow as pa

    texts = ["left out", "the theorem", "", "\U0001d538 x", "left out"]
    tokenizer = load(trained_byte_level)
    sliced = tokenizer.encode_with_offsets(pa.array(texts).slice(1, 3))
    assert sliced.ids.tolist() == tokenizer.encode_batch(texts[1:4]).ids.tolist()
    for row, text in enumerate(texts[1:4]):
        here = slice(int(sliced.offsets[row]), int(sliced.offsets[row + 1]))
        spans = zip(sliced.starts[here].tolist(), sliced.ends[here].tolist(), strict=True)
        covered = {place for start, end in spans for place in range(start, end)}
        assert covered == set(range(len(text)))
