"""MathJax 3 output without assistive MathML: MathML rebuilt from the drawn boxes.

CHTML output mirrors MathML in its tag names (``mjx-mfrac``) and SVG output in ``data-mml-node``;
both name each character by its code point. What the boxes add around that is looked through.
"""

from __future__ import annotations

import re

from extractors.html.name_sets import names
from extractors.html.tree import Element

__all__ = ["rebuild_mathml"]

_TOKENS = frozenset({"mi", "mo", "mn", "mtext", "ms"})
_PLACES = names("base under over num den script root")
_IGNORED = names(
    "nstrut dstrut line surd spacer strut rule tstrut mark ext beg end mid assistive-mml "
    "defs rect mjx-line clip"
)
_CODE_CLASS = re.compile(r"(?:^|\s)mjx-c([0-9A-F]{2,6})(?:\s|$)")
_HEX = re.compile(r"[0-9A-Fa-f]{2,6}\Z")
_HREF_CODE = re.compile(r"-([0-9A-F]{2,6})\Z")
_VARIANTS = {
    "TEX-B": "bold",
    "TEX-BI": "bold-italic",
    "TEX-C": "script",
    "TEX-CB": "bold-script",
    "TEX-F": "fraktur",
    "TEX-FB": "bold-fraktur",
    "TEX-SS": "sans-serif",
    "TEX-T": "monospace",
}


def rebuild_mathml(output: Element) -> Element | None:
    """A ``<math>`` element with what the output draws; nothing when it draws nothing."""
    done: dict[int, list[Element]] = {}
    stack: list[tuple[Element, bool]] = [(output, False)]
    while stack:
        element, ready = stack.pop()
        kind = _kind(element)
        if not ready:
            if kind in _IGNORED:
                continue
            if kind in _TOKENS:
                done[id(element)] = [_token(element, kind)]
                continue
            if kind == "mspace":
                done[id(element)] = [Element("mspace", {"width": _width(element)})]
                continue
            stack.append((element, True))
            stack.extend((child, False) for child in element.elements())
            continue
        parts = [part for child in element.elements() for part in done.pop(id(child), [])]
        done[id(element)] = _built(element, kind, parts)
    math = Element("math")
    _fill(math, done.get(id(output), []))
    return math if math.children and math.text().strip() else None


def _kind(element: Element) -> str:
    if element.tag.startswith("mjx-"):
        return element.tag[4:]
    return element.get("data-mml-node") or element.tag


def _fill(element: Element, children: list[Element]) -> Element:
    element.children = list(children)
    for child in children:
        child.parent = element
    return element


def _row(parts: list[Element]) -> Element:
    if len(parts) == 1:
        return parts[0]
    return _fill(Element("mrow"), parts)


def _width(element: Element) -> str:
    match = re.search(r"width:\s*([\d.]+em)", element.get("style"))
    return match.group(1) if match else ""


def _token(element: Element, kind: str) -> Element:
    characters: list[str] = []
    variant = ""
    for inner in element.walk():
        classes = inner.get("class")
        if inner.tag == "mjx-c" or (inner.tag in {"use", "path"} and inner.tag != "defs"):
            characters.append(_character(inner))
            variant = next((v for name, v in _VARIANTS.items() if name in classes.split()), variant)
            href = inner.get("xlink:href") or inner.get("href")
            if "-TEX-B-" in href:
                variant = "bold"
            elif "-TEX-C-" in href:
                variant = "script"
        elif inner.tag in {"mjx-utext", "text"}:
            characters.append(inner.text())
    text = "".join(characters)
    if not text:
        text = element.text()
    attributes = {"mathvariant": variant} if variant else {}
    if (
        not variant
        and kind == "mi"
        and len(text) == 1
        and text.isascii()
        and text.isalpha()
        and element.tag.startswith("mjx-")
    ):
        attributes = {"mathvariant": "normal"}
    token = Element(kind, attributes)
    token.children = [text]
    return token


