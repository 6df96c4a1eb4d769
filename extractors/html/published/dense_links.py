"""Blocks that are hardly more than links.

Source: keirp/OpenWebMath @98f81d0, text_extraction/text_extract/tree_processing.py (spec section
1.3 d). The original takes each block's text anew, which is quadratic in the depth of a page; here
one walk adds up lengths.
"""

from __future__ import annotations

from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

__all__ = ["dense_links"]

_BLOCKS = frozenset(("ul", "ol", "div", "span", "nav", "table", "p"))
# Links of more than this share of a block's text make it a list of links.
_LINK_RATIO = 0.8


@dataclass(slots=True)
class _Length:
    """How long a text is with and without the white space around it.

    Attributes:
        whole: Characters.
        before: White space at its beginning; all of it, when there is nothing else.
        after: White space at its end, likewise.
    """

    whole: int = 0
    before: int = 0
    after: int = 0

    @classmethod
    def of(cls, text: str) -> _Length:
        return cls(len(text), len(text) - len(text.lstrip()), len(text) - len(text.rstrip()))

    @property
    def stripped(self) -> int:
        return self.whole - self.before - self.after if self.before < self.whole else 0

    def append(self, other: _Length) -> None:
        if self.before == self.whole:
            self.before += other.before
        self.after = other.after if other.before < other.whole else self.after + other.whole
        self.whole += other.whole


@dataclass(slots=True)
class _Open:
    """An element whose children are being added up."""

    node: LexborNode
    length: _Length
    children: int = 0
    texts: int = 0
    links: int = 0


def dense_links(tree: LexborHTMLParser) -> list[LexborNode]:
    """Lists, divisions, tables and paragraphs of two or more children that are mostly links."""
    found: list[LexborNode] = []
    root = tree.root
    if root is None:
        return found
    stack = [_Open(root, _Length())]
    node: LexborNode | None = root.first_child
    while stack:
        if node is None:
            closed = stack.pop()
            tag = closed.node.tag
            if (
                tag in _BLOCKS
                and closed.children > 1
                and closed.texts
                and closed.links / closed.texts > _LINK_RATIO
            ):
                found.append(closed.node)
            if stack:
                above = stack[-1]
                above.length.append(closed.length)
                above.texts += closed.length.stripped
                above.links += closed.links + (closed.length.stripped if tag == "a" else 0)
            node = closed.node.next
            continue
        if node.is_element_node:
            stack[-1].children += 1
            stack.append(_Open(node, _Length()))
            node = node.first_child
            continue
        text = (node.comment_content or "") if node.is_comment_node else node.text()
        above = stack[-1]
        # What was taken out left an empty text behind.
        if text or node.is_comment_node:
            above.children += 1
            above.texts += len(text.strip())
        if text and not node.is_comment_node:
            above.length.append(_Length.of(text))
        node = node.next
    return found
