r"""The original's sources of LaTeX, in its order, with its defects.

Source: keirp/OpenWebMath @98f81d0, text_extraction/text_extract/latex_processing.py, as described
in the project's account of it (spec section 1.4; "defect n" is section 3a there).

Two parts of the original are stand-ins here: MathML is converted by this project's converter and
not by the XSLT that the original took over, and AsciiMath not by py_asciimath. What made the
original lose formulas there is kept (defects 5 and 6).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote

from selectolax.lexbor import LexborHTMLParser, LexborNode

from extractors.html.asciimath import asciimath_to_tex
from extractors.html.mathml import mathml_to_tex
from extractors.html.published.marks import DOLLAR, mark
from extractors.html.tree import Element, parse_html
from schemas.open_web_math import COUNTERS

__all__ = ["Counts", "Delimiters", "page_delimiters", "replace_delimited", "replace_formulas"]

_COLOUR = re.compile(r"\\textcolor\[.*?\]\{.*?\}")
_ALIGN = re.compile(r"\\begin\{align\}(.*?)\\end\{align\}", re.DOTALL)
_EQUATION = re.compile(r"\\begin\{equation\}(.*?)\\end\{equation\}", re.DOTALL)
_BRACED = re.compile(r"\{(.+)\}")
_IMAGE_CLASSES = frozenset(
    ("latexcenter", "latex", "tex", "latexdisplay", "latexblock", "latexblockcenter")
)


@dataclass(slots=True)
class Counts:
    """What was found: the original's counters, and formulas by source in and out."""

    info: dict[str, int | bool] = field(
        default_factory=lambda: {"found_math": False, **dict.fromkeys(COUNTERS, 0)}
    )
    found: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)

    def add(self, source: str, *, kept: bool, counter: bool = True) -> None:
        """Counts one formula of a source."""
        if counter:
            self.info[source] = int(self.info[source]) + 1
        self.found[source] = self.found.get(source, 0) + 1
        if kept:
            self.info["found_math"] = True
            self.kept[source] = self.kept.get(source, 0) + 1


def wrapped(tex: str, *, display: bool = False) -> str:
    """A formula with its dollar signs, as the original writes it.

    Dollar signs inside are deleted (defect 11), and a formula in which "align" occurs anywhere,
    ``\\begin{aligned}`` included, gets none (defect 7).
    """
    tex = _COLOUR.sub("", re.sub(r"\s+", " ", tex)).replace("$", "").strip()
    if not tex or "align" in tex:
        return tex
    sign = DOLLAR * 2 if display else DOLLAR
    return f"{sign}{tex}{sign}"


def replace_formulas(tree: LexborHTMLParser, counts: Counts) -> None:
    """Replaces formulas that markup shows by their LaTeX, marked as mathematics."""
    _environments(tree, counts)
    for node in tree.css(".texerror"):
        match = _BRACED.search(node.text() or "")
        if match is not None:
            _replace(node, wrapped(match.group(1)), "texerror", counts)
    for node in tree.css("img"):
        _image(node, counts)
    for source, selector, read in _ELEMENTS:
        for node in tree.css(selector):
            tex, display = read(node)
            if tex:
                _replace(node, wrapped(tex, display=display), source, counts)
    # What KaTeX draws goes, its MathML stays for the rule below.
    for node in tree.css("span.katex-html"):
        counts.info["katex"] = int(counts.info["katex"]) + 1
        node.decompose()
    for node in tree.css("span.MathJax_Preview"):
        node.decompose()
    for node in tree.css("math"):
        if node.parent is not None:
            _mathml(node, counts)
    for node in tree.css("mathjax"):
        text = node.text() or ""
        counts.add("mathjax_tag", kept=bool(text))
        _put(node, mark(re.sub("#(.*?)#", _hash_asciimath, text, flags=re.DOTALL), "math"))


def _hash_asciimath(match: re.Match[str]) -> str:
    return wrapped(asciimath_to_tex(match.group(1)))


def _environments(tree: LexborHTMLParser, counts: Counts) -> None:
    """align is counted and left as it stands (defect 7), equation becomes display mathematics."""
    body = tree.body
    if body is None:
        return
    texts = [
        node
        for node in body.traverse(include_text=True)
        if node.tag == "-text" and "\\begin{" in (node.text_content or "")
    ]
    for node in texts:
        text = node.text_content or ""
        for _ in _ALIGN.findall(text):
            counts.add("align", kept=True)

        def display(match: re.Match[str]) -> str:
            counts.add("equation", kept=True)
            return mark(wrapped(match.group(1), display=True), "math")

        changed = _EQUATION.sub(display, text)
        if changed != text:
            node.replace_with(changed)


