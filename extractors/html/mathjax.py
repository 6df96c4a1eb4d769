"""MathJax: scripts that hold the source, and output that has lost it."""

from __future__ import annotations

from extractors.html.asciimath import asciimath_to_tex
from extractors.html.mathjax_glyphs import rebuild_mathml
from extractors.html.mathml import mathml_annotation, mathml_is_display, mathml_to_tex
from extractors.html.name_sets import names
from extractors.html.tree import Element, parse_html

__all__ = ["OUTPUT_CLASSES", "math_script_formula", "mathjax_formula", "source_follows"]

OUTPUT_CLASSES = names(
    "MathJax MathJax_Display MathJax_SVG MathJax_SVG_Display MathJax_CHTML MathJax_MathML "
    "MathJax_PHTML MathJax_HTML MathJax_Preview MathJax_PlainSource mjx-chtml MJXc-display "
    "MathJax_CHTML_Display MathJax_Processing MathJax_Processed MathJax_Error"
)
"""Classes of what MathJax 2 writes beside the script that holds the source."""


def math_script_formula(script: Element) -> tuple[str, bool, str] | None:
    """The formula of a ``<script type="math/...">``."""
    kind, _, parameters = script.get("type").lower().partition(";")
    kind = kind.strip()
    display = "display" in parameters
    source = script.text().strip()
    if source.startswith("% <![CDATA["):
        source = source.removeprefix("% <![CDATA[").removesuffix("%]]>").strip()
    source = source.removeprefix("<![CDATA[").removesuffix("]]>").strip()
    if kind in {"math/tex", "math/latex", "text/tex", "text/x-tex", "text/latex", "text/x-latex"}:
        return source, display, "mathjax_script"
    if kind in {"math/asciimath", "math/am"}:
        return asciimath_to_tex(source), display, "asciimath_script"
    if kind in {"math/mml", "math/mathml"}:
        math = next((e for e in parse_html(source).walk() if e.tag.endswith("math")), None)
        if math is None:
            return None
        tex = mathml_annotation(math) or math.get("alttext") or mathml_to_tex(math)
        return tex, display or mathml_is_display(math), "mathml_script"
    return None


def source_follows(output: Element, index: int) -> bool:
    """Whether the script with the source stands behind this output or preview.

    Args:
        output: The output.
        index: Its place among its parent's children.
    """
    parent = output.parent
    if parent is None:
        return False
    if _script_behind(parent.children, index):
        return True
    grandparent = parent.parent
    if grandparent is None or len(parent.children) > 4 or len(grandparent.children) > 200:
        return False
    position = next(i for i, child in enumerate(grandparent.children) if child is parent)
    return _script_behind(grandparent.children, position)


def _script_behind(children: list[Element | str], index: int) -> bool:
    for child in children[index + 1 : index + 8]:
        if isinstance(child, str):
            if child.strip():
                return False
        elif child.tag == "script" and child.get("type").lower().startswith("math/"):
            return True
        elif not OUTPUT_CLASSES.intersection(child.get("class").split()):
            return False
    return False


def mathjax_formula(output: Element) -> tuple[str, bool, str] | None:
    """The formula of MathJax's output: from assistive MathML, ``data-mathml``, or the glyphs."""
    display = False
    for element in output.walk():
        classes = element.get("class")
        if (
            element.get("display") in {"true", "block"}
            or "MathJax_Display" in classes
            or "MathJax_SVG_Display" in classes
            or "MJXc-display" in classes
        ):
            display = True
        if element.get("data-latex") and element.tag in {"mjx-math", "mjx-container", "math"}:
            return element.get("data-latex"), display, "mathjax_mathml"
        if element.tag == "math":
            tex = mathml_annotation(element) or element.get("data-latex") or element.get("alttext")
            return (
                tex or mathml_to_tex(element),
                display or mathml_is_display(element),
                "mathjax_mathml",
            )
        if element.get("data-mathml"):
            math = next(
                (e for e in parse_html(element.get("data-mathml")).walk() if e.tag == "math"), None
            )
            if math is not None:
                tex = mathml_annotation(math) or mathml_to_tex(math)
                return tex, display or mathml_is_display(math), "mathjax_mathml"
    if output.tag == "mjx-container":
        math = rebuild_mathml(output)
        if math is not None and _is_drawn(output):
            return mathml_to_tex(math), display, "mathjax_glyphs"
        if not _is_drawn(output) and output.text().strip():
            return output.text(), display, "tex_element"  # forums that let MathJax fill it
    return None


def _is_drawn(output: Element) -> bool:
    return any(element.tag in {"mjx-math", "mjx-c", "svg"} for element in output.walk())