def _character(glyph: Element) -> str:
    text = glyph.text()
    if text.strip():
        return text
    code = glyph.get("data-c")
    if not _HEX.match(code):
        match = _CODE_CLASS.search(glyph.get("class")) or _HREF_CODE.search(
            glyph.get("xlink:href") or glyph.get("href")
        )
        if match is None:
            return ""
        code = match.group(1)
    number = int(code, 16)
    return chr(number) if 0x20 <= number < 0x110000 and not 0xD800 <= number < 0xE000 else ""


def _built(element: Element, kind: str, parts: list[Element]) -> list[Element]:
    if kind in _PLACES:
        return [_fill(Element(kind), parts)]
    if not parts:
        return []
    places = {part.tag: part for part in parts if part.tag in _PLACES}
    rest = [part for part in parts if part.tag not in _PLACES]
    if kind == "mfrac":
        if "num" in places:
            return [_of(kind, _inner(places, "num"), _inner(places, "den"))]
        return [_of(kind, *rest[:2])] if len(rest) >= 2 else rest
    if kind == "msqrt":
        return [_fill(Element(kind), [part for part in rest if part.text() != "√"])]
    if kind == "mroot":
        inside = [part for part in rest if part.text() != "√"]
        if "root" in places:
            return [_of(kind, _row(inside), _inner(places, "root"))]
        return [_of(kind, *inside[:2])] if len(inside) >= 2 else inside
    if kind in {"msub", "msup", "msubsup"}:
        return [_scripts(kind, places, rest)]
    if kind in {"munder", "mover", "munderover"}:
        return _limits(element, kind, places, rest)
    if kind in {"mtable", "mtr", "mtd", "mlabeledtr"}:
        return [_fill(Element(kind), parts)]
    if kind in {"mrow", "texatom", "TeXAtom", "mstyle", "inferredMrow"} and len(parts) > 1:
        return [_fill(Element("mrow"), parts)]
    return parts


def _of(tag: str, *children: Element) -> Element:
    return _fill(Element(tag), list(children))


def _inner(places: dict[str, Element], name: str) -> Element:
    place = places.get(name)
    return _row(place.elements()) if place is not None else Element("mrow")


def _scripts(kind: str, places: dict[str, Element], rest: list[Element]) -> Element:
    if "script" in places:
        scripts = places["script"].elements()
        base = _row(rest) if rest else Element("mrow")
    else:
        base = rest[0] if rest else Element("mrow")
        scripts = rest[1:]
    if kind == "msubsup" and len(scripts) >= 2:
        return _of(kind, base, _row(scripts[1:]), scripts[0])  # drawn from the top
    if kind == "msubsup":
        kind = "msup"
    return _of(kind, base, _row(scripts) if scripts else Element("mrow"))


def _limits(
    element: Element, kind: str, places: dict[str, Element], rest: list[Element]
) -> list[Element]:
    if "script" in places:  # limits drawn as scripts
        simple = {"munder": "msub", "mover": "msup", "munderover": "msubsup"}[kind]
        if "base" in places:
            rest = [_inner(places, "base"), *rest]
        return [_scripts(simple, places, rest)]
    if not places:
        if kind == "munderover" and len(rest) >= 3:
            return [_of(kind, rest[0], rest[2], rest[1])]  # SVG: base, over, under
        return [_of(kind, *rest[:2])] if len(rest) >= 2 else rest
    under = places.get("under")
    over = places.get("over")
    base = _inner(places, "base") if "base" in places else _row(rest) if rest else Element("mrow")
    if base.tag == "munder" and over is not None and len(base.elements()) == 2:
        core, below = base.elements()
        return [_of("munderover", core, below, _row(over.elements()))]
    if under is not None and over is not None:
        return [_of("munderover", base, _row(under.elements()), _row(over.elements()))]
    if under is not None:
        return [_of("munder", base, _row(under.elements()))]
    if over is not None:
        return [_of("mover", base, _row(over.elements()))]
    return [base]
