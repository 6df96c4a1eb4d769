"""Which elements stand on their own lines, and whether a formula stands alone in one."""

from __future__ import annotations

from extractors.html.name_sets import names
from extractors.html.tree import Element

__all__ = ["BLOCKS", "is_alone", "is_centered"]

BLOCKS = names(
    "address article aside blockquote body caption center dd details dialog dir div dl dt "
    "fieldset figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr "
    "html iframe legend li main menu nav noframes ol optgroup option p pre search section "
    "summary table tbody td textarea tfoot th thead title tr ul xmp listing plaintext"
)
"""Elements with block display in https://html.spec.whatwg.org/#rendering."""

_LINE_BLOCKS = names("p div center dd blockquote section figure article")


def is_alone(element: Element) -> bool:
    """Whether the element is all there is in its paragraph."""
    child: Element = element
    parent = element.parent
    while parent is not None:
        for other in parent.children:
            if other is child:
                continue
            if isinstance(other, str):
                if other.strip(" \t\r\n\u00a0.,;:"):
                    return False
            elif other.tag != "br":
                return False
        if parent.tag in _LINE_BLOCKS:
            return True
        if parent.tag in BLOCKS:
            return False
        child, parent = parent, parent.parent
    return False


def is_centered(element: Element) -> bool:
    """Whether the element's paragraph is centred, as displayed formulas were before CSS."""
    parent = element.parent
    for _ in range(3):
        if parent is None:
            return False
        if parent.tag == "center" or parent.get("align").lower() == "center":
            return True
        if "text-align:center" in parent.get("style").replace(" ", "").lower():
            return True
        if parent.tag in BLOCKS:
            return False
        parent = parent.parent
    return False
