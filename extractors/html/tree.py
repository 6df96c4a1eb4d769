"""A page as a light tree of Python objects.

libxml2 parses; its tree is copied once into plain objects, because every later step reads and
changes nodes from Python, and an lxml proxy costs more on each access than the copy costs in all.
Nothing here or above recurses over the tree: pages nest as deeply as they like.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from extractors.html.errors import UnparsablePageError
from extractors.html.name_sets import names

__all__ = ["Element", "parse_html"]

_MAX_DEPTH = 2048
"""libxml2 stops reading at this depth, so deeper pages are flattened before it sees them."""

_MAX_TAGS = 400_000
"""A page with more is read as text alone: a tag in a dozen bytes is no markup of a text."""

_MAX_ELEMENTS = 120_000
"""Children that are copied; what a page holds beyond that is kept as text alone."""

_MEDIA = names("svg iframe object embed canvas audio video map select option datalist applet")
"""Elements whose content is never text of the page; only MathJax draws formulas with SVG."""

_STRUCTURE = names("html body table thead tbody tfoot tr ul ol dl")
_TEXTLESS = frozenset({"style", "colgroup", "col"})
_DROPPED = names("style link meta base source track param col colgroup head")
_MATH_SCRIPT = re.compile(r"math/|text/(?:x-)?(?:tex|latex)|text/x-mathjax-config", re.IGNORECASE)
_TEMPLATE = re.compile(r"(</?)(?:template|frameset)\b", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)(?:[^<>\"']|\"[^\"]*\"|'[^']*')*?(/?)>")
_VOID = names(
    "area base br col embed hr img input link meta param source track wbr"
)  # https://html.spec.whatwg.org/#void-elements

Attributes = dict[str, str]
_NO_ATTRIBUTES: Attributes = {}


class Element:
    """An element; its children are elements and strings in page order.

    Attributes:
        tag: Tag name in lower case, a namespace prefix included (``mml:mi``).
        attributes: Attribute values by name. May be shared between elements: replace, don't change.
        children: Child elements and text.
        parent: The element around this one.
    """

    __slots__ = ("attributes", "children", "parent", "tag")

    def __init__(
        self, tag: str, attributes: Attributes = _NO_ATTRIBUTES, parent: Element | None = None
    ) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children: list[Element | str] = []
        self.parent = parent

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

    def replace_child(self, old: Element, new: Element | str) -> None:
        """Puts ``new`` where ``old`` is."""
        for index, child in enumerate(self.children):
            if child is old:
                self.children[index] = new
                return

    def remove(self) -> None:
        """Takes this element out of its parent."""
        if self.parent is not None:
            self.parent.children = [c for c in self.parent.children if c is not self]


def parse_html(text: str) -> Element:
    """Parses a page.

    Scripts without mathematics, styles and what else can't hold text are left out; ``<template>``
    reads as ``<div>``, since its content is what the page shows once scripts have run.

    Raises:
        UnparsablePageError: The parser gave no tree.
    """
    if "emplate" in text or "EMPLATE" in text or "rameset" in text or "RAMESET" in text:
        text = _TEMPLATE.sub(r"\1div", text)
    if text.count("<") > _MAX_TAGS:
        text = _without_tags(text)
    source = _parse(text)
    if source is None:
        return Element("html")
    return _copy(source, text)


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


def _parse(text: str) -> etree._Element | None:
    parser = _parser()
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
        if root is not None and not _cut_short(parser):
            return root
        if root is not None or text.strip():
            parser = _parser()
            return etree.fromstring(_flatten(text).encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        if not text.strip() or "Document is empty" in str(error):
            return None
        raise UnparsablePageError(str(error)) from error
    return None


def _parser() -> etree.HTMLParser:
    return etree.HTMLParser(
        encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True, recover=True
    )


def _cut_short(parser: etree.HTMLParser) -> bool:
    return any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log)


def _flatten(text: str) -> str:
    """Drops the tags that would nest deeper than the parser reads; their text stays."""
    limit = _MAX_DEPTH // 4
    depth = 0
    pieces: list[str] = []
    position = 0
    for match in _TAG.finditer(text):
        closing, name, self_closing = match.groups()
        if self_closing or name.lower() in _VOID:
            continue
        depth += -1 if closing else 1
        depth = max(depth, 0)
        if depth > limit - (1 if closing else 0):
            pieces.append(text[position : match.start()])
            pieces.append(" ")
            position = match.end()
    pieces.append(text[position:])
    return "".join(pieces)


def _copy(source: etree._Element, page: str) -> Element:
    root = Element(source.tag)
    stack: list[tuple[etree._Element, Element]] = [(source, root)]
    left = _MAX_ELEMENTS
    has_drawn_formulas = "data-mml-node" in page
    has_line_numbers = "lineno" in page or "gutter" in page or "line-number" in page
    while stack:
        original, element = stack.pop()
        children = element.children
        # Between rows and items white space is layout of the markup, nothing else.
        keeps_space = element.tag not in _STRUCTURE
        text = original.text
        if text and (keeps_space or not text.isspace()):
            children.append(text)
        for child in original:
            left -= 1
            if left < 0:
                children.append(_text_of(child, *child.itersiblings()))
                break
            tag = child.tag
            if tag in _DROPPED:
                if tag == "head":
                    _copy_head(child, element)
                elif tag not in _TEXTLESS and (len(child) or child.text):
                    # The parser gives these what follows as children in broken markup.
                    children.append(_text_of(child))
            elif (tag in _MEDIA and (tag != "svg" or not has_drawn_formulas)) or (
                tag == "script" and not _MATH_SCRIPT.search(child.get("type", ""))
            ):
                pass
            else:
                items = child.items()
                attributes = dict(items) if items else _NO_ATTRIBUTES
                if (
                    tag == "mjx-math"
                    or tag == "svg"
                    or (tag == "span" and attributes.get("class") == "katex-html")
                ) and _repeats_mathml(child, tag):
                    text = child.tail
                    if text:
                        children.append(text)
                    continue
                copy = Element(tag, attributes, element)
                children.append(copy)
                if tag == "pre" and not has_line_numbers and _is_plain(child):
                    _copy_plain(child, copy)
                else:
                    stack.append((child, copy))
            text = child.tail
            if text and (keeps_space or not text.isspace()):
                children.append(text)
    return root


def _is_plain(pre: etree._Element) -> bool:
    """Whether preformatted text holds nothing but text and marks of its colours."""
    return all(element.tag in _COLOURING for element in pre.iterdescendants())


def _copy_plain(pre: etree._Element, copy: Element) -> None:
    """Takes preformatted text as one string, with the element that names its language."""
    text = "".join(pre.itertext())
    if len(pre) == 1 and pre[0].tag == "code":
        code = Element("code", dict(pre[0].items()), copy)
        code.children.append(text)
        copy.children.append(code)
    else:
        copy.children.append(text)


_COLOURING = names("span code b i em strong a font var kbd samp tt")


def _repeats_mathml(drawing: etree._Element, tag: str) -> bool:
    """Whether the element only draws, box by box, the MathML that stands beside it."""
    if tag == "span":
        source = drawing.getprevious()
        return source is not None and len(source) > 0 and source[0].tag == "math"
    source = drawing.getnext()
    return source is not None and source.tag == "mjx-assistive-mml"


def _copy_head(source: etree._Element, parent: Element) -> None:
    """The title; and formulas, which end up in the head of a page that begins with them."""
    for child in source:
        if child.tag == "title" or (
            child.tag == "script" and _MATH_SCRIPT.search(child.get("type", ""))
        ):
            copy = Element(child.tag, dict(child.items()), parent)
            copy.children.append("".join(child.itertext()))
            parent.children.append(copy)


def _text_of(*sources: etree._Element) -> str:
    """The text of elements, a space between its pieces."""
    pieces: list[str] = []
    for source in sources:
        for element in source.iter():
            if element.text and element.tag not in _NO_PROSE:
                pieces.append(element.text)
            if element.tail and element is not source:
                pieces.append(element.tail)
        if len(sources) > 1 and source.tail:
            pieces.append(source.tail)
    return " ".join(pieces)


_NO_PROSE = frozenset({"script", "style"})
