"""Which part of a page is its content.

Boilerplate is taken out first: by tag and role, by class and id, and by the share of links. Then
the element is sought that holds the bulk of the running text. What stands beside it is kept only
where it reads as content: with formulas, as the page's heading, or as paragraphs (an abstract
above the article, answers below the question).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

from extractors.html.blocks import BLOCKS
from extractors.html.boilerplate import (
    DROPPED_ROLES,
    DROPPED_TAGS,
    NameKind,
    hides_by_class,
    hides_by_style,
    is_content_name,
    name_kind,
)
from extractors.html.formulas import OPEN
from extractors.html.name_sets import names
from extractors.html.tree import Element, Tree

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
_NAMED_OTHERWISE = names("p h1 a body")
"""Elements whose names never make them boilerplate."""

_LINKS = 30
"""Characters in links up to which nothing is a list of links."""

_SECTIONS = names("section article")
_CONTAINERS = names("div section article main td span")
_SENTENCE = re.compile(r"[a-z)\]\ue001\u0080-\uffff][.!?:;。！？](?:\s|$|[\"'”’)\]])")


class _Mass:
    """What a subtree holds: characters, characters in links, formulas, running text."""

    __slots__ = ("chars", "good", "has_heading", "links", "math")

    def __init__(
        self, chars: int, links: int, math: int, good: float, *, has_heading: bool
    ) -> None:
        self.chars = chars
        self.links = links
        self.math = math
        self.good = good
        self.has_heading = has_heading


_NOTHING = _Mass(0, 0, 0, 0.0, has_heading=False)

_Masses = list[_Mass]
"""By the elements' numbers."""


def main_content(tree: Tree) -> Element:
    """The page's body with all that is not content taken out."""
    body = next((e for e in tree.root.elements() if e.tag == "body"), tree.root)
    elements = _without_controls(tree.below(body))
    masses = _weigh(elements, tree.size)
    elements = _prune(elements, masses)
    _narrow(body, masses, _path_to_declared(elements, masses))
    return body


def _without_controls(elements: list[Element]) -> list[Element]:
    """Takes out controls, media and navigation: what holds no text of the page's own."""
    kept: list[Element] = []
    dropped: list[Element] = []
    end = 0
    for element in elements:
        if element.number < end:
            continue
        if element.tag in DROPPED_TAGS or element.attributes.get("role") in DROPPED_ROLES:
            dropped.append(element)
            end = element.end
        else:
            kept.append(element)
    _take_out(dropped)
    return kept


def _take_out(dropped: list[Element]) -> None:
    """Takes elements out of their parents; a space stands for each."""
    ids = set(map(id, dropped))
    parents = {id(e.parent): e.parent for e in dropped if e.parent is not None}
    for parent in parents.values():
        parent.children = [" " if id(child) in ids else child for child in parent.children]


def _weigh(elements: list[Element], size: int) -> _Masses:
    """Weighs every element, children before parents."""
    masses = [_NOTHING] * size
    for element in reversed(elements):
        own = chars = links = math = 0
        good = 0.0
        has_block = has_heading = False
        for child in element.children:
            if isinstance(child, str):
                length = len(child.strip())
                own += length
                chars += length
                if OPEN in child:
                    formulas = child.count(OPEN)
                    math += formulas
                    chars += _FORMULA_CHARS * formulas
            else:
                inner = masses[child.number]
                chars += inner.chars
                links += inner.links
                math += inner.math
                good += inner.good
                if inner.has_heading:
                    has_heading = True
                if not has_block and child.tag in BLOCKS:
                    has_block = True
        tag = element.tag
        if tag == "a":
            if "href" in element.attributes:  # others open notes or mark a place
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
        masses[element.number] = _Mass(chars, links, math, good, has_heading=has_heading)
    return masses


def _prune(elements: list[Element], masses: _Masses) -> list[Element]:
    """Takes out boilerplate by name and by links, from the top down.

    Returns:
        The elements that are left.
    """
    total = masses[elements[0].number]
    whole_math, whole_good = total.math, total.good  # the total shrinks as elements go
    kept = elements[:1]
    dropped: list[Element] = []
    end = 0
    for element in islice(elements, 1, None):
        number = element.number
        if number < end:
            continue
        mass = masses[number]
        if (element.attributes or mass.links > _LINKS) and _is_boilerplate(
            element, mass, whole_math, whole_good
        ):
            dropped.append(element)
            end = element.end
            _take_off(mass, element.parent, masses)
        else:
            kept.append(element)
    _take_out(dropped)
    return kept