def _image(node: LexborNode, counts: Counts) -> None:
    """Images whose alternative text or address is LaTeX; all inline (defect 3)."""
    attributes = node.attributes
    classes, source = attributes.get("class") or "", attributes.get("src") or ""
    alternative = attributes.get("alt")
    query = unquote(source.partition("?")[2])
    readings = (
        ("img_math", bool(_IMAGE_CLASSES & set(classes.split(" "))), alternative),
        ("codecogs_latex", "codecogs.com" in source, query),
        ("wp_latex", "latex.php" in source, alternative and unquote(alternative)),
        (
            "/images/math/codecogs",
            "/images/math/codecogs" in source,
            alternative and unquote(alternative),
        ),
        ("mimetex.cgi", "mimetex.cgi" in source, query),
        ("mathtex.cgi", "mathtex.cgi" in source, query),
        ("x-ck12", "x-ck12" in classes, alternative and unquote(alternative)),
    )
    for name, fits, tex in readings:
        if fits and tex is not None:
            _replace(node, wrapped(tex), name, counts)
            return


def _container(node: LexborNode) -> tuple[str, bool]:
    # Stack Exchange's inline formulas become display ones (defect 4).
    return node.text() or "", True


def _wordpress_katex(node: LexborNode) -> tuple[str, bool]:
    return node.text() or "", node.attributes.get("data-display") == "true"


def _script(node: LexborNode) -> tuple[str, bool]:
    return node.text() or "", False


def _asciimath_script(node: LexborNode) -> tuple[str, bool]:
    return asciimath_to_tex(node.text() or ""), False


def _data_expression(node: LexborNode) -> tuple[str, bool]:
    return node.attributes.get("data-expr") or "", False


# The type must be equal: "math/tex; mode=display" is not, and such formulas are lost (defect 2).
_ELEMENTS: tuple[tuple[str, str, Callable[[LexborNode], tuple[str, bool]]], ...] = (
    ("math-container", ".math-container", _container),
    ("wp-katex-eq", ".wp-katex-eq", _wordpress_katex),
    ("script_math_tex", 'script[type="math/tex"]', _script),
    ("script_math_asciimath", 'script[type="math/asciimath"]', _asciimath_script),
    ("katex", ".tex[data-expr]", _data_expression),
)


def _mathml(node: LexborNode, counts: Counts) -> None:
    """Annotation, else alternative text, else conversion; always inline (defect 3)."""
    annotation = node.css_first('annotation[encoding="application/x-tex"]')
    if annotation is not None:
        parent = node.parent
        if parent is not None and "display:none" in (parent.attributes.get("style") or "").replace(
            " ", ""
        ):
            del parent.attrs["style"]
        _replace(node, wrapped(annotation.text() or ""), "math_annotations", counts)
        return
    alternative = node.attributes.get("alttext")
    if alternative:
        _replace(node, wrapped(alternative), "math_alttext", counts)
        return
    markup = node.html or ""
    if re.search("&(?!amp;|lt;|gt;|quot;|apos;|#)[A-Za-z]+;", markup):
        # The original's XML parser knows no named entity, &nbsp; above all, and the formula is
        # deleted (defect 6).
        counts.add("mathml", kept=False, counter=False)
        node.decompose()
        return
    if node.attributes and "xmlns" not in node.attributes:
        # Attributes but no namespace: the style sheet matches nothing, and only the leaves' text is
        # left (defect 5).
        _replace(node, wrapped(node.text(separator=" ") or ""), "mathml", counts)
        return
    math = _first_math(parse_html(markup))
    _replace(node, wrapped(mathml_to_tex(math) if math is not None else ""), "mathml", counts)


def _first_math(root: Element) -> Element | None:
    pending = [root]
    while pending:
        element = pending.pop()
        if element.tag == "math":
            return element
        pending.extend(child for child in element.children if isinstance(child, Element))
    return None


def _replace(node: LexborNode, text: str, source: str, counts: Counts) -> None:
    counts.add(source, kept=bool(text))
    _put(node, mark(text, "math"))


