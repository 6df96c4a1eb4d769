"""From documents to what a trainer reads: tokenizers, packers, mixtures, training formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from packing.loader import load

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    # The command's start doesn't wait for what only a loader needs.
    if name == "load":
        from packing.loader import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
