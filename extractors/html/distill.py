"""Distill's articles: footnotes stand in the sentence that they belong to."""

from __future__ import annotations

from extractors.html.tree import Element

__all__ = ["set_footnotes_apart"]

_FOOTNOTES = frozenset({"d-footnote", "dt-fn"})


def set_footnotes_apart(root: Element) -> None:
    """Puts footnotes in parentheses, which their page shows behind a mark."""
    for element in root.walk():
        if element.tag in _FOOTNOTES and element.text().strip():
            element.children = [" (", *element.children, ")"]