def _put(node: LexborNode, text: str) -> None:
    if text:
        node.replace_with(text)
    else:
        node.decompose()


# ---- delimiters in text -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Delimiters:
    """Pairs of delimiters with what stands between them: ``inline``, ``display``, ``asciimath``."""

    pairs: tuple[tuple[str, str, str], ...]


# \( \) and \[ \] are swapped against their meaning (defect 1).
_INLINE = (
    ("$", "$"),
    ("\\[", "\\]"),
    ("[itex]", "[/itex]"),
    ("[math]", "[/math]"),
    ("[latex]", "[/latex]"),
    ("[texx]", "[/texx]"),
)
_DISPLAY = (("\\(", "\\)"), ("$$", "$$"), ("[tex]", "[/tex]"))
_ASCIIMATH = (("`", "`"),)


def page_delimiters(page: str, command: re.Pattern[str]) -> Delimiters | None:
    """The delimiters of a page, or None when nothing on it speaks of formulas.

    Args:
        page: The serialised page.
        command: What a whole LaTeX command looks like.
    """
    lowered = page.lower()
    if not ("mathjax" in lowered or "katex" in lowered or command.search(page)):
        return None
    pairs = [(a, b, "inline") for a, b in _INLINE] + [(a, b, "display") for a, b in _DISPLAY]
    configured = _object_after("tex2jax", page, r"tex2jax: (\{[^}]*\})")
    for key, kind in (("inlineMath", "inline"), ("displayMath", "display")):
        pairs += [(a, b, kind) for a, b in _pairs(configured.get(key))]
    katex = _object_after("delimiters", page, r"delimiters: (\[[^\]]*\])").get("delimiters")
    for entry in katex if isinstance(katex, list) else ():
        if isinstance(entry, dict) and {"left", "right", "display"} <= entry.keys():
            kind = "display" if entry["display"] else "inline"
            pairs.append((str(entry["left"]), str(entry["right"]), kind))
    ascii_pairs = _object_after("a", page, r"asciimath2jax: (\{[^}]*\})").get("delimiters")
    pairs += [(a, b, "asciimath") for a, b in (_pairs(ascii_pairs) or _ASCIIMATH)]
    unique = [pair for pair in dict.fromkeys(pairs) if pair[0] and pair[1]]
    return Delimiters(tuple(sorted(unique, key=lambda pair: -len(pair[0]))))


def _object_after(name: str, page: str, pattern: str) -> dict[str, object]:
    """A JavaScript literal that can be read after naive quoting, or nothing."""
    match = re.search(pattern, page)
    if match is None:
        return {}
    text = re.sub(r"(\w+):", r'"\1":', match.group(1)).replace("'", '"')
    text = re.sub(r",\s*([}\]])", r"\1", text)
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {name: value}


def _pairs(value: object) -> list[tuple[str, str]]:
    if not isinstance(value, list):
        return []
    return [
        (str(pair[0]), str(pair[1])) for pair in value if isinstance(pair, list) and len(pair) == 2
    ]


_KIND_COUNTERS = {
    "inline": "mathjax_inline_tex",
    "display": "mathjax_display_tex",
    "asciimath": "mathjax_asciimath",
}


def replace_delimited(text: str, delimiters: Delimiters, counts: Counts) -> str:
    """Marks formulas between delimiters in extracted text, longest opening delimiter first.

    Prices on such a page are formulas (defect 10); what stands between backticks loses them and is
    not converted (defect 8). The counters count kinds of delimiters that occur, not formulas.
    """
    for opening, closing, kind in delimiters.pairs:
        pattern = re.compile(f"{re.escape(opening)}(.*?){re.escape(closing)}", re.DOTALL)
        number = 0

        def replaced(match: re.Match[str], kind: str = kind) -> str:
            nonlocal number
            number += 1
            body = match.group(1)
            if kind == "asciimath":
                return mark(body, "math")
            return mark(wrapped(body, display=kind == "display"), "math")

        changed = pattern.sub(replaced, text)
        if changed != text:
            name = _KIND_COUNTERS[kind]
            counts.info["found_math"] = True
            counts.info[name] = int(counts.info[name]) + 1
            for tally in (counts.found, counts.kept):
                tally[name] = tally.get(name, 0) + number
        text = changed
    return text
