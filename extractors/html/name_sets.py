"""Sets of names, written as one reads them: words between spaces."""

from __future__ import annotations

__all__ = ["names"]


def names(*groups: str) -> frozenset[str]:
    """The words of all groups."""
    return frozenset(word for group in groups for word in group.split())
