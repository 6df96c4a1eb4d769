"""The public surface: what `load` takes and refuses, and what a batch's tokens say."""

from __future__ import annotations

import importlib.util
import json
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from packing.tokenizers import InvalidTextError, TokenizerFileError, engines, load

from .conftest import small_config
from .texts_to_try import real_texts

TEXTS = [
    "the theorem 𝔸 proves\n\n  that x == y",
    "",
    "a\u2581b <s> then </s>",
    " \x00 é设 𝔸",
    "the",
]


@pytest.mark.parametrize(
    "texts",
    [
        TEXTS,
        pa.array(TEXTS),
        pa.array(TEXTS, pa.large_string()),
        pa.array(["left out", *TEXTS, "left out"]).slice(1, len(TEXTS)),
        pa.chunked_array([TEXTS[:2], TEXTS[2:]]),
        pa.array(TEXTS).dictionary_encode(),
        pa.array(TEXTS, pa.string_view()),
    ],
    ids=["strings", "string", "large_string", "slice", "chunked", "dictionary", "view"],
)
def test_every_shape_of_texts_gives_the_same_ids(small: Path, texts: pa.Array) -> None:
    tokenizer = load(small)
    tokens, expected = tokenizer.encode_batch(texts), tokenizer.encode_batch(TEXTS)
    assert tokens.ids.dtype == np.uint16
    assert tokens.ids.tolist() == expected.ids.tolist()
    assert tokens.offsets.tolist() == expected.offsets.tolist()
    assert tokens.offsets[0] == 0
    assert tokens.offsets[-1] == len(tokens.ids)


@pytest.mark.parametrize("texts", [[], pa.array([], pa.string()), [""], ["", ""]])
def test_nothing_and_empty_documents_have_no_ids(small: Path, texts: list[str]) -> None:
    tokens = load(small).encode_batch(texts)
    assert len(tokens) == len(texts)
    assert not len(tokens.ids)


def test_rows_that_are_no_text_are_named(small: Path) -> None:
    tokenizer = load(small)
    with pytest.raises(InvalidTextError, match=r"null.*row 1") as null:
        tokenizer.encode_batch(pa.array(["a", None, "b"]))
    assert null.value.rows == (1,)
    with pytest.raises(InvalidTextError, match=r"surrogate.*row 2") as surrogate:
        tokenizer.encode_batch(["a", "b", "\ud800x"])
    assert surrogate.value.rows == (2,)
    broken = pa.array([b"fine", b"\xff\xfe", b"\xc3"], pa.binary()).view(pa.string())
    with pytest.raises(InvalidTextError, match=r"UTF-8.*row 1, 2") as invalid:
        tokenizer.encode_batch(broken)
    assert invalid.value.rows == (1, 2)
    with pytest.raises(TypeError, match="int64"):
        tokenizer.encode_batch(pa.array([1, 2]))
    with pytest.raises(TypeError, match="one string"):
        tokenizer.encode_batch("the theorem")


def test_tokens_say_which_characters_they_stand_for(small: Path) -> None:
    tokenizer = load(small)
    tokens = tokenizer.encode_with_offsets(TEXTS)
    for row, text in enumerate(TEXTS):
        here = slice(tokens.offsets[row], tokens.offsets[row + 1])
        spans = list(zip(tokens.starts[here].tolist(), tokens.ends[here].tolist(), strict=True))
        assert spans == sorted(spans)
        covered = {place for start, end in spans for place in range(start, end)}
        assert covered == set(range(len(text)))
        for (start, end), number in zip(spans, tokens.ids[here].tolist(), strict=True):
            piece = tokenizer.decode([1, number])[len("<s>") :]
            if "\ufffd" not in piece:
                assert piece.strip() == text[start:end].replace("\u2581", " ").strip()


