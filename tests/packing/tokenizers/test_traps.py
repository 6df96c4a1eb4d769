"""What makes tokenizers that look right wrong, one test each."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from packing.tokenizers import UnsupportedTokenizerError, load
from packing.tokenizers.bpe_vocabulary import BpeVocabulary, bpe_vocabulary
from packing.tokenizers.cut import CUT, flags_of_pairs, reached_pairs
from packing.tokenizers.files import read_tokenizer_file
from packing.tokenizers.merging import merge_unit
from packing.tokenizers.tokens import id_dtype

from .conftest import small_config, trained_sentencepiece
from .test_exactness import assert_same
from .texts_to_try import random_texts


def written(folder: Path, config: dict[str, Any]) -> Path:
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


def pieces_of(path: Path, text: str) -> list[str]:
    names = {number: piece for piece, number in small_config()["model"]["vocab"].items()}
    return [names[number] for number in load(path, backend="cpu").encode_batch([text]).ids.tolist()]


def in_rounds(unit: str, vocabulary: BpeVocabulary, all_at_once: str) -> list[int]:
    """The two ways of merging several pairs a round that look right."""
    symbols = [vocabulary.characters[letter] for letter in unit]
    while True:
        ranks = [
            vocabulary.merges.get(pair, (1 << 40, 0))[0] for pair in itertools.pairwise(symbols)
        ]
        if not ranks or min(ranks) == 1 << 40:
            return symbols
        wider = [1 << 40, *ranks, 1 << 40]
        merged: list[int] = []
        place = 0
        while place < len(symbols):
            here = place < len(ranks) and ranks[place] < 1 << 40
            lowest = here and ranks[place] == min(ranks)
            local = here and wider[place] > ranks[place] <= wider[place + 2]
            if lowest if all_at_once == "occurrences" else local:
                merged.append(vocabulary.merges[symbols[place], symbols[place + 1]][1])
                place += 2
            else:
                merged.append(symbols[place])
                place += 1
        symbols = merged


@pytest.mark.parametrize("all_at_once", ["occurrences", "local minima"])
def test_pairs_are_merged_one_at_a_time(llama2: Path, all_at_once: str) -> None:
    vocabulary = bpe_vocabulary(read_tokenizer_file(llama2), parse_specials=True)
    words = ["python", "theorem", "characteristic", *(" " * count for count in range(1, 40))]
    wrong = [
        unit
        for unit in words
        if in_rounds(unit, vocabulary, all_at_once) != merge_unit(unit, vocabulary)
    ]
    assert wrong, "these words no longer tell the ways of merging apart"
    tokenizer, reference = load(llama2), load(llama2, backend="reference")
    assert_same(tokenizer.encode_batch(wrong), reference.encode_batch(wrong), wrong)


def test_runs_of_every_length(small: Path) -> None:
    texts = [sign * count for sign in " =-#a\n\u2581\u8bbe" for count in range(1, 130)]
    texts += [" " * count + "x" for count in range(1, 130)]
    tokenizer, reference = load(small), load(small, backend="reference")
    assert_same(tokenizer.encode_batch(texts), reference.encode_batch(texts), texts)


def test_ranks_need_not_rise_with_what_is_made(small: Path) -> None:
    merges = [tuple(merge) for merge in small_config()["model"]["merges"]]
    made: set[str] = set()
    early = 0
    products = {left + right for left, right in merges}
    for left, right in merges:
        early += any(part in products and part not in made for part in (left, right))
        made.add(left + right)
    assert early > 10, "the small vocabulary no longer has merges before their operands"
    texts = ["pythonthe then theorem", "lemmaproof \\frac\\begin", " that thon on python"]
    tokenizer, reference = load(small), load(small, backend="reference")
    assert_same(tokenizer.encode_batch(texts), reference.encode_batch(texts), texts)


@pytest.mark.parametrize("name", ["mistral_model", "trained"])
def test_spaces_merge_last_where_scores_say_so(
    request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    path = trained_sentencepiece(tmp_path) if name == "trained" else request.getfixturevalue(name)
    texts = [
        " " * before + word + " " * after
        for before in range(40)
        for word in ("x", "the")
        for after in (0, 3, 17)
    ]
    texts += random_texts(3000, seed=21)
    tokenizer, reference = load(path, backend="cpu"), load(path, backend="reference")
    assert "bigram cut" in tokenizer.engine
    assert_same(tokenizer.encode_batch(texts), reference.encode_batch(texts), texts)


def test_a_space_is_put_after_each_special_token_that_is_parsed(small: Path) -> None:
    assert pieces_of(small, "the<s>the</s></s>") == [
        "\u2581the",
        "<s>",
        "\u2581the",
        "</s>",
        "</s>",
    ]
    assert pieces_of(small, "<s>") == ["<s>"]
    assert pieces_of(small, "the<s") == ["\u2581the", "<0x3C>", "<0x73>"]


def with_added(*contents: str) -> dict[str, Any]:
    """The small tokenizer with more special tokens."""
    config = small_config()
    vocab = config["model"]["vocab"]
    special = config["added_tokens"][0]
    for place, content in enumerate(contents):
        config["added_tokens"].append(special | {"id": len(vocab) + place, "content": content})
    return config


def test_the_longest_added_token_wins(tmp_path: Path) -> None:
    path = written(tmp_path, with_added("<s>>", "<s", "\u2581<P>"))
    texts = ["a<s>>b", "a<s>b", "a<sb", "x\u2581<P>y", "x <P>y", "\u2581\u2581<P>", "<s<s>><s>"]
    tokenizer, reference = load(path), load(path, backend="reference")
    assert not tokenizer.passed_over
    assert_same(tokenizer.encode_batch(texts), reference.encode_batch(texts), texts)


@pytest.mark.parametrize("specials", ["parse", "text"])
def test_added_tokens_that_are_not_special_are_always_found(tmp_path: Path, specials: str) -> None:
    config = with_added("<<x>>")
    config["added_tokens"][-1]["special"] = False
    path = written(tmp_path, config)
    texts = ["a<<x>>b<s>", "<<x", "<<x>><<x>>"]
    tokenizer = load(path, specials=specials)
    assert not tokenizer.passed_over
    expected = load(path, specials=specials, backend="reference").encode_batch(texts)
    assert_same(tokenizer.encode_batch(texts), expected, texts)


def test_ids_that_the_library_would_not_give_are_noticed(tmp_path: Path) -> None:
    config = with_added("<P>")
    config["added_tokens"][-1]["id"] += 7  # the library counts on from the vocabulary instead
    path = written(tmp_path, config)
    tokenizer, reference = load(path), load(path, backend="reference")
    assert "other ids" in tokenizer.passed_over["bigram cut"]
    texts = ["a<P>b"]
    assert_same(tokenizer.encode_batch(texts), reference.encode_batch(texts), texts)


def test_added_tokens_that_merging_reaches_too(tmp_path: Path) -> None:
    config = small_config()
    vocab = config["model"]["vocab"]
    for left, right in (("\u2581", "<"), ("\u2581<", "P"), ("\u2581<P", ">")):
        for piece in (left, right, left + right):
            vocab.setdefault(piece, len(vocab))
        config["model"]["merges"].append([left, right])
    added = config["added_tokens"][0] | {"id": vocab["\u2581<P>"], "content": "\u2581<P>"}
    config["added_tokens"].append(added)
    path = written(tmp_path, config)
    texts = ["x <P> y", "x\u2581<P> y", "<P>", " <P>the", "\u2581<P>the"]
    tokenizer = load(path)
    assert not tokenizer.passed_over
    assert_same(
        tokenizer.encode_batch(texts), load(path, backend="reference").encode_batch(texts), texts
    )


def test_the_leading_space_is_the_file_s_own(tmp_path: Path) -> None:
    first = {
        "type": "Metaspace",
        "replacement": "\u2581",
        "prepend_scheme": "first",
        "split": False,
    }
    prepend, metaspace = tmp_path / "prepend", tmp_path / "metaspace"
    prepend.mkdir()
    metaspace.mkdir()
    with_prepend = written(prepend, small_config())
    with_metaspace = written(metaspace, small_config(normalizer=None, pre_tokenizer=first))
    assert pieces_of(with_prepend, " the") == ["\u2581", "\u2581the"]
    assert pieces_of(with_metaspace, " the") == ["\u2581the"]
    assert pieces_of(with_prepend, "the</s>the")[-1] == "\u2581the"
    assert pieces_of(with_metaspace, "the</s>the")[-1] == "the"


def test_the_written_space_is_a_space_and_a_line_end_is_a_byte(small: Path) -> None:
    tokenizer = load(small)
    written_out = tokenizer.encode_batch(["\u2581the\u2581\u2581theorem"]).ids.tolist()
    assert written_out == tokenizer.encode_batch([" the  theorem"]).ids.tolist()
    assert pieces_of(small, "the\nthe") == ["\u2581the", "<0x0A>", "the"]
    assert pieces_of(small, "") == []


def test_nothing_is_added_at_the_ends(llama2: Path) -> None:
    tokenizer = load(llama2)
    ids = tokenizer.encode_batch(["the", ""]).ids.tolist()
    assert tokenizer.bos_id not in ids
    assert tokenizer.eos_id not in ids


def test_sixteen_bits_only_below_the_bound_of_readers() -> None:
    assert id_dtype(65_499) == np.uint16
    assert id_dtype(65_500) == np.uint32


def test_a_vocabulary_by_another_s_name_has_another_fingerprint(
    llama2: Path, mistral_json: Path
) -> None:
    assert load(llama2).fingerprint != load(mistral_json).fingerprint


@pytest.mark.parametrize("name", ["small", "llama2", "mistral_model"])
def test_no_piece_is_cut(request: pytest.FixtureRequest, name: str) -> None:
    file = read_tokenizer_file(request.getfixturevalue(name))
    vocabulary = bpe_vocabulary(file, parse_specials=True)
    flags = flags_of_pairs(vocabulary)
    for piece in vocabulary.pieces.values():
        content = piece.encode()
        assert not any(
            flags[left << 8 | right] & CUT for left, right in itertools.pairwise(content)
        )
    assert reached_pairs(vocabulary).mean() < 0.05


@pytest.mark.parametrize(
    ("where", "change"),
    [
        ("model", {"dropout": 0.1}),
        ("model", {"byte_fallback": False}),
        ("model", {"ignore_merges": True}),
        ("model", {"end_of_word_suffix": "</w>"}),
        ("", {"normalizer": {"type": "NFKC"}}),
        ("", {"pre_tokenizer": {"type": "Digits", "individual_digits": True}}),
        ("added", {"lstrip": True}),
        ("added", {"rstrip": True}),
        ("added", {"single_word": True}),
        ("added", {"normalized": True}),
        ("added", {"content": "<"}),
    ],
)
def test_a_setting_that_is_not_known_goes_to_the_reference(
    tmp_path: Path, where: str, change: dict[str, Any]
) -> None:
    config = small_config()
    if where == "model":
        config["model"] |= change
    elif where == "added":
        config["added_tokens"][1] |= change
    else:
        config |= change
    path = written(tmp_path, config)
    tokenizer = load(path)
    assert tokenizer.engine.startswith("tokenizers")
    assert tokenizer.passed_over["bigram cut"]
    with pytest.raises(UnsupportedTokenizerError, match="torch"):
        load(path, backend="torch")
    if "dropout" not in change:
        texts = ["the <s> theorem", "a<b \ufb01"]
        expected = load(path, backend="reference").encode_batch(texts)
        assert_same(tokenizer.encode_batch(texts), expected, texts)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"model_type": "unigram"}, "no BPE"),
        ({"byte_fallback": False}, "byte fallback"),
        ({"normalization_rule_name": "nmt_nfkc"}, "nmt_nfkc"),
        ({"remove_extra_whitespaces": True}, "extra spaces"),
        ({"user_defined_symbols": ["<x>"]}, "user"),
        ({"treat_whitespace_as_suffix": True}, "suffix"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_sentencepiece_models_of_other_kinds_go_to_the_reference(
    tmp_path: Path, options: dict[str, Any], reason: str
) -> None:
    tokenizer = load(trained_sentencepiece(tmp_path, **options))
    assert tokenizer.engine.startswith("sentencepiece")
    assert reason in tokenizer.passed_over["bigram cut"]
    tokens = tokenizer.encode_with_offsets(["the  theorem <x>\u3000\ufb01", "x"])
    assert len(tokens.starts) == len(tokens.ids) > 0


def test_a_sentencepiece_model_without_prefix(tmp_path: Path) -> None:
    path = trained_sentencepiece(tmp_path, add_dummy_prefix=False)
    texts = random_texts(1000, seed=22)
    tokenizer, reference = load(path), load(path, backend="reference")
    assert not tokenizer.passed_over
    assert_same(tokenizer.encode_batch(texts), reference.encode_batch(texts), texts)
