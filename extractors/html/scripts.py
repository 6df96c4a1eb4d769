"""Subscripts and superscripts in plain HTML: formulas, ordinals or notes."""

from __future__ import annotations

import re

from extractors.html.name_sets import names

__all__ = ["script_text"]

_ORDINAL = re.compile(r"(?:st|nd|rd|th|e|er|ère|re|nd|ème|eme|º|ª|o|a|os|as)\.?\Z", re.IGNORECASE)
_MARK = re.compile(r"(?:TM|SM|®|™|℠|©|\*+|†|‡|§|¶)\Z")
_NOTE = re.compile(
    r"[\[(]?\s*(?:\d{1,3}|[a-z]|note\s*\d+|citation needed|[ivx]+)"
    r"(?:\s*[,;–-]\s*\d{1,3})*\s*[\])]?\Z"
)
_BRACKETED = re.compile(r"\s*[\[(].*[\])]\s*\Z")
_WORD = re.compile(r"[A-Za-zÀ-ɏ]{3,}[.,;:!?\"'”’)\]]*\Z")
_UNITS_AND_FUNCTIONS = names(
    "mm cm dm km nm µm μm mol kg sec min hr ft yd "
    "mi sin cos tan cot log exp sinh cosh tanh arcsin arccos arctan det max lim inf sup deg dim ker"
)
_PUNCTUATION_END = re.compile(r"[.,;:!?\"”’»]\Z")
_ATTACHED = re.compile(r"[A-Za-z0-9)\]}'\u0370-\u03ff\u2100-\u22ff\ue001|]\Z")


def script_text(base: str, content: str, *, is_sub: bool, has_link: bool) -> str:
    r"""What stands for ``<sub>content</sub>`` or ``<sup>content</sup>``.

    Where it's mathematical it becomes ``_{content}`` or ``^{content}``. Ordinals (1st) and marks
    (TM) stay as they are; a note's number becomes ``[1]``, so that it doesn't fuse with the word.

    Args:
        base: The text before, on the same line.
        content: The element's text.
        is_sub: Whether it's a subscript.
        has_link: Whether there's a link in it.
    """
    body = content.strip()
    if not body:
        return ""
    before = base.rstrip("\u200b")
    if not is_sub:
        if has_link:
            return body if _BRACKETED.match(body) else f"[{body}]"
        if _MARK.match(body):
            return body
        if before[-1:].isdigit() and _ORDINAL.match(body) and not body.isdigit():
            return body
        if _BRACKETED.match(body) and _NOTE.match(body):
            return body if "[" in body else f"^{{{body}}}"
    if not before or before[-1:].isspace() or not _ATTACHED.search(before):
        if not is_sub and _NOTE.match(body) and _PUNCTUATION_END.search(before):
            return f"[{body}]"
        if not before or before[-1].isspace():
            return body if len(body) > 3 and not is_sub else _script(body, is_sub)
    if len(body) > 60 or "\n" in body or body.count(" ") > 6:
        return f" {body} "
    if not is_sub and _NOTE.match(body) and body[:1].isdigit():
        word = _WORD.search(before)
        if word and word.group().rstrip(".,;:!?\"'”’)]").lower() not in _UNITS_AND_FUNCTIONS:
            return f"[{body}]"
    if _ORDINAL.match(body) and len(body) > 1 and not is_sub and before[-1:].isalpha():
        return body if body.lower() in {"er", "ère", "re", "me", "lle"} else _script(body, is_sub)
    return _script(body, is_sub)


def _script(body: str, is_sub: bool) -> str:
    return ("_" if is_sub else "^") + "{" + body + "}"