def test_the_fingerprint_tells_what_decides_the_ids(small: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere.json"
    moved.write_bytes(small.read_bytes())
    changed = tmp_path / "changed.json"
    config = small_config()
    config["model"]["merges"].pop()
    changed.write_text(json.dumps(config))
    assert load(moved).fingerprint == load(small).fingerprint
    assert load(small, backend="reference").fingerprint == load(small).fingerprint
    assert load(small, specials="text").fingerprint != load(small).fingerprint
    assert load(changed).fingerprint != load(small).fingerprint


def test_special_ids_come_from_the_file_and_its_settings(small: Path, tmp_path: Path) -> None:
    tokenizer = load(small)
    assert (tokenizer.bos_id, tokenizer.eos_id, tokenizer.unk_id) == (1, 2, 0)
    (tmp_path / "tokenizer.json").write_bytes(small.read_bytes())
    settings = {"bos_token": {"content": "</s>"}, "eos_token": "<unk>"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    named = load(tmp_path)
    assert (named.bos_id, named.eos_id) == (2, 0)


def test_what_is_no_tokenizer_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"tokenizer\.json"):
        load(tmp_path)
    (tmp_path / "other.json").write_text('{"a": 1}')
    with pytest.raises(TokenizerFileError, match="no `model`"):
        load(tmp_path / "other.json")
    (tmp_path / "cut.json").write_text('{"model": {')
    with pytest.raises(TokenizerFileError, match="no JSON"):
        load(tmp_path / "cut.json")
    (tmp_path / "noise.model").write_bytes(bytes(range(256)))
    with pytest.raises(TokenizerFileError, match="sentencepiece"):
        load(tmp_path / "noise.model")
    (tmp_path / "mine.tiktoken").write_text("IQ== 0\nIg== 1\n")
    with pytest.raises(TokenizerFileError, match="cl100k_base"):
        load(tmp_path / "mine.tiktoken")


def test_special_tokens_in_text_are_parsed_or_left(small: Path) -> None:
    text = ["a<s>b"]
    assert 1 in load(small).encode_batch(text).ids
    assert 1 not in load(small, specials="text").encode_batch(text).ids


def test_another_process_gets_the_same_tokenizer(small: Path) -> None:
    tokenizer = load(small, specials="text")
    sent = pickle.loads(pickle.dumps(tokenizer))
    assert sent.fingerprint == tokenizer.fingerprint
    assert sent.encode_batch(TEXTS).ids.tolist() == tokenizer.encode_batch(TEXTS).ids.tolist()


@pytest.mark.parametrize("missing", ["numba", "torch"])
def test_ids_are_the_same_without_a_library(
    small: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    expected = load(small, backend="reference").encode_batch(TEXTS)
    found = importlib.util.find_spec
    monkeypatch.setattr(engines, "find_spec", lambda name: None if name == missing else found(name))
    tokenizer = load(small, backend="auto")
    assert missing not in tokenizer.engine
    assert "bigram cut" in tokenizer.engine
    assert tokenizer.encode_batch(TEXTS).ids.tolist() == expected.ids.tolist()


def test_ids_are_the_same_without_gigatoken(
    trained_byte_level: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gigatoken", None)
    tokenizer = load(trained_byte_level)
    assert "gigatoken" in tokenizer.passed_over
    expected = load(trained_byte_level, backend="reference").encode_batch(TEXTS)
    assert tokenizer.encode_batch(TEXTS).ids.tolist() == expected.ids.tolist()


def test_several_threads_may_use_one_tokenizer(small: Path) -> None:
    tokenizer = load(small)
    texts = [[text * 50 for text in TEXTS], TEXTS[::-1], ["the theorem"] * 500, [" " * 99]] * 8
    expected = [tokenizer.encode_batch(batch).ids.tolist() for batch in texts]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda batch: tokenizer.encode_batch(batch).ids.tolist(), texts))
    assert found == expected


@pytest.mark.parametrize("name", ["llama2", "mistral_model", "cl100k"])
def test_characters_of_real_tokens(
    request: pytest.FixtureRequest, shared_data: Path, name: str
) -> None:
    tokenizer = load(request.getfixturevalue(name))
    texts = [text for text in real_texts(shared_data, ("arxiv", "stack", "html"), 60_000) if text]
    tokens = tokenizer.encode_with_offsets(texts)
    for row, text in enumerate(texts):
        here = slice(int(tokens.offsets[row]), int(tokens.offsets[row + 1]))
        starts, ends = tokens.starts[here], tokens.ends[here]
        assert ends[-1] == len(text)
        assert (starts[1:] <= ends[:-1]).all()
        assert (starts[1:] >= starts[:-1]).all()
        middle = len(starts) // 2
        before = tokenizer.decode(tokens.document(row)[:middle])
        if not before.endswith("\ufffd"):
            assert text[: starts[middle]] == before
