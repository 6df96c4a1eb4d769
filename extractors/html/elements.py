"""Elements that say by tag, attribute or class that they hold TeX."""

from __future__ import annotations

import re
from functools import lru_cache

from extractors.html.blocks import is_alone
from extractors.html.name_sets import names
from extractors.html.tree import Element

__all__ = [
    "TEX_ATTRIBUTES",
    "TEX_ELEMENTS",
    "attribute_formula",
    "class_formula",
    "is_math_class",
    "tex_element_formula",
]

TEX_ELEMENTS = names(
    "dt-math d-math tex-math la-tex tex latex katex x-tex math-tex math-field katex-expression"
    " math-renderer tex-block tex-inline inline-math block-math asciimath"
)
"""Custom elements around TeX (Distill, JATS, GitHub, MathLive, ...)."""

TEX_ATTRIBUTES = names(
    "data-tex data-latex data-expr data-formula data-katex data-math data-equation"
    " data-latex-source data-tex-source data-original-tex"
)
_MATH_CLASS = re.compile(
    r"(?:^|\s)(?:math(?:-container|-inline|-display|-tex|-latex|s?)?|tex|latex|texerror|wp-katex-eq"
    r"|ztext-math|katex-eq|inline-?(?:math|equation)|display-?(?:math|equation)|tex2jax_process"
    r"|mathjax_process|process-math|equation|eqno|inlineformula|displayformula|texhtml"
    r"|math-formula|mathml|formula|arithmatex|LaTeX|mathjax-tex|mathquill-embedded-latex|asciimath|am)(?:\s|$)"
)
"""Classes that might say so; :func:`class_formula` decides."""

_WRAPPED = re.compile(
    r"\s*(?:(\$\$)(.+?)\$\$|(\$)([^$]+)\$|(\\\()(.+?)\\\)|(\\\[)(.+?)\\\])\s*\Z", re.DOTALL
)
_TEX_SIGN = re.compile(r"\\[a-zA-Z]{2,}|[A-Za-z0-9)}][_^][A-Za-z0-9{\\]|\\[{}|,;]")
_DISPLAY_WORD = re.compile(r"display|block|(?:^|[\s-])equation(?:$|[\s-])", re.IGNORECASE)


@lru_cache(maxsize=1 << 15)
def is_math_class(classes: str) -> bool:
    """Whether a class attribute might say that its element holds TeX."""
    return _MATH_CLASS.search(classes) is not None


def tex_element_formula(element: Element) -> tuple[str, bool, str] | None:
    """The formula of a custom element around TeX."""
    tex = element.text()
    display = (
        "block" in element.attributes
        or "display" in element.attributes
        or element.get("mode") in {"display", "block"}
        or element.tag in {"tex-block", "block-math"}
        or "display" in element.get("class")
        or tex.lstrip().startswith(("$$", "\\["))
    )
    if element.tag in {"tex", "latex", "katex"} and not _TEX_SIGN.search(tex):
        return None
    if element.tag == "math-field" and not tex.strip():
        tex = element.get("value")
    return (tex, display, "tex_element") if tex.strip() else None


def attribute_formula(element: Element) -> tuple[str, bool, str] | None:
    """The formula that an attribute such as ``data-tex`` holds."""
    for name, tex in element.attributes.items():
        if name not in TEX_ATTRIBUTES or not tex:
            continue
        if name in {"data-formula", "data-math", "data-equation", "data-expr"} and not (
            _TEX_SIGN.search(tex) or is_math_class(element.get("class"))
        ):
            continue
        is_setting = tex in {"true", "false", "1", "0"} or tex.startswith(("{", "[", "http"))
        if is_setting and not _TEX_SIGN.search(tex):
            continue
        display = (
            element.get("data-display") in {"true", "block", "1"}
            or element.get("data-eeimg") == "2"
            or _DISPLAY_WORD.search(element.get("class")) is not None
            or tex.strip().startswith(("$$", "\\["))
            or ("data-eeimg" in element.attributes and is_alone(element))  # Zhihu
        )
        return tex, display, "tex_attribute"
    return None


def class_formula(element: Element, *, tex_page: bool) -> tuple[str, bool, str] | None:
    """The formula of an element whose class says that it holds TeX.

    Args:
        element: The element.
        tex_page: Whether the page loads a renderer of mathematics.

    Returns:
        TeX, whether it's displayed, and the encoding; nothing when the content doesn't read so.
    """
    classes = element.get("class")
    if any(child.tag not in {"br", "wbr"} for child in element.elements()):
        return None
    text = element.text()
    if not text.strip() or len(text) > 20_000:
        return None
    words = set(classes.split())
    encoding = (
        "math_container"
        if "math-container" in words
        else "wordpress_katex"
        if "wp-katex-eq" in words
        else "tex_error"
        if "texerror" in words
        else "math_class"
    )
    if encoding == "tex_error":
        braced = re.search(r"\{.*\}", text, re.DOTALL)
        return (braced.group()[1:-1], False, encoding) if braced else None
    wrapped = _WRAPPED.match(text)
    if wrapped:
        groups = wrapped.groups()
        for index in range(0, 8, 2):
            if groups[index] is not None:
                body = groups[index + 1]
                if groups[index] in body and index != 2:
                    return None
                return body, index in {0, 6}, encoding
    if any(mark in text for mark in ("$", "\\(", "\\[")):
        return None  # text with formulas in it: the delimiters are found later
    if encoding == "wordpress_katex":
        return text, element.get("data-display") == "true", encoding
    display = element.tag == "div" or _DISPLAY_WORD.search(classes) is not None
    if "math" in words and ("inline" in words or "display" in words):  # Pandoc
        return text, "display" in words, encoding
    if "mathquill-embedded-latex" in words:
        return text, display, encoding
    if words & {
        "wp-katex-eq",
        "katex-eq",
        "ztext-math",
        "process-math",
        "math-tex",
        "latex",
        "tex",
        "math",
    }:
        if _TEX_SIGN.search(text):
            if _reads_as_prose(text):
                return None
            return text, display, encoding
        if tex_page and "math" in words and element.tag == "span" and len(text.strip()) <= 3:
            return text, False, encoding
    return None


_WORD = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{4,}")


def _reads_as_prose(text: str) -> bool:
    bare = re.sub(r"\\[a-z]+\s*\{[^{}]*\}", " ", text)
    return len(_WORD.findall(bare)) > 4
