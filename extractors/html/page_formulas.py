"""All formulas of a page, each replaced in the tree by its placeholder."""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache

from extractors.html.asciimath import asciimath_to_tex
from extractors.html.blocks import is_alone
from extractors.html.delimiters import Delimited, Scanner
from extractors.html.elements import (
    TEX_ATTRIBUTES,
    TEX_ELEMENTS,
    attribute_formula,
    class_formula,
    is_math_class,
    tex_element_formula,
)
from extractors.html.formulas import Formulas, shielded
from extractors.html.images import image_formula
from extractors.html.katex import katex_formula
from extractors.html.latexml import latexml_tex
from extractors.html.mathjax import (
    OUTPUT_CLASSES,
    math_script_formula,
    mathjax_formula,
    source_follows,
)
from extractors.html.mathml import mathml_annotation, mathml_is_display, mathml_to_tex
from extractors.html.name_sets import names
from extractors.html.tex_symbols import tex_with_backslashes
from extractors.html.tree import Element, Tree

__all__ = ["close_open_mathml", "delimited_in_text", "take_delimited", "take_marked"]

_Found = tuple[str, bool, str]

_VERBATIM = names("pre code textarea script style samp kbd tt xmp listing svg")
# What ends MathML wherever it stands (https://html.spec.whatwg.org/#parsing-main-inforeign).
_BREAKOUT = names(
    "b big blockquote center code dd div dl dt em h1 h2 h3 h4 h5 h6 hr i li ol p pre small span"
    " strong sub sup table tt u ul var"
)
_IGNORED_CLASSES = ("tex2jax_ignore", "mathjax_ignore", "no-mathjax", "nomathjax", "nokatex")
_PROCESSED_CLASSES = ("tex2jax_process", "mathjax_process")
_BARRIER = "\ue002"


def close_open_mathml(tree: Tree) -> None:
    """Ends formulas that were never closed where prose begins in them; the rest is the page's."""
    is_changed = False
    for math in tree.elements:
        if math.tag[-4:] != "math" or not _is_mathml(math.tag):
            continue
        children = math.children
        prose = next(
            (i for i, c in enumerate(children) if isinstance(c, Element) and c.tag in _BREAKOUT),
            None,
        )
        if prose is None:
            continue
        formula = Element("math", math.attributes, math)
        formula.children = children[:prose]
        for child in formula.elements():
            child.parent = formula
        math.tag, math.attributes = "span", {}
        math.children = [formula, *children[prose:]]
        is_changed = True
    if is_changed:
        tree.renumber()


def _is_mathml(tag: str) -> bool:
    return tag == "math" or (tag.endswith(":math") and tag != ":math")


def take_marked(tree: Tree, formulas: Formulas, *, tex_page: bool) -> None:
    """Takes the formulas that markup shows: scripts, MathML, images, classes, attributes."""
    kept: list[Element] = []
    places: dict[int, int] = {}  # where among its parent's children the last one looked at stood
    end = 0
    for element in tree.elements:
        if element.number < end:
            continue  # within a formula
        tag, parent = element.tag, element.parent
        if (
            (element.attributes or tag in _FORMULA_TAGS or ":" in tag)
            and parent is not None
            and _might_be_formula(tag, element.attributes)
        ):
            siblings = parent.children
            index = places.get(parent.number, 0)
            while siblings[index] is not element:
                index += 1
            places[parent.number] = index
            replacement = _replacement(element, index, formulas, tex_page)
            if replacement is not None:
                siblings[index] = replacement
                end = element.end
                continue
        kept.append(element)
    tree.elements = kept


_FORMULA_TAGS = TEX_ELEMENTS | names("noscript img image script math mjx-container alternatives")


def _might_be_formula(tag: str, attributes: dict[str, str]) -> bool:
    """Whether :func:`_replacement` has to look at an element with this tag and attributes."""
    if tag in _FORMULA_TAGS or ":" in tag:
        return True
    classes = attributes.get("class")
    return bool(classes and (_is_renderers(classes) or is_math_class(classes))) or (
        not TEX_ATTRIBUTES.isdisjoint(attributes)
    )


