"""Sets of names, written as one reads them: words between spaces."""

from __future__ import annotations

__all__ = ["names"]


def names(*groups: str) -> frozenset[str]:
    """The words of all groups.

    Raises:
        ValueError: A word was cut at its hyphen, as editors that fill lines do.
    """
    words = frozenset(word for group in groups for word in group.split())
    cut = [word for word in words if word.endswith("-")]
    if cut:
        raise ValueError(f"words cut at a hyphen: {cut}")
    return words
