"""LaTeXML pages (ar5iv, arXiv's HTML, DLMF): equations kept whole, footnotes where they belong.

LaTeXML lays an equation out as a table row whose cells hold parts of it, each a formula of its
own. The row is one displayed formula. A footnote stands in the text twice, as mark and as hidden
box; it becomes a parenthesis.
"""

from __future__ import annotations

from extractors.html.formulas import Formulas
from extractors.html.mathml import mathml_annotation, mathml_to_tex
from extractors.html.tex import clean_tex
from extractors.html.tree import Element

__all__ = ["join_latexml_equations", "latexml_tex", "place_latexml_notes"]


def latexml_tex(math: Element) -> str:
    """The TeX of a LaTeXML formula; its ``%`` at a line's end only breaks the line."""
    tex = math.get("alttext") or mathml_annotation(math)
    return tex.replace("%\n", "") if tex.strip() else mathml_to_tex(math)


def join_latexml_equations(root: Element, formulas: Formulas) -> None:
    """Makes each row of an equation table one displayed formula, with its number as tag."""
    for element in list(root.walk()):
        if "ltx_eqn_row" not in element.get("class").split():
            continue
        parts: list[str] = []
        number = ""
        other_text = False
        for cell in element.elements():
            for inner in cell.walk():
                if inner.tag == "math":
                    tex = clean_tex(latexml_tex(inner))
                    if tex:
                        parts.append(tex)
                elif "ltx_tag_equation" in inner.get("class").split():
                    number = inner.text().strip().strip("()")
                elif "ltx_p" in inner.get("class").split() and inner.text().strip():
                    other_text = True
        if not parts or other_text:
            continue
        tex = " ".join(parts) + (f" \\tag{{{number}}}" if number else "")
        placeholder = formulas.add(tex, display=True, encoding="latexml")
        element.tag = "div"
        element.attributes = {}
        element.children = [placeholder]
    for element in list(root.walk()):
        classes = element.get("class").split()
        if element.tag == "table" and ("ltx_equation" in classes or "ltx_equationgroup" in classes):
            element.tag = "div"


def place_latexml_notes(root: Element) -> None:
    """Makes footnotes parentheses behind the word that they belong to."""
    for element in list(root.walk()):
        classes = element.get("class").split()
        if "ltx_note" in classes and "ltx_role_footnotemark" in classes:
            mark = next((e for e in element.walk() if "ltx_note_mark" in e.get("class")), None)
            element.children = [f"[{mark.text().strip()}]"] if mark is not None else []
        elif "ltx_note" in classes and "ltx_role_footnote" in classes:
            content = next(
                (e for e in element.walk() if "ltx_note_content" in e.get("class").split()), None
            )
            if content is None or content is element:
                continue
            inside = [
                child
                for child in content.children
                if isinstance(child, str)
                or not {"ltx_note_mark", "ltx_tag_note"} & set(child.get("class").split())
            ]
            element.children = [" (", *inside, ")"]
            for child in inside:
                if isinstance(child, Element):
                    child.parent = element