def _replacement(element: Element, index: int, formulas: Formulas, tex_page: bool) -> str | None:
    """What stands for the element: a placeholder, nothing (``""``), or ``None`` to look inside.

    Args:
        element: The element.
        index: Its place among its parent's children.
        formulas: Takes the formula in.
        tex_page: Whether the page loads a renderer of mathematics.
    """
    tag = element.tag
    attributes = element.attributes
    found: _Found | None = None
    if tag == "noscript":
        return "" if _repeats_image(element, index) else None
    if tag == "img" or tag == "image":
        found = image_formula(element)
        return _placeholder(found, formulas) if found else None
    if tag == "script":
        found = math_script_formula(element)
        return _placeholder(found, formulas) if found else ""
    if _is_mathml(tag):
        return _placeholder(_mathml(element), formulas)
    if tag == "mjx-container":
        found = mathjax_formula(element)
        return _placeholder(found, formulas) if found else None
    if tag == "alternatives":
        return _placeholder_or_none(_alternatives(element), formulas)
    if tag in TEX_ELEMENTS:
        found = tex_element_formula(element)
        return _placeholder(found, formulas) if found else None
    if not attributes:
        return None
    classes = attributes.get("class")
    if classes:
        if _is_renderers(classes):
            decided = _by_renderer(element, index, set(classes.split()), formulas)
            if decided is not None:
                return decided
        if is_math_class(classes):
            found = attribute_formula(element) or class_formula(element, tex_page=tex_page)
            if found:
                return _placeholder(found, formulas)
            return None
    if len(attributes) > (1 if classes else 0):
        found = attribute_formula(element)
        if found:
            return _placeholder(found, formulas)
    return None


def _repeats_image(noscript: Element, index: int) -> bool:
    """Whether it only repeats, for readers without scripts, an image that loads late beside it."""
    if noscript.parent is None or noscript.text().strip():
        return False
    siblings = noscript.parent.children
    for step in (-1, 1):
        for position in range(index + step, index + 4 * step, step):
            if not 0 <= position < len(siblings):
                break
            neighbour = siblings[position]
            if isinstance(neighbour, Element):
                if neighbour.tag == "img":
                    return True
                break
            if neighbour.strip():
                if neighbour.endswith("\ue001"):
                    return True
                break
    return False


@lru_cache(maxsize=1 << 15)
def _is_renderers(classes: str) -> bool:
    return any(part in classes for part in ("katex", "MathJax", "mjx-", "MJX", "mwe-", "ltx_"))


def _placeholder(found: _Found, formulas: Formulas) -> str:
    tex, display, encoding = found
    return formulas.add(tex, display=display, encoding=encoding)


def _by_renderer(element: Element, index: int, classes: set[str], formulas: Formulas) -> str | None:
    if "katex" in classes or "katex-mathml" in classes:
        found = katex_formula(element)
        return _placeholder(found, formulas) if found else None
    if "mwe-math-element" in classes:
        return _placeholder_or_none(_wikipedia(element), formulas)
    if classes & OUTPUT_CLASSES:
        if source_follows(element, index):
            return ""
        if "MathJax_Preview" in classes:
            return None
        return _placeholder_or_none(mathjax_formula(element), formulas)
    return None


def _placeholder_or_none(found: _Found | None, formulas: Formulas) -> str | None:
    return _placeholder(found, formulas) if found else None


def _mathml(math: Element) -> _Found:
    display = mathml_is_display(math)
    if "ltx_" in math.get("class"):
        return latexml_tex(math), display, "latexml"
    tex = mathml_annotation(math)
    if tex.strip():
        return tex, display, "mathml_annotation"
    tex = math.get("alttext")
    if tex.strip():
        return tex, display, "mathml_alttext"
    tex = math.get("data-latex")
    if tex:
        return tex, display, "tex_attribute"
    if not math.elements():
        return tex_with_backslashes(math.text()), display, "mathml_tex"
    return mathml_to_tex(math), display, "mathml"


def _alternatives(element: Element) -> _Found | None:
    """JATS gives a formula as TeX and as MathML: one formula, its TeX if it has any."""
    display = element.parent is not None and element.parent.tag == "disp-formula"
    math: Element | None = None
    for inner in element.walk():
        if inner.tag == "tex-math" and inner.text().strip():
            return inner.text(), display, "tex_element"
        if inner.tag.rpartition(":")[2] == "math":
            math = inner
    if math is None:
        return None
    tex, is_display, encoding = _mathml(math)
    return tex, display or is_display, encoding


