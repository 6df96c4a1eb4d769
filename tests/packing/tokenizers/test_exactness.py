"""Every path gives the reference library's ids, on made-up strings and on real text."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from packing.tokenizers import Tokenizer, load
from packing.tokenizers.bpe_vocabulary import bpe_vocabulary
from packing.tokenizers.engines import Backend
from packing.tokenizers.files import read_tokenizer_file
from packing.tokenizers.texts import Texts
from packing.tokenizers.tokens import Tokens
from packing.tokenizers.units import UnitEngine
from packing.tokenizers.vectorized import numpy_core

from .conftest import small_config
from .texts_to_try import awkward_texts, random_texts, real_texts

Encode = Callable[[list[str]], Tokens]

needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
PATHS = ["compiled", "numpy", pytest.param("torch", marks=needs_torch)]


def encoder(path: Path, way: str, specials: str = "parse") -> Encode:
    """One of the paths to the ids of a tokenizer, whatever `load` would choose."""
    if way == "numpy":
        parse = specials == "parse"
        vocabulary = bpe_vocabulary(read_tokenizer_file(path), parse_specials=parse)
        engine = UnitEngine(numpy_core(vocabulary), vocabulary)
        return lambda texts: engine.encode(Texts.of(texts))
    backend: Backend = "torch" if way == "torch" else "cpu"
    device = "cpu" if way == "torch" else None
    tokenizer = load(path, backend=backend, device=device, specials=specials)
    assert "bigram cut" in tokenizer.engine
    return tokenizer.encode_batch


def assert_same(ours: Tokens, theirs: Tokens, texts: list[str]) -> None:
    """Fails with the first text whose ids differ."""
    if np.array_equal(ours.offsets, theirs.offsets) and np.array_equal(ours.ids, theirs.ids):
        return
    for row, text in enumerate(texts):
        assert ours.document(row).tolist() == theirs.document(row).tolist(), repr(text)


@pytest.fixture(scope="module", params=PATHS)
def small_pair(request: pytest.FixtureRequest, small: Path) -> tuple[Encode, Tokenizer]:
    return encoder(small, request.param), load(small, backend="reference")


@settings(deadline=None)  # the first call compiles
@given(text=awkward_texts)
def test_any_text_has_the_reference_ids(small_pair: tuple[Encode, Tokenizer], text: str) -> None:
    encode, reference = small_pair
    assert encode([text]).ids.tolist() == reference.encode_batch([text]).ids.tolist()


@pytest.mark.parametrize("specials", ["parse", "text"])
@pytest.mark.parametrize("way", PATHS)
def test_random_texts_have_the_reference_ids(small: Path, way: str, specials: str) -> None:
    texts = random_texts(4000, seed=1)
    reference = load(small, backend="reference", specials=specials)
    assert_same(encoder(small, way, specials)(texts), reference.encode_batch(texts), texts)


@pytest.mark.parametrize("splits", [True, False])
@pytest.mark.parametrize("scheme", ["always", "first", "never"])
def test_metaspace_puts_its_own_prefix(tmp_path: Path, scheme: str, splits: bool) -> None:
    metaspace = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": scheme}
    config = small_config(normalizer=None, pre_tokenizer=metaspace | {"split": splits})
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(config))
    texts = [" the", "the", "  the", "a</s>the", "a</s> the", "</s>", "\u2581the", "</s>the", ""]
    texts += random_texts(2000, seed=2)
    reference = load(path, backend="reference")
    for way in ("compiled", "numpy"):
        assert_same(encoder(path, way)(texts), reference.encode_batch(texts), texts)


def test_a_normalizer_without_prefix(tmp_path: Path) -> None:
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(small_config(normalizer=replace)))
    texts = random_texts(1000, seed=3)
    reference = load(path, backend="reference")
    assert_same(encoder(path, "compiled")(texts), reference.encode_batch(texts), texts)


@pytest.mark.parametrize("threads", [1, 3])
def test_order_batches_and_threads_change_nothing(small: Path, threads: int) -> None:
    texts = [*random_texts(3000, seed=4), "the theorem " * 400_000, " " * 100_000]
    tokenizer = load(small, threads=threads)
    cold = tokenizer.encode_batch(texts)
    warm = tokenizer.encode_batch(texts)
    assert_same(warm, cold, texts)
    backwards = load(small, threads=threads).encode_batch(texts[::-1])
    for row, text in enumerate(texts):
        expected = cold.document(row).tolist()
        assert backwards.document(len(texts) - 1 - row).tolist() == expected, repr(text[:80])
    alone = [tokenizer.encode_batch([text]).ids for text in texts[:200]]
    assert np.concatenate(alone).tolist() == cold.ids[: cold.offsets[200]].tolist()


def test_forgetting_units_changes_nothing(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from packing.tokenizers import cpu

    texts = random_texts(4000, seed=5)
    expected = load(small).encode_batch(texts)
    monkeypatch.setattr(cpu, "_FIRST_BITS", (4, 3))
    monkeypatch.setattr(cpu, "_FIRST_POOL", 64)
    monkeypatch.setattr(cpu, "_MOST_BITS", (6, 5))
    monkeypatch.setattr(cpu, "_MOST_POOL", 256)
    assert_same(load(small).encode_batch(texts), expected, texts)


def test_text_comes_back(small: Path) -> None:
    tokenizer = load(small, specials="text")
    texts = [text for text in random_texts(1000, seed=6) if "\u2581" not in text]
    tokens = tokenizer.encode_batch(texts)
    for row, text in enumerate(texts):
        assert tokenizer.decode(tokens.document(row)) == text


@pytest.mark.parametrize("name", ["llama2", "mistral_json", "mistral_model", "cl100k"])
@pytest.mark.parametrize("specials", ["parse", "text"])
def test_published_tokenizers_on_random_texts(
    request: pytest.FixtureRequest, name: str, specials: str
) -> None:
    path = request.getfixturevalue(name)
    texts = random_texts(6000, seed=7)
    tokenizer, reference = (
        load(path, specials=specials),
        load(path, backend="reference", specials=specials),
    )
    assert tokenizer.engine != reference.engine
    assert_same(tokenizer.encode_batch(texts), reference.encode_batch(texts), texts)


@pytest.mark.parametrize("name", ["llama2", "mistral_model", "cl100k"])
def test_published_tokenizers_on_real_texts(
    request: pytest.FixtureRequest, shared_data: Path, name: str
) -> None:
    path = request.getfixturevalue(name)
    texts = list(real_texts(shared_data, ("arxiv", "stack", "html", "benchmarks"), 250_000))
    tokenizer, reference = load(path), load(path, backend="reference")
    assert_same(tokenizer.encode_batch(texts), reference.encode_batch(texts), texts)
    assert tokenizer.decode(tokenizer.encode_batch(texts[:1]).ids) == texts[0]


@pytest.mark.parametrize("way", ["numpy", pytest.param("torch", marks=needs_torch)])
def test_tensors_agree_with_the_compiled_loops(llama2: Path, shared_data: Path, way: str) -> None:
    texts = list(real_texts(shared_data, ("arxiv", "stack"), 200_000)) + random_texts(1000, seed=8)
    compiled = encoder(llama2, "compiled")(texts)
    assert_same(encoder(llama2, way)(texts), compiled, texts)


def test_llama2_agrees_with_another_implementation(llama2: Path) -> None:
    tokenizer = load(llama2)
    for text, ids in json.loads((llama2.parent / "gold_ids.json").read_text(encoding="utf-8")):
        assert tokenizer.encode_batch([text]).ids.tolist() == ids[1:], text
