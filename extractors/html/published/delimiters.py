r"""Formulas between delimiters in the extracted text, and which delimiters a page has.

Source: keirp/OpenWebMath @98f81d0, text_extraction/text_extract/latex_processing.py (spec section
1.4, source 19).
"""

from __future__ import annotations

import json
import re
from typing import Any

from extractors.html.published.counts import Counts
from extractors.html.published.marks import formula, mark
from schemas.latex_commands import POPULAR_COMMANDS

__all__ = ["Delimiter", "page_delimiters", "replace_delimited"]

Delimiter = tuple[str, str, str]
"""Opening, closing, and the counter of what stands between them."""

_INLINE, _DISPLAY, _ASCIIMATH = "mathjax_inline_tex", "mathjax_display_tex", "mathjax_asciimath"

# \( \) and \[ \] are swapped against their meaning (defect 1).
_DEFAULT_INLINE: tuple[tuple[str, str], ...] = (
    ("$", "$"),
    ("\\[", "\\]"),
    ("[itex]", "[/itex]"),
    ("[math]", "[/math]"),
    ("[latex]", "[/latex]"),
    ("[texx]", "[/texx]"),
)
_DEFAULT_DISPLAY: tuple[tuple[str, str], ...] = (
    ("\\(", "\\)"),
    ("$$", "$$"),
    ("[tex]", "[/tex]"),
)

# A whole command speaks for a page, unlike in the prefilter, where a substring does.
_COMMAND = re.compile("(?:" + "|".join(map(re.escape, POPULAR_COMMANDS)) + ")(?![a-zA-Z])")
# Exactly one space after the colon, and no closing bracket inside: what many pages write otherwise
# isn't read.
_TEX2JAX = re.compile(r"tex2jax: {[^}]*}")
_ASCIIMATH2JAX = re.compile(r"asciimath2jax: {[^}]*}")
_KATEX = re.compile(r"delimiters: \[[^\]]*\]")


def page_delimiters(page: str) -> list[Delimiter] | None:
    """The delimiters of a page, longest first; None when nothing on it speaks of formulas.

    Args:
        page: The serialised page, before anything was changed.
    """
    lowered = page.lower()
    if not ("mathjax" in lowered or "katex" in lowered or _COMMAND.search(page)):
        return None
    inline, display = list(_DEFAULT_INLINE), list(_DEFAULT_DISPLAY)
    configured = _literal(_TEX2JAX, page, "tex2jax")
    if isinstance(configured, dict):
        inline += _pairs(configured.get("inlineMath"))
        display += _pairs(configured.get("displayMath"))
    for entry in _literal(_KATEX, page, "delimiters") or ():
        if not (isinstance(entry, dict) and {"left", "right", "display"} <= entry.keys()):
            break
        pair = (str(entry["left"]), str(entry["right"]))
        (display if entry["display"] else inline).append(pair)
    configured = _literal(_ASCIIMATH2JAX, page, "asciimath2jax")
    asciimath = [("`", "`")]
    if isinstance(configured, dict) and "delimiters" in configured:
        asciimath = _pairs(configured["delimiters"])
    delimiters = [
        *((*pair, _INLINE) for pair in inline),
        *((*pair, _DISPLAY) for pair in display),
        *((*pair, _ASCIIMATH) for pair in asciimath),
    ]
    return sorted(delimiters, key=lambda delimiter: -len(delimiter[0]))


def replace_delimited(text: str, delimiters: list[Delimiter], counts: Counts) -> str:
    """Marks formulas between delimiters in the text, delimiter by delimiter.

    Prices on such a page are formulas (defect 10); what stands between backticks loses them and is
    not converted (defect 8), code included. A formula can be found within one found before.
    """
    for opening, closing, source in delimiters:
        parts: list[str] = []
        place = 0
        while True:
            start = text.find(opening, place)
            end = text.find(closing, start + len(opening)) if start >= 0 else -1
            if end < 0:
                break
            tex = text[start + len(opening) : end]
            written = tex if source == _ASCIIMATH else formula(tex, display=source == _DISPLAY)
            if written:
                counts.find(source, written)
            parts += text[place:start], mark(written, "math")
            place = end + len(closing)
        if parts:
            counts.info["found_math"] = True
            counts.count(source)
            text = "".join(parts) + text[place:]
    return text


def _literal(pattern: re.Pattern[str], page: str, key: str) -> Any:
    """A JavaScript literal where naive quoting makes JSON of it, else None."""
    match = pattern.search(page)
    if match is None:
        return None
    text = "{" + re.sub(r"(\w+):", r'"\1":', match.group()) + "}"
    text = re.sub(r",\s*}", "}", text.replace("'", '"'))
    try:
        return json.loads(text)[key]
    except ValueError:
        return None


def _pairs(value: object) -> list[tuple[str, str]]:
    """Pairs of strings; others made the original fail on the page, and are passed over here."""
    if not isinstance(value, list):
        return []
    return [
        (pair[0], pair[1])
        for pair in value
        if isinstance(pair, list)
        and len(pair) >= 2
        and isinstance(pair[0], str)
        and isinstance(pair[1], str)
        and pair[0]
        and pair[1]
    ]
