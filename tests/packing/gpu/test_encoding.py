"""Tokens on a device are those of the other paths; here the device is torch's CPU."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from packing.tokenizers import Texts, UnsupportedTokenizerError, load

from ..tokenizers.texts_to_try import random_texts, real_texts

torch = pytest.importorskip("torch", reason="torch (the extra `gpu`) is not installed")

from packing.gpu.encoding import DeviceTokenizer  # noqa: E402


def test_tokens_on_the_device_are_the_same(small: Path) -> None:
    texts = Texts.of([*random_texts(3000, seed=31), "", "the <s> theorem", "a\u2581b", ""])
    on_device = DeviceTokenizer(small, device="cpu").encode(texts)
    expected = load(small, backend="reference").encode_batch(texts)
    assert on_device.ids.dtype == torch.int32
    assert on_device.offsets.tolist() == expected.offsets.tolist()
    assert on_device.ids.tolist() == expected.ids.tolist()


@pytest.mark.parametrize("texts", [[], [""], ["", "<s>", ""]])
def test_little_and_nothing(small: Path, texts: list[str]) -> None:
    on_device = DeviceTokenizer(small, device="cpu").encode(Texts.of(texts))
    expected = load(small, backend="reference").encode_batch(texts)
    assert on_device.ids.tolist() == expected.ids.tolist()
    assert on_device.offsets.tolist() == expected.offsets.tolist()


def test_specials_can_be_left_text(small: Path) -> None:
    texts = Texts.of(["a<s>b", "</s>"])
    on_device = DeviceTokenizer(small, device="cpu", parse_specials=False).encode(texts)
    expected = load(small, backend="reference", specials="text").encode_batch(texts)
    assert on_device.ids.tolist() == expected.ids.tolist()


def test_a_file_of_another_kind_is_refused(cl100k: Path) -> None:
    with pytest.raises(UnsupportedTokenizerError, match="tiktoken"):
        DeviceTokenizer(cl100k, device="cpu")


@pytest.mark.parametrize("name", ["llama2", "mistral_model"])
def test_published_tokenizers(request: pytest.FixtureRequest, shared_data: Path, name: str) -> None:
    path = request.getfixturevalue(name)
    texts = Texts.of(list(real_texts(shared_data, ("arxiv", "stack", "html"), 100_000)))
    tokenizer = DeviceTokenizer(path, device="cpu")
    expected = load(path, backend="cpu").encode_batch(texts)
    for _ in range(2):  # cold, then warm
        on_device = tokenizer.encode(texts)
        assert np.array_equal(on_device.ids.numpy(), expected.ids)
        assert np.array_equal(on_device.offsets.numpy(), expected.offsets)


def test_the_gpu_is_used_where_there_is_one(small: Path) -> None:
    engine = load(small).engine
    assert ("torch" in engine) == torch.cuda.is_available()


def test_tokenizing_on_the_cpu_does_not_load_torch(small: Path) -> None:
    code = (
        "import sys; from packing.tokenizers import load;"
        f"load({str(small)!r}, backend='cpu').encode_batch(['the']); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
