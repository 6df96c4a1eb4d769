"""The small tokenizer of the other tests, and a reason to skip where torch is missing."""

from __future__ import annotations

import pytest

from ..tokenizers.conftest import cl100k, llama2, mistral_model, small

__all__ = ["cl100k", "llama2", "mistral_model", "small"]

torch = pytest.importorskip("torch", reason="torch (the extra `gpu`) is not installed")