def _wikipedia(element: Element) -> _Found | None:
    # The markup says inline for ":<math>" too, which stands indented on its own line.
    display = is_alone(element)
    alternative = ""
    for inner in element.walk():
        classes = inner.get("class")
        if "-display" in classes:
            display = True
        if inner.tag == "math":
            tex = mathml_annotation(inner) or inner.get("alttext") or mathml_to_tex(inner)
            return tex, display or mathml_is_display(inner), "wikipedia"
        if inner.tag in {"img", "meta"} and inner.get("alt"):
            alternative = inner.get("alt")
    return (alternative, display, "wikipedia") if alternative else None


def take_delimited(tree: Tree, formulas: Formulas, scanner: Scanner) -> None:
    """Takes the formulas between delimiters in text, as renderers find them: within one element,
    across line breaks, never in code."""
    known: dict[int, _Reading] = {}
    for element in tree.elements:
        for child in element.children:
            if child.__class__ is str and scanner.might_hold_formulas(child):
                break
        else:
            continue
        reading = _reading(element, known)
        if reading is _Reading.RENDERED:
            _scan_children(element, formulas, scanner)
        elif reading is _Reading.IGNORED:
            element.children = [
                shielded(child) if isinstance(child, str) else child for child in element.children
            ]


class _Reading(Enum):
    """What a renderer does with the text of an element."""

    RENDERED = auto()
    IGNORED = auto()
    VERBATIM = auto()


def _reading(element: Element, known: dict[int, _Reading]) -> _Reading:
    """How the element's text is read, which its own tag and classes say or those around it."""
    path: list[Element] = []
    around: Element | None = element
    reading = _Reading.RENDERED
    while around is not None:
        if around.number in known:
            reading = known[around.number]
            break
        path.append(around)
        around = around.parent
    for inner in reversed(path):
        if inner.tag in _VERBATIM:
            reading = _Reading.VERBATIM
        classes = inner.attributes.get("class")
        if classes and reading is not _Reading.VERBATIM:
            if any(name in classes for name in _IGNORED_CLASSES):
                reading = _Reading.IGNORED
            elif any(name in classes for name in _PROCESSED_CLASSES):
                reading = _Reading.RENDERED
        known[inner.number] = reading
    return reading


def _scan_children(element: Element, formulas: Formulas, scanner: Scanner) -> None:
    """Scans the element's own text, with child elements as barriers and breaks as line ends."""
    pieces: list[str] = []
    for child in element.children:
        if isinstance(child, str):
            pieces.append(child.replace(_BARRIER, ""))
        elif child.tag == "br":
            pieces.append("\n")
        elif child.tag == "wbr":
            pieces.append("\u200b")
        else:
            pieces.append(_BARRIER)
    text = "".join(pieces)
    found = scanner.find(text)
    if not found:
        return
    children: list[Element | str] = []
    kept = iter(found)
    formula = next(kept, None)
    position = 0
    for child, piece in zip(element.children, pieces, strict=True):
        start, end = position, position + len(piece)
        position = end
        cursor = start
        while formula is not None and formula.start < end:
            if formula.start >= start:
                if isinstance(child, str):
                    children.append(text[cursor : formula.start])
                children.append(_take(formula, formulas))
            if formula.end > end:
                cursor = end
                break
            cursor = formula.end
            formula = next(kept, None)
        if cursor == start:
            children.append(child)
        elif cursor < end and isinstance(child, str):
            children.append(text[cursor:end])
    element.children = children


def _take(formula: Delimited, formulas: Formulas) -> str:
    delimiter = formula.delimiter
    tex = formula.tex
    number = _PAGE_INDEX.fullmatch(tex.strip())
    if number is not None:
        return number.group(1)  # LibreTexts writes the numbers of its figures so
    if delimiter.encoding == "asciimath":
        tex = asciimath_to_tex(tex)
    if delimiter.encoding == "dollars" and tex.startswith("latex "):
        tex = tex[6:]
    return formulas.add(tex, display=delimiter.display, encoding=delimiter.encoding)


_PAGE_INDEX = re.compile(r"\\PageIndex\s*\{(\w+)\}")


def delimited_in_text(text: str, formulas: Formulas, scanner: Scanner) -> str:
    """Takes what is left in the written text: formulas that markup had cut into pieces."""
    if not scanner.might_hold_formulas(text):
        return text
    pieces: list[str] = []
    position = 0
    for formula in scanner.find(text):
        pieces.append(text[position : formula.start])
        pieces.append(_take(formula, formulas))
        position = formula.end
    pieces.append(text[position:])
    return "".join(pieces)
