"""Which part of a page is its content.

Boilerplate is taken out first: by tag and role, by class and id, and by the share of links. Then
the element is sought that holds the bulk of the running text. What stands beside it is kept only
where it reads as content: with formulas, as the page's heading, or as paragraphs (an abstract
above the article, answers below the question).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from extractors.html.blocks import BLOCKS
from extractors.html.boilerplate import (
    DROPPED_ROLES,
    DROPPED_TAGS,
    NameKind,
    hides,
    is_content_name,
    name_kind,
)
from extractors.html.formulas import OPEN
from extractors.html.name_sets import names
from extractors.html.tree import Element

__all__ = ["main_content"]

_BULK = 0.85
"""Share of the running text from which a child stands for its parent."""

_DECLARED = 0.3
"""Share from which an element that is named as the article is believed to be it."""

_FORMULA_CHARS = 12
"""What a formula counts for, in characters of text."""

_PARAGRAPH = 25
"""Shorter blocks count a fifth: they are labels more often than sentences."""

_PROSE = 600
"""Characters of running text from which an element's name isn't believed: forums name posts so."""

_KEPT_WHOLE = names("p table tbody tr pre ul ol dl blockquote")
_LINK_LISTS = names(
    "ul ol div table section aside p span td dl header center li nav font form h5 h6 tr small"
)
_HEADINGS = names("h1 h2 h3 h4 h5 h6")
_CONTAINERS = names("div section article main td span")
_SENTENCE = re.compile(r"[a-z)\]\ue001\u0080-\uffff][.!?:;。！？](?:\s|$|[\"'”’)\]])")


class _Mass:
    """What a subtree holds: characters, characters in links, formulas, running text."""

    __slots__ = ("chars", "good", "has_heading", "links", "math")

    def __init__(self) -> None:
        self.chars = 0
        self.links = 0
        self.math = 0
        self.good = 0.0
        self.has_heading = False


def _is_hidden(attributes: dict[str, str]) -> bool:
    if "hidden" in attributes and attributes["hidden"] != "false":
        return True
    classes = attributes.get("class", "")
    style = attributes.get("style", "")
    return bool((classes or style) and hides(classes, style))


def main_content(root: Element) -> Element:
    """The page's body with all that is not content taken out."""
    body = next((e for e in root.elements() if e.tag == "body"), root)
    masses = _weigh(body)
    _prune(body, masses, masses[id(body)])
    _narrow(body, masses)
    return body


def _is_control(element: Element) -> bool:
    """Whether it's a control, media or navigation: what holds no text of the page's own."""
    if element.tag in DROPPED_TAGS:
        return True
    attributes = element.attributes
    return "role" in attributes and attributes["role"] in DROPPED_ROLES


def _weigh(root: Element) -> dict[int, _Mass]:
    """Weighs every element, taking out controls on the way."""
    masses: dict[int, _Mass] = {}
    order: list[Element] = []
    stack = [root]
    while stack:
        element = stack.pop()
        order.append(element)
        inside = [child for child in element.children if child.__class__ is Element]
        controls = {id(child) for child in inside if _is_control(child)}
        if controls:
            element.children = [
                " " if id(child) in controls else child for child in element.children
            ]
            inside = [child for child in inside if id(child) not in controls]
        stack += inside
    for element in reversed(order):  # children before parents
        mass = _Mass()
        own = chars = links = math = 0
        good = 0.0
        has_block = has_heading = False
        for child in element.children:
            if isinstance(child, str):
                formulas = child.count(OPEN) if OPEN in child else 0
                math += formulas
                length = len(child.strip())
                own += length
                chars += length + _FORMULA_CHARS * formulas
            else:
                inner = masses[id(child)]
                chars += inner.chars
                links += inner.links
                math += inner.math
                good += inner.good
                has_heading = has_heading or inner.has_heading
                has_block = has_block or child.tag in BLOCKS
        tag = element.tag
        if tag == "a" and "href" in element.attributes:  # others open notes or mark a place
            links = chars
            good = 0.0
        elif tag in BLOCKS:
            if not has_block:
                text = chars - links
                good = float(text) if text > _PARAGRAPH and links < 0.5 * chars else 0.2 * text
                good += _FORMULA_CHARS * math
            elif own > _PARAGRAPH:
                good += own
            if tag == "h1" and 0 < chars < 400:
                has_heading = True
        mass.chars, mass.links, mass.math, mass.good = chars, links, math, good
        mass.has_heading = has_heading
        masses[id(element)] = mass
    return masses


def _prune(body: Element, masses: dict[int, _Mass], total: _Mass) -> None:
    """Takes out boilerplate by name and by links, from the top down."""
    whole = _Mass()
    whole.math, whole.good = total.math, total.good  # the total shrinks as elements go
    stack = [body]
    while stack:
        element = stack.pop()
        dropped = False
        kept: list[Element | str] = []
        for child in element.children:
            if isinstance(child, str):
                kept.append(child)
                continue
            mass = masses[id(child)]
            if _is_boilerplate(child, mass, whole):
                dropped = True
                kept.append(" ")
                _take_off(mass, element, masses)
            else:
                kept.append(child)
                if child.children:
                    stack.append(child)
        if dropped:
            element.children = kept


