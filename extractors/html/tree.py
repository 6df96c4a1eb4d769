"""A page as a light tree of Python objects.

libxml2 parses, and its events build the tree: no tree of libxml2's own is made, since every later
step reads and changes nodes from Python, where an lxml proxy costs more on each access than the
object costs in all. Nothing here or above recurses over the tree.
"""

from __future__ import annotations

import operator
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lxml import etree

from extractors.html.errors import UnparsablePageError
from extractors.html.name_sets import names

__all__ = ["Element", "Tree", "parse_html", "parse_tree"]

_MAX_DEPTH = 512
"""Elements that would nest deeper stand beside each other, as in Chromium's parser, which has this
limit too."""

_MAX_TAGS = 400_000
"""A page with more is read as text alone: a tag in a dozen bytes is no markup of a text."""

_MAX_ELEMENTS = 120_000
"""Elements that a tree holds; what a page holds beyond that is kept as text alone."""

_MEDIA = names("svg iframe object embed canvas audio video map select option datalist applet")
"""Elements whose content is never text of the page; only MathJax draws formulas with SVG."""

_STRUCTURE = names("html body table thead tbody tfoot tr ul ol dl")
_TEXTLESS = frozenset({"style", "colgroup", "col"})
_DROPPED = names("style link meta base source track param col colgroup head")
_NO_PROSE = frozenset({"script", "style"})
_PICKY = _DROPPED | _MEDIA | names("script mjx-assistive-mml")
"""What the builder looks at twice."""

_COLOURING = names("span code b i em strong a font var kbd samp tt")
"""What may stand in preformatted text that is taken as one string."""

_MATH_SCRIPT = re.compile(r"math/|text/(?:x-)?(?:tex|latex)|text/x-mathjax-config", re.IGNORECASE)
_TEMPLATE = re.compile(r"(</?)(?:template|frameset)\b", re.IGNORECASE)
Attributes = dict[str, str]
_NO_ATTRIBUTES: Attributes = {}


class Element:
    """An element; its children are elements and strings in page order.

    Attributes:
        tag: Tag name in lower case, a namespace prefix included (``mml:mi``).
        attributes: Attribute values by name. May be shared between elements: replace, don't change.
        children: Child elements and text.
        parent: The element around this one.
        number: Its place among the elements of its tree, in page order.
        end: The place behind the last element below it.
    """

    __slots__ = ("attributes", "children", "end", "number", "parent", "tag")

    def __init__(
        self,
        tag: str,
        attributes: Attributes = _NO_ATTRIBUTES,
        parent: Element | None = None,
        number: int = 0,
    ) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children: list[Element | str] = []
        self.parent = parent
        self.number = number
        self.end = number + 1

    def __repr__(self) -> str:
        return f"<{self.tag} {self.attributes}>"

    def get(self, name: str) -> str:
        """The attribute's value, empty when the element has none."""
        return self.attributes.get(name, "")

    def walk(self) -> Iterator[Element]:
        """This element and all below it, in page order."""
        stack = [self]
        while stack:
            element = stack.pop()
            yield element
            stack.extend([c for c in reversed(element.children) if c.__class__ is Element])

    def text(self) -> str:
        """All text below this element, joined as it stands."""
        if len(self.children) == 1 and isinstance(self.children[0], str):
            return self.children[0]
        parts: list[str] = []
        stack: list[Element | str] = list(reversed(self.children))
        while stack:
            node = stack.pop()
            if isinstance(node, str):
                parts.append(node)
            elif node.children:
                stack.extend(reversed(node.children))
        return "".join(parts)

    def elements(self) -> list[Element]:
        """The child elements, without the text between them."""
        return [child for child in self.children if isinstance(child, Element)]

    def remove(self) -> None:
        """Takes this element out of its parent."""
        if self.parent is not None:
            self.parent.children = [c for c in self.parent.children if c is not self]


@dataclass(slots=True)
class Tree:
    """A page's elements, as a tree and in page order.

    Attributes:
        root: The outermost element.
        elements: All elements in page order. Numbers grow along it, with gaps where elements were
            taken out.
        size: One more than the greatest number.
        untagged: Whether the page was too large a tree to be built: its tags were taken out.
    """

    root: Element
    elements: list[Element]
    size: int
    _made: list[Element]
    untagged: bool = False

    @classmethod
    def of(cls, root: Element) -> Tree:
        """The tree below a root."""
        tree = cls(root, [], 0, [])
        tree.renumber()
        return tree

    def renumber(self) -> None:
        """Takes the elements anew, after the tree was changed from within."""
        elements = list(self.root.walk())
        for number, element in enumerate(elements):
            element.number = number
            element.end = number + 1
        for element in reversed(elements):
            parent = element.parent
            if parent is not None and parent.end < element.end:
                parent.end = element.end
        self._made += elements
        self.elements = elements
        self.size = len(elements)

    def below(self, element: Element) -> list[Element]:
        """The element and all below it, in page order."""
        return self.elements[self._place(element.number) : self._place(element.end)]

    def remove(self, element: Element) -> None:
        """Takes an element out, and all below it."""
        element.remove()
        del self.elements[self._place(element.number) : self._place(element.end)]

    def dissolve(self) -> None:
        """Cuts the elements from those around them; what is below an element stays below it.

        A tree is one large cycle, which only the garbage collector frees: its search costs a third
        of the time in which the tree is built (measured).
        """
        for element in self._made:
            element.parent = None

    def _place(self, number: int) -> int:
        return bisect_left(self.elements, number, key=_NUMBER)


