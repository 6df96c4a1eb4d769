"""What an HTML extractor returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Extraction"]


@dataclass(frozen=True, slots=True)
class Extraction:
    r"""The text of one page and how it was made.

    Attributes:
        text: Main content; Markdown-like, inline formulas ``$..$``, display formulas ``$$..$$``,
            a dollar sign that is no delimiter as ``\$``.
        title: The page's title, empty when it has none.
        formulas_found: Formulas in the source by encoding (``mathjax_script``, ``katex``, ...).
        formulas_kept: Those of them that are in ``text``.
        method: ``main`` (main content found), or the fallback that was needed: ``full`` where there
            was none, ``untagged`` where the page has too many elements for a tree.
        encoding: The character encoding that the bytes were read in.
        info: Counters under the names of OpenWebMath's ``extraction_info``; and
            ``macros_elsewhere`` where the page's macros are defined at another address, so that
            they stay as they are written.
        config: The settings that the text was extracted with, where they vary by page.
    """

    text: str
    title: str = ""
    formulas_found: dict[str, int] = field(default_factory=dict)
    formulas_kept: dict[str, int] = field(default_factory=dict)
    method: str = "main"
    encoding: str = ""
    info: Mapping[str, int | bool | str] = field(default_factory=dict)
    config: dict[str, bool | int | float | str] = field(default_factory=dict)
