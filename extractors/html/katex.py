"""KaTeX output: with its annotation, with its MathML stripped, or only the glyphs."""

from __future__ import annotations

import re

from extractors.html.katex_glyphs import rebuild_mathml
from extractors.html.mathml import mathml_annotation, mathml_is_display, mathml_to_tex
from extractors.html.tree import Element

__all__ = ["katex_formula"]

_LINES = re.compile(r"\n\s*\n")


def katex_formula(katex: Element) -> tuple[str, bool, str] | None:
    """The formula of a ``.katex`` element.

    Returns:
        TeX, whether it's displayed, and the encoding; nothing when there is none to read.
    """
    display = _is_display(katex)
    glyphs: Element | None = None
    stripped: Element | None = None
    for element in katex.walk():
        if element.tag == "math":
            display = display or mathml_is_display(element)
            tex = mathml_annotation(element)
            if tex:
                return tex, display, "katex"
            return mathml_to_tex(element), display, "mathml"
        if element.tag == "annotation":
            return element.text(), display, "katex"
        classes = element.get("class").split()
        if "katex-html" in classes:
            glyphs = element
        elif "katex-mathml" in classes:
            stripped = element
    if stripped is not None:
        tex = _annotation_of_stripped(stripped.text())
        if tex:
            return tex, display, "katex_stripped"
    if glyphs is not None:
        math = rebuild_mathml(glyphs)
        return mathml_to_tex(math) if math is not None else "", display, "katex_glyphs"
    return None


def _is_display(katex: Element) -> bool:
    element: Element | None = katex
    for _ in range(4):
        if element is None:
            return False
        classes = element.get("class").split()
        if "katex-display" in classes or "katex--display" in classes or "katex-block" in classes:
            return True
        element = element.parent
    return False


def _annotation_of_stripped(text: str) -> str:
    """The TeX that follows the MathML's own text once all tags are gone.

    The text is the rendered characters, one a line, then the annotation: the annotation is what
    follows the last blank line.
    """
    pieces = [piece.strip() for piece in _LINES.split(text.strip()) if piece.strip()]
    if len(pieces) >= 2:
        return pieces[-1]
    return ""
