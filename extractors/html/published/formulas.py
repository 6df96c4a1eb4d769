r"""The original's sources of LaTeX in markup, in its order, with its defects.

Source: keirp/OpenWebMath @98f81d0, text_extraction/text_extract/latex_processing.py, as described
in the project's account of it (spec section 1.4; "defect n" is section 3a there).

Two parts of the original were other people's: the style sheet that made LaTeX of MathML, and
py_asciimath. ``mathml`` and ``asciimath`` here give their answers, failures included.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from urllib.parse import unquote

from lxml import etree
from selectolax.lexbor import LexborHTMLParser, LexborNode

from extractors.html.published.asciimath import NotAsciiMath, asciimath_as_published
from extractors.html.published.counts import Counts
from extractors.html.published.marks import formula, mark
from extractors.html.published.mathml import NAMESPACE, mathml_as_published
from extractors.html.published.selectors import any_case

__all__ = ["replace_formulas"]

_ALIGN = re.compile(r"\\begin\{align\}(.*?)\\end\{align\}", re.DOTALL)
_EQUATION = re.compile(r"\\begin\{equation\}(.*?)\\end\{equation\}", re.DOTALL)
_BRACED = re.compile(r"\{(.+)\}")
_HASHES = re.compile("#(.+?)#")
_IMAGE_CLASSES = frozenset(
    ("latexcenter", "latex", "tex", "latexdisplay", "latexblock", "latexblockcenter")
)
_MOST_GROWTH = 50
_XML_PREFIX = re.compile('xmlns:mml=".*?"')


def replace_formulas(tree: LexborHTMLParser, counts: Counts) -> None:
    """Replaces formulas that markup shows by their LaTeX, marked as mathematics.

    Args:
        tree: The page; edited in place.
        counts: Where the formulas are recorded.
    """
    _environments(tree, counts)
    for node in tree.css(any_case(".texerror")):
        match = _BRACED.search(node.text())
        if match is not None:
            written = formula(match.group(1))
            counts.count("texerror")
            counts.info["found_math"] = True
            counts.find("texerror", written)
            node.inner_html = mark(written, "math")
    for node in tree.css("img"):
        _image(node, counts)
    for source, selector, read in _ELEMENTS:
        for node in tree.css(any_case(selector)):
            read_as = read(node)
            if read_as is None:
                counts.find(source)
                node.replace_with("")
                continue
            tex, display = read_as
            _replace(tree, node, formula(tex, display=display), source, counts)
    # What KaTeX draws goes, its MathML stays for the rule below.
    for node in tree.css(any_case("span.katex span.katex-html, span.MathJax_Preview")):
        node.replace_with("")
    for node in tree.css("math"):
        _mathml(tree, node, counts)
    for node in tree.css("mathjax"):
        # AsciiMath between hashes, among other text. The dollar signs are text here: they become a
        # formula's when delimiters are looked for. Where the conversion fails, the hashes stay.
        text = html.unescape(node.text())
        for match in dict.fromkeys(_HASHES.findall(text)):
            converted = _asciimath(match)
            if converted is not None:
                text = text.replace(f"#{match}#", f"${converted}$")
        counts.count("mathjax_tag")
        if text.strip():
            counts.info["found_math"] = True
            # Those with dollar signs are found once more, between them.
            if "$" not in text:
                counts.find("mathjax_tag", " ".join(text.split()))
        _put(tree, node, mark(text, "math"))


def _put(tree: LexborHTMLParser, node: LexborNode, text: str) -> None:
    """A span in the node's place, whose content the text is *as HTML*.

    So the original does it, and so ``a<b`` loses all that follows it in the formula, the closing
    dollar sign included, where a letter follows the sign (known from running the original; not in
    the spec's list).
    """
    if node.parent is None:
        return
    span = tree.create_node("span")
    span.inner_html = text
    node.replace_with(span)


def _replace(
    tree: LexborHTMLParser, node: LexborNode, written: str, source: str, counts: Counts
) -> None:
    counts.count(source)
    if written:
        counts.find(source, written)
    _put(tree, node, mark(written, "math"))


def _environments(tree: LexborHTMLParser, counts: Counts) -> None:
    """align is counted and left as it stands (defect 7), equation becomes display mathematics."""
    body = tree.body
    if body is None:
        return
    texts = [
        node
        for node in body.traverse(include_text=True)
        if node.is_text_node and ("{equation}" in (text := node.text()) or "{align}" in text)
    ]
    for node in texts:
        text = node.text()
        for tex in _ALIGN.findall(text):
            counts.count("align")
            counts.find("align", " ".join(tex.split()))
        changed = text
        for tex in _EQUATION.findall(text):
            written = formula(tex, display=True)
            counts.count("equation")
            counts.info["found_math"] = True
            counts.find("equation", written)
            # Everywhere in the text, in formulas that were written before too: two that are equal
            # come out nested, and short ones grow without bound, which the original let happen.
            if tex and len(changed) < _MOST_GROWTH * len(text):
                changed = changed.replace(tex, mark(written, "math"))
        changed = changed.replace("\\begin{equation}", "").replace("\\end{equation}", "")
        if changed != text:
            node.replace_with(changed)


def _image(node: LexborNode, counts: Counts) -> None:
    """Images whose alternative text or address is LaTeX; all inline (defect 3)."""
    tree, attributes = node.parser, node.attributes
    classes, source = attributes.get("class") or "", attributes.get("src") or ""
    # An attribute without a value is an empty one, and its formula is an empty one too.
    alternative = (attributes["alt"] or "") if "alt" in attributes else None
    if _IMAGE_CLASSES & set(classes.split(" ")):
        if alternative is not None:
            _replace(tree, node, formula(alternative), "img_math", counts)
        return
    query = unquote(source.partition("?")[2])
    unquoted = None if alternative is None else unquote(alternative)
    # The first that fits and has an alternative text, where it's asked for one.
    readings = (
        ("codecogs_latex", "codecogs.com" in source, query),
        ("wp_latex", "latex.php" in source, unquoted),
        ("/images/math/codecogs", "/images/math/codecogs" in source, unquoted),
        ("mimetex.cgi", "mimetex.cgi" in source, query),
        ("mathtex.cgi", "mathtex.cgi" in source, query),
        ("x-ck12", "src" in attributes and "x-ck12" in classes, unquoted),
    )
    for name, fits, tex in readings:
        if fits:
            if tex is not None:
                _replace(tree, node, formula(tex), name, counts)
            return


def _container(node: LexborNode) -> tuple[str, bool]:
    # Stack Exchange's inline formulas become display ones (defect 4).
    return node.text(), True


def _wordpress_katex(node: LexborNode) -> tuple[str, bool]:
    return node.text(), node.attributes.get("data-display") == "true"


def _script(node: LexborNode) -> tuple[str, bool]:
    return node.text(), False


def _asciimath_script(node: LexborNode) -> tuple[str, bool] | None:
    tex = _asciimath(node.text())
    return None if tex is None else (tex, False)


def _asciimath(source: str) -> str | None:
    try:
        return asciimath_as_published(source)
    except NotAsciiMath:
        return None


def _data_expression(node: LexborNode) -> tuple[str, bool]:
    return node.attributes.get("data-expr") or "", False


# The type must be equal: "math/tex; mode=display" is not, and such formulas are lost (defect 2).
_ELEMENTS: tuple[tuple[str, str, Callable[[LexborNode], tuple[str, bool] | None]], ...] = (
    ("math-container", ".math-container", _container),
    ("wp-katex-eq", ".wp-katex-eq", _wordpress_katex),
    ("script_math_tex", 'script[type="math/tex"]', _script),
    ("script_math_asciimath", 'script[type="math/asciimath"]', _asciimath_script),
    ("katex", ".tex[data-expr]", _data_expression),
)


def _mathml(tree: LexborHTMLParser, node: LexborNode, counts: Counts) -> None:
    """Annotation, else alternative text, else conversion; always inline (defect 3)."""
    annotation = node.css_first('annotation[encoding="application/x-tex"]')
    if annotation is not None:
        parent = node.parent
        _replace(tree, node, formula(annotation.text()), "math_annotations", counts)
        # Only here, not for the two below: MathML that MathML-aware scripts hide becomes visible.
        style = parent.attributes.get("style") if parent is not None else None
        if parent is not None and style and "display:none" in style.lower().replace(" ", ""):
            del parent.attrs["style"]
        return
    if "alttext" in node.attributes:
        written = formula(node.attributes["alttext"] or "")
        _replace(tree, node, written, "math_alttext", counts)
        return
    tex = _converted(node.html or "")
    if tex is None:
        counts.find("mathml")
        node.replace_with("")
        return
    _replace(tree, node, formula(tex), "mathml", counts)


def _converted(markup: str) -> str | None:
    """MathML as LaTeX, or None where the original's conversion fails and the formula is deleted."""
    if "xmlns:mml" in markup:
        markup = _XML_PREFIX.sub("", markup.replace("mml:", ""))
    namespaced = markup.replace("<math>", f'<math xmlns="{NAMESPACE}">')
    try:
        # An XML parser for HTML's serialisation: it knows no named entity, &nbsp; above all
        # (defect 6).
        return mathml_as_published(etree.fromstring(namespaced))
    except (etree.XMLSyntaxError, RecursionError):
        return None
