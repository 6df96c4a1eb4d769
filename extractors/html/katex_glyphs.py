"""KaTeX output without MathML: MathML rebuilt from the drawn boxes of ``.katex-html``.

KaTeX stacks what stands above one another in a ``.vlist``, from the bottom up; the class around
the list says what it is: scripts, a fraction, limits, a root, an accent.
"""

from __future__ import annotations

import re

from extractors.html.name_sets import names
from extractors.html.tree import Element

__all__ = ["rebuild_mathml"]

_IGNORED = names("strut katex-strut pstrut vlist-s nulldelimiter mspace")
_ATOMS = names("mord mbin mrel mopen mclose mpunct minner mop")
_VARIANTS = {
    "mathbf": "bold", "mathbb": "double-struck", "mathcal": "script", "mathscr": "script",
    "mathfrak": "fraktur", "mathsf": "sans-serif", "mathtt": "monospace",
    "boldsymbol": "bold-italic", "amsrm": "double-struck",
}  # fmt: skip
_RUN = re.compile(r"\d+(?:\.\d+)?|.", re.DOTALL)
_STACKS = names(
    "msupsub mfrac op-limits sqrt accent overline underline mover munder x-arrow root col-align-c"
    " col-align-l col-align-r"
)


def rebuild_mathml(html: Element) -> Element | None:
    """A ``<math>`` element with what the output draws; nothing when it draws nothing."""
    done: dict[int, list[Element]] = {}
    stack: list[tuple[Element, bool]] = [(html, False)]
    while stack:
        element, ready = stack.pop()
        classes = set(element.get("class").split())
        if not ready:
            if classes & _IGNORED or element.tag == "svg":
                continue
            if classes & _WHOLE and not _is_stacked(element):
                done[id(element)] = _whole(element, classes)
                continue
            stack.append((element, True))
            stack.extend((child, False) for child in element.elements())
            continue
        parts: list[Element] = []
        for child in element.children:
            if isinstance(child, str):
                parts.extend(_tokens(child, element, classes))
            else:
                parts.extend(done.pop(id(child), []))
        done[id(element)] = _built(element, classes, parts)
    math = _fill(Element("math"), _attached(done.get(id(html), [])))
    return math if math.text().strip() else None


_FENCE = {"fence": "true"}
_WHOLE = frozenset({"mop", "text"})


def _is_stacked(element: Element) -> bool:
    return any("vlist" in inner.get("class").split() for inner in element.walk())


def _whole(element: Element, classes: set[str]) -> list[Element]:
    """Words: the name of an operator, or text."""
    text = element.text().replace("\u200b", "")
    if "text" in classes:
        return [_leaf("mtext", text, {})] if text else []
    if text.isalpha() and len(text) > 1:
        return [_leaf("mi", text, {})]
    return _tokens(text, element, classes)


def _fill(element: Element, children: list[Element]) -> Element:
    element.children = list(children)
    for child in children:
        child.parent = element
    return element


def _of(tag: str, *children: Element) -> Element:
    return _fill(Element(tag), list(children))


def _row(parts: list[Element]) -> Element:
    parts = _attached(parts)
    return parts[0] if len(parts) == 1 else _fill(Element("mrow"), parts)


def _tokens(text: str, element: Element, classes: set[str]) -> list[Element]:
    text = text.replace("\u200b", "")
    if not text.strip():
        return []
    variant = next((v for name, v in _VARIANTS.items() if name in classes), "")
    attributes = {"mathvariant": variant} if variant else {}
    leaves: list[Element] = []
    for match in _RUN.finditer(text):
        run = match.group()
        if run[0].isdigit():
            leaves.append(_leaf("mn", run, attributes))
        elif run.isalpha():
            upright = not variant and "mathrm" in classes
            leaves.append(_leaf("mi", run, {"mathvariant": "normal"} if upright else attributes))
        elif not run.isspace():
            stretches = bool(classes & {"delimcenter", "delimsizing"})
            leaves.append(_leaf("mo", run, _FENCE if stretches else {"stretchy": "false"}))
    return leaves


def _leaf(tag: str, text: str, attributes: dict[str, str]) -> Element:
    element = Element(tag, attributes)
    element.children = [text]
    return element


def _built(element: Element, classes: set[str], parts: list[Element]) -> list[Element]:
    if element.parent is not None and "vlist" in element.parent.get("class").split():
        # One entry of a stack.
        entry = _fill(Element("entry"), _attached(parts))
        if any("frac-line" in inner.get("class").split() for inner in element.walk()):
            entry.attributes = {"line": "1"}
        return [entry] if parts or entry.attributes else []
    entries = [part for part in parts if part.tag == "entry"]
    if not entries or not classes & _STACKS:
        if classes & {"vlist-t", "vlist-r", "vlist", "vlist-t2"}:
            return parts
        if entries and not classes & _ATOMS:
            return parts
        return [_row(parts)] if len(parts) > 1 and classes & _ATOMS else parts
    inner = [_row(entry.elements()) for entry in entries if not entry.attributes]
    if "msupsub" in classes:
        return [_script_mark(element, inner)]
    if "mfrac" in classes:
        return _fraction(entries, inner)
    if "op-limits" in classes:
        return _limits(entries, inner)
    if "sqrt" in classes:
        rest = [part for part in parts if part.tag != "entry"]
        if rest:
            return [_of("mroot", inner[0], _row(rest))]
        return [_of("msqrt", inner[0])]
    if "root" in classes:
        return [_row(inner)]
    if "accent" in classes and inner:
        mark = inner[1] if len(inner) > 1 else _leaf("mo", "→", {})
        return [_of("mover", inner[0], mark)]
    if "overline" in classes and inner:
        return [_of("mover", inner[0], _leaf("mo", "‾", {}))]
    if "underline" in classes and inner:
        return [_of("munder", inner[-1], _leaf("mo", "_", {}))]
    return inner


def _script_mark(element: Element, inner: list[Element]) -> Element:
    if len(inner) >= 2:
        return _of("scripts", inner[0], inner[1])
    low = any("vlist-t2" in child.get("class").split() for child in element.elements())
    return _of("subscript" if low else "superscript", *inner[:1])


def _fraction(entries: list[Element], inner: list[Element]) -> list[Element]:
    if len(inner) < 2:
        return inner
    fraction = _of("mfrac", inner[1], inner[0])
    if not any(entry.attributes for entry in entries):
        fraction.attributes = {"linethickness": "0"}
    return [fraction]


def _limits(entries: list[Element], inner: list[Element]) -> list[Element]:
    """Below, operator, above; the operator is the one that isn't set in script size."""
    position = next(
        (i for i, part in enumerate(inner) if len(part.text()) == 1 and part.tag == "mo"),
        next((i for i, part in enumerate(inner) if part.tag == "mi" and len(part.text()) > 1), 1),
    )
    position = min(position, len(inner) - 1)
    base = inner[position]
    below, above = inner[:position], inner[position + 1 :]
    if below and above:
        return [_of("munderover", base, below[0], above[0])]
    if below:
        return [_of("munder", base, below[0])]
    if above:
        return [_of("mover", base, above[0])]
    return [base]


def _attached(parts: list[Element]) -> list[Element]:
    """The parts with script marks bound to what stands before them."""
    out: list[Element] = []
    for part in parts:
        if part.tag not in {"scripts", "subscript", "superscript"}:
            out.append(part)
            continue
        base = out.pop() if out else Element("mrow")
        scripts = part.elements()
        tag = {"scripts": "msubsup", "subscript": "msub", "superscript": "msup"}[part.tag]
        out.append(_of(tag, base, *scripts))
    return out