_NUMBER = operator.attrgetter("number")


def parse_tree(text: str) -> Tree:
    """Parses a page.

    Scripts without mathematics, styles and what else can't hold text are left out; ``<template>``
    reads as ``<div>``, since its content is what the page shows once scripts have run.

    Raises:
        UnparsablePageError: The parser gave no tree.
    """
    if "emplate" in text or "EMPLATE" in text or "rameset" in text or "RAMESET" in text:
        text = _TEMPLATE.sub(r"\1div", text)
    untagged = text.count("<") > _MAX_TAGS
    try:
        tree = None if untagged else _built(text)
        if tree is None:
            untagged = True
            tree = _built(_without_tags(text))
    except etree.XMLSyntaxError as error:
        if text.strip() and "Document is empty" not in str(error):
            raise UnparsablePageError(str(error)) from error
        tree = None
    tree = tree or Tree.of(Element("html"))
    tree.untagged = untagged
    return tree


def parse_html(text: str) -> Element:
    """The root of a parsed page, as :func:`parse_tree` gives it."""
    return parse_tree(text).root


def _built(text: str) -> Tree | None:
    """The page's tree; nothing when there is none, or a limit stopped the parser before the end."""
    parser = etree.HTMLParser(
        target=_Builder(text),
        encoding="utf-8",
        huge_tree=True,
        remove_comments=True,
        remove_pis=True,
        recover=True,
    )
    tree: Tree | None = etree.fromstring(text.encode("utf-8", "replace"), parser)
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        return None
    return tree


def _without_tags(text: str) -> str:
    """The text between tags, scripts and styles left out."""
    for name in ("script", "style"):
        pieces: list[str] = []
        position = 0
        lower = text.lower()
        while (start := lower.find(f"<{name}", position)) >= 0:
            end = lower.find(f"</{name}", start)
            if end < 0:
                break
            pieces.append(text[position:start])
            position = end
        pieces.append(text[position:])
        text = " ".join(pieces)
    return _ANY_TAG.sub(" ", text)


_ANY_TAG = re.compile(r"<[a-zA-Z/!][^<>]*>")