def _take_off(mass: _Mass, element: Element | None, masses: _Masses) -> None:
    """Lessens the element and all around it by what was dropped from it."""
    if mass.chars == 0:
        return
    while element is not None and (outer := masses[element.number]) is not _NOTHING:
        outer.chars -= mass.chars
        outer.links -= mass.links
        outer.math -= mass.math
        outer.good -= mass.good
        element = element.parent


def _is_boilerplate(element: Element, mass: _Mass, whole_math: int, whole_good: float) -> bool:
    if mass.good > 0.4 * whole_good or (whole_math > 3 and mass.math > 0.4 * whole_math):
        return False
    attributes, tag = element.attributes, element.tag
    if attributes:
        classes = attributes.get("class", "")
        style = attributes.get("style")
        if (
            (classes and hides_by_class(classes))
            or (style and hides_by_style(style))
            or attributes.get("hidden", "false") != "false"
        ):
            return True
        if tag not in _NAMED_OTHERWISE:
            if attributes.get("aria-hidden") == "true" and mass.math == 0:
                return True
            identity = attributes.get("id")
            name = f"{classes} {identity}" if identity else classes
            if name:
                kind = name_kind(name)
                if kind is not NameKind.NOTHING and (
                    (kind is NameKind.CONTROL and mass.math == 0 and not mass.has_heading)
                    or (
                        kind is NameKind.BOILERPLATE
                        and (mass.math < 3 or mass.links > 0.8 * mass.chars)
                        and not _is_prose(mass)
                    )
                    or (kind is NameKind.COMMENTS and whole_math == 0)
                ):
                    return True
    return (
        mass.links > _LINKS
        and mass.math == 0
        and mass.links > 0.66 * mass.chars
        and tag in _LINK_LISTS
        and not mass.has_heading
        and (mass.chars > 120 or tag != "p")
        # Forums set a thread's title as a link in the page's heading.
        and not (element.parent is not None and element.parent.tag == "h1")
    )


def _is_prose(mass: _Mass) -> bool:
    """Whether it's running text without links, which no name makes boilerplate."""
    return mass.good > _PROSE and mass.links < 0.03 * mass.chars


def _path_to_declared(elements: list[Element], masses: _Masses) -> set[int]:
    """Numbers of the elements from the body down to the one that the page calls its article."""
    total = masses[elements[0].number]
    best: Element | None = None
    for element in elements:
        attributes = element.attributes
        if not attributes or element.tag not in _CONTAINERS:
            continue
        classes, identity = attributes.get("class"), attributes.get("id")
        if (
            (classes and is_content_name(classes))
            or (identity and is_content_name(identity))
            or attributes.get("itemprop") == "articleBody"
        ):
            mass = masses[element.number]
            if (
                mass.good >= _DECLARED * total.good
                and mass.math >= 0.9 * total.math
                and (best is None or mass.good >= masses[best.number].good)
            ):
                best = element
    path: set[int] = set()
    while best is not None and best is not elements[0]:
        path.add(best.number)
        best = best.parent
    return path


def _narrow(body: Element, masses: _Masses, path: set[int]) -> None:
    """Goes down to the bulk of the text, dropping what stands beside it and is not content.

    Args:
        body: Where to begin.
        masses: What each element holds.
        path: Numbers of elements to go down to, whatever they hold.
    """
    total_math = masses[body.number].math
    element = body
    while True:
        mass = masses[element.number]
        children = element.elements()
        best = next((child for child in children if child.number in path), None)
        if best is None:
            best = max(children, key=lambda child: masses[child.number].good, default=None)
            if best is None or best.tag in _KEPT_WHOLE or mass.good == 0:
                return
            share = masses[best.number]
            if share.good < _BULK * mass.good or share.math < 0.5 * mass.math:
                return
            if element.tag in _SECTIONS and any(child.tag in _HEADINGS for child in children):
                return  # a section under its heading: what is short in it is content too
        # An article's title stands above its text, whatever headings are in that.
        has_heading = masses[best.number].has_heading and element.tag != "article"
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
                child, masses[child.number], total_math, wants_heading=before and not has_heading
            ):
                kept.append(child)
        element.children = kept
        element = best


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
