"""How deep a page is nested."""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser

__all__ = ["depth_of"]


def depth_of(tree: LexborHTMLParser) -> int:
    """How deep the page's elements are nested."""
    deepest = depth = 0
    root = tree.root
    node = root.first_child if root is not None else None
    while node is not None:
        below = node.first_child
        if below is not None:
            depth += 1
            deepest = max(deepest, depth)
            node = below
            continue
        while node is not None and node.next is None:
            depth -= 1
            node = node.parent if depth >= 0 else None
        node = node.next if node is not None else None
    return deepest