class _Builder:
    """Builds the tree from the parser's events (https://lxml.de/parsing.html#the-target-parser).

    What isn't wanted is put aside: within it only the depth is counted and, where its text is
    wanted, pieces of text are gathered.

    Args:
        page: The page's markup.
    """

    def __init__(self, page: str) -> None:
        self._page = page
        self._elements: list[Element] = []
        self._around = Element("")  # what the root is a child of
        self._element = self._around
        self._deepest = self._around  # what elements beyond the greatest depth are children of
        self._texts: list[str] = []
        # The parser gives one text in several pieces; this takes them without a call of Python's.
        self.data: Callable[[str], None] = self._texts.append
        self._depth = 0
        self._too_deep = 0
        self._left = _MAX_ELEMENTS
        self._line_numbers: bool | None = None
        self._has_katex = "katex-html" in page
        self._aside = 0  # the depth within what is put aside
        self._pieces: list[str] | None = None
        self._is_mute = False
        self._is_head = False
        self._last_aside = 0

    def start(self, tag: str, attributes: Attributes) -> None:
        """An element begins."""
        if self._aside:
            self._start_aside(tag, attributes)
            return
        outer = self._element
        texts = self._texts
        if texts:
            text = texts[0] if len(texts) == 1 else "".join(texts)
            texts.clear()
            # Between rows and items white space is layout of the markup, nothing else.
            if outer.tag not in _STRUCTURE or not text.isspace():
                outer.children.append(text)
        self._left -= 1
        if self._left < 0:
            self._put_aside([], tag)
        elif (tag in _PICKY and self._is_unwanted(tag, attributes)) or (
            tag == "span" and self._has_katex and self._draws_mathml(attributes)
        ):
            pass
        else:
            if self._depth < _MAX_DEPTH:
                self._depth += 1
            else:
                if self._too_deep == 0:
                    self._deepest = outer
                self._too_deep += 1
                outer = self._deepest
            elements = self._elements
            element = Element(tag, attributes or _NO_ATTRIBUTES, outer, len(elements))
            elements.append(element)
            outer.children.append(element)
            self._element = element

    def end(self, tag: str) -> None:
        """An element ends."""
        if self._aside:
            self._end_aside(tag)
            return
        element = self._element
        texts = self._texts
        if texts:
            text = texts[0] if len(texts) == 1 else "".join(texts)
            texts.clear()
            if element.tag not in _STRUCTURE or not text.isspace():
                element.children.append(text)
        if self._too_deep:
            self._too_deep -= 1
            self._element = self._deepest
            return
        self._depth -= 1
        element.end = len(self._elements)
        if tag == "pre":
            self._end_preformatted(element)
        self._element = element.parent or self._around

    def close(self) -> Tree | None:
        """The tree, when the page is read."""
        if not self._elements:
            return None
        root = self._elements[0]
        root.parent = None
        root.attributes = _NO_ATTRIBUTES
        # Builder and parser hold each other until garbage is collected; not the tree with them.
        self._around = self._element = self._deepest = Element("")
        elements, self._elements = self._elements, []
        return Tree(root, elements, len(elements), list(elements))

    def _is_unwanted(self, tag: str, attributes: Attributes) -> bool:
        """Puts aside what is no part of the tree."""
        if tag == "head":
            self._is_head = True
            self._put_aside(None, tag)
        elif tag in _DROPPED:
            # The parser gives these what follows as children in broken markup.
            self._put_aside(None if tag in _TEXTLESS else [], tag)
        elif tag == "script":
            if _MATH_SCRIPT.search(attributes.get("type", "")):
                return False
            self._put_aside(None, tag)
        elif tag == "mjx-assistive-mml":
            self._drop_drawing_before()
            return False
        elif tag == "svg" and "data-mml-node" in self._page:
            return False
        else:
            self._put_aside(None, tag)
        return True

    def _draws_mathml(self, attributes: Attributes) -> bool:
        """Puts aside KaTeX's boxes where the MathML that they draw stands before them."""
        if attributes.get("class") != "katex-html":
            return False
        before = next((c for c in reversed(self._element.children) if isinstance(c, Element)), None)
        if before is None or before.end == before.number + 1:
            return False
        if self._elements[before.number + 1].tag != "math":
            return False
        self._put_aside(None, "span")
        return True

    def _drop_drawing_before(self) -> None:
        """Takes out the drawing of the formula whose MathML begins here."""
        children = self._element.children
        for place in range(len(children) - 1, -1, -1):
            before = children[place]
            if isinstance(before, Element):
                if before.tag == "mjx-math" or before.tag == "svg":
                    self._forget(before.number)
                    del children[place]
                return

    def _forget(self, number: int) -> None:
        """Gives up the elements from a number on."""
        for element in self._elements[number:]:
            element.parent = None
        del self._elements[number:]

    def _put_aside(self, pieces: list[str] | None, tag: str) -> None:
        self._aside = 1
        self._pieces = pieces
        self._is_mute = tag in _NO_PROSE
        self._last_aside = len(self._elements)

    def _start_aside(self, tag: str, attributes: Attributes) -> None:
        self._take_aside()
        self._aside += 1
        self._is_mute = tag in _NO_PROSE
        # A page that begins with a formula has it in its head.
        if (
            self._is_head
            and self._aside == 2
            and (
                tag == "title"
                or (tag == "script" and _MATH_SCRIPT.search(attributes.get("type", "")))
            )
        ):
            element = Element(tag, attributes or _NO_ATTRIBUTES, self._element, len(self._elements))
            self._elements.append(element)
            self._element.children.append(element)
            self._pieces = []
            self._is_mute = False

    def _end_aside(self, tag: str) -> None:
        self._take_aside()
        self._is_mute = False
        self._aside -= 1
        if self._is_head:
            if self._aside == 1 and self._pieces is not None:
                self._elements[-1].children.append("".join(self._pieces))
                self._pieces = None
            self._is_head = self._aside > 0
        elif self._aside == 0 and self._pieces:
            self._element.children.append(" ".join(self._pieces))

    def _take_aside(self) -> None:
        if self._pieces is not None and self._texts and not self._is_mute:
            self._pieces.append("".join(self._texts))
        self._texts.clear()

    def _has_line_numbers(self) -> bool:
        if self._line_numbers is None:
            marks = ("lineno", "gutter", "line-number")
            self._line_numbers = any(mark in self._page for mark in marks)
        return self._line_numbers

    def _end_preformatted(self, pre: Element) -> None:
        """Makes one string of preformatted text that holds nothing but marks of its colours."""
        inside = self._elements[pre.number + 1 :]
        if (
            self._last_aside > pre.number
            or not all(element.tag in _COLOURING for element in inside)
            or self._has_line_numbers()
        ):
            return
        text = pre.text()
        children = pre.elements()
        holder = pre
        if len(children) == 1 and children[0].tag == "code":
            holder = children[0]  # its class names the language
            holder.end = holder.number + 1
            pre.children = [holder]
        holder.children = [text]
        self._forget(holder.number + 1)
        pre.end = len(self._elements)
        self._left += len(inside)
