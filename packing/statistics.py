"""What a packing run says of itself: tokens a byte, truncation, padding, lengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from packing.recipe import PackingRecipe
from packing.sequences import SequenceLayout

__all__ = ["packing_statistics"]


def packing_statistics(
    recipe: PackingRecipe,
    layout: SequenceLayout,
    tokenized: Mapping[str, Counter[str]],
    streams: Mapping[str, dict[str, Any]],
    arranged: Mapping[str, dict[str, Any]],
) -> dict[str, Any]:
    """Statistics by source, and over all of them.

    Args:
        recipe: How the documents were packed.
        layout: What a sequence looks like.
        tokenized: Counts of tokenizing.
        streams: Counts of the streams.
        arranged: Counts of the sequences.
    """
    sources = {
        name: _of_source(tokenized.get(name, Counter()), streams[name], arranged[name])
        for name in arranged
    }
    summed = _summed(sources)
    return {
        "packer": recipe.packer,
        "sequence_length": layout.length,
        "row": layout.row,
        "total": _with_rates(summed, layout),
        "sources": {name: _with_rates(found, layout) for name, found in sources.items()},
    }


def _of_source(
    tokenized: Counter[str],
    stream: dict[str, Any],
    arranged: dict[str, Any],
) -> dict[str, Any]:
    return {
        "documents": stream["documents"],
        "skipped": {
            name.partition(":")[2]: count
            for name, count in sorted(tokenized.items())
            if name.startswith("skipped:")
        },
        "text_bytes": tokenized["text_bytes"],
        "text_chars": tokenized["text_chars"],
        "text_tokens": tokenized["tokens"],
        "longest_document": tokenized["longest"],
        "prompts": tokenized["prompts"],
        "stream_tokens": stream["tokens"],
        "sequences": arranged["sequences"],
        "pieces": arranged["pieces"],
        "packed_tokens": arranged["tokens"],
        "padding": arranged["padding"],
        "left_out": arranged["left_out"],
        "documents_that_fit": arranged["fitting"],
        "documents_cut": arranged["cut"],
        "documents_that_fit_cut": arranged["fitting_cut"],
        "cuts_at": dict(arranged["cuts"]),
        "lengths": dict(arranged["lengths"]),
    }


def _summed(sources: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    total: dict[str, Any] = {}
    for found in sources.values():
        for name, value in found.items():
            if isinstance(value, dict):
                counts = Counter(total.get(name, {}))
                counts.update(value)
                total[name] = dict(counts)
            elif name == "longest_document":
                total[name] = max(total.get(name, 0), value)
            else:
                total[name] = total.get(name, 0) + value
    if "lengths" in total:
        total["lengths"] = dict(sorted(total["lengths"].items(), key=lambda item: int(item[0])))
    return total


def _with_rates(found: dict[str, Any], layout: SequenceLayout) -> dict[str, Any]:
    room = found["sequences"] * layout.row
    return {
        **found,
        "tokens_per_byte": _rate(found["text_tokens"], found["text_bytes"]),
        "bytes_per_token": _rate(found["text_bytes"], found["text_tokens"]),
        "utilisation": _rate(room - found["padding"], room),
        "padding_rate": _rate(found["padding"], room),
        "cut_rate": _rate(found["documents_cut"], found["documents"]),
        "avoidable_cut_rate": _rate(found["documents_that_fit_cut"], found["documents_that_fit"]),
    }


def _rate(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0