def _take_off(mass: _Mass, element: Element | None, masses: dict[int, _Mass]) -> None:
    """Lessens the element and all around it by what was dropped from it."""
    if mass.chars == 0:
        return
    while element is not None and id(element) in masses:
        outer = masses[id(element)]
        outer.chars -= mass.chars
        outer.links -= mass.links
        outer.math -= mass.math
        outer.good -= mass.good
        element = element.parent


def _is_boilerplate(element: Element, mass: _Mass, total: _Mass) -> bool:
    large = mass.good > 0.4 * total.good or (total.math > 3 and mass.math > 0.4 * total.math)
    if large:
        return False
    attributes = element.attributes
    if attributes and _is_hidden(attributes):
        return True
    if attributes and element.tag not in {"p", "h1", "a", "body"}:
        if attributes.get("aria-hidden") == "true" and mass.math == 0:
            return True
        name = attributes.get("class", "")
        identity = attributes.get("id")
        if identity:
            name = f"{name} {identity}"
        if name:
            kind = name_kind(name)
            if kind is not NameKind.NOTHING and (
                (kind is NameKind.CONTROL and mass.math == 0 and not mass.has_heading)
                or (kind is NameKind.BOILERPLATE and mass.math < 3 and not _is_prose(mass))
                or (kind is NameKind.COMMENTS and total.math == 0)
            ):
                return True
    return (
        mass.links > 30
        and mass.math == 0
        and mass.links > 0.66 * mass.chars
        and element.tag in _LINK_LISTS
        and not mass.has_heading
        and (mass.chars > 120 or element.tag != "p")
    )


def _is_prose(mass: _Mass) -> bool:
    """Whether it's running text without links, which no name makes boilerplate."""
    return mass.good > _PROSE and mass.links < 0.03 * mass.chars


def _narrow(body: Element, masses: dict[int, _Mass]) -> None:
    """Goes down to the bulk of the text, dropping what stands beside it and is not content."""
    total_math = masses[id(body)].math
    path = _path_to_declared(body, masses)
    element = body
    while True:
        mass = masses[id(element)]
        children = element.elements()
        best = next((child for child in children if id(child) in path), None)
        if best is None:
            best = max(children, key=lambda child: masses[id(child)].good, default=None)
            if best is None or best.tag in _KEPT_WHOLE or mass.good == 0:
                return
            share = masses[id(best)]
            if share.good < _BULK * mass.good or share.math < 0.5 * mass.math:
                return
        has_heading = masses[id(best)].has_heading
        is_paragraph = not any(inner.tag in BLOCKS for inner in best.elements())
        before = True
        kept: list[Element | str] = []
        for child in element.children:
            if child is best:
                before = False
                kept.append(child)
            elif isinstance(child, str):
                if OPEN in child or len(child) > 80:
                    kept.append(child)
            elif (is_paragraph and before and child.tag in _HEADINGS) or _reads_as_content(
                child, masses[id(child)], total_math, wants_heading=before and not has_heading
            ):
                kept.append(child)
        element.children = kept
        element = best


def _path_to_declared(body: Element, masses: dict[int, _Mass]) -> set[int]:
    """Ids of the elements from the body down to the one that the page calls its article."""
    total = masses[id(body)]
    best: Element | None = None
    for element in body.walk():
        attributes = element.attributes
        if not attributes or element.tag not in _CONTAINERS:
            continue
        if (
            attributes.get("itemprop") == "articleBody"
            or is_content_name(attributes.get("class", ""))
            or is_content_name(attributes.get("id", ""))
        ):
            mass = masses[id(element)]
            if (
                mass.good >= _DECLARED * total.good
                and mass.math >= 0.9 * total.math
                and (best is None or mass.good >= masses[id(best)].good)
            ):
                best = element
    path: set[int] = set()
    while best is not None and best is not body:
        path.add(id(best))
        best = best.parent
    return path


def _reads_as_content(
    element: Element, mass: _Mass, total_math: int, *, wants_heading: bool
) -> bool:
    """Whether an element beside the main content belongs to it."""
    if mass.chars == 0:
        return False
    if wants_heading and mass.has_heading and mass.chars < 600:
        return True
    if mass.math > 0:
        return mass.links < 0.5 * mass.chars
    if total_math == 0:
        # Without mathematics strictness costs nothing that is wanted, but for what is answered.
        return "question" in element.get("class").split() and mass.links < 0.5 * mass.chars
    if mass.links > 0.25 * mass.chars or mass.good < 140:
        return False
    return _sentences(_texts(element)) >= 2


def _sentences(texts: Iterable[str]) -> int:
    return sum(len(_SENTENCE.findall(text)) for text in texts)


def _texts(element: Element) -> Iterable[str]:
    for inner in element.walk():
        for child in inner.children:
            if isinstance(child, str) and len(child) > 40:
                yield child
