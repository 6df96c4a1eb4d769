"""The tokenizers of the other tests; each module says itself that it needs torch."""

from __future__ import annotations

from ..tokenizers.conftest import cl100k, llama2, mistral_model, small

__all__ = ["cl100k", "llama2", "mistral_model", "small"]
