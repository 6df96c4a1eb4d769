"""The formulas of real pages as the pages' own libraries find them.

``python -m benchmarks.oracle`` opens pages in a headless browser without network, answers their
requests for MathJax and KaTeX from npm packages of the version they ask for, lets their own
configuration run, and writes what the library lists, one page a line. This module reads that.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Page", "TrueFormula", "Truth", "read_truth"]


@dataclass(frozen=True, slots=True)
class TrueFormula:
    """A formula of a page.

    Attributes:
        oracle: Who says so: the library that ran, or ``static:`` and the markup that was read.
        format: ``tex``, ``mathml`` or ``asciimath``.
        display: Whether it's displayed; nothing where the page doesn't say.
        text: Its source.
        mathml: The library's MathML for it; empty where there is none.
        visible: Whether the browser shows the element it stands in.
        chrome: Whether it stands in what frames the page: navigation, sidebars, footers.
        code: Whether it stands in code.
    """

    oracle: str
    format: str
    display: bool | None
    text: str
    mathml: str
    visible: bool
    chrome: bool
    code: bool

    @property
    def is_wanted(self) -> bool:
        """Whether an extractor should have it: shown, and neither frame nor code."""
        return self.visible and not self.chrome and not self.code


@dataclass(frozen=True, slots=True)
class Page:
    """A page with its formulas, in document order.

    Attributes:
        path: The file.
        collection: Which collection of pages it belongs to.
        library: The library that ran in it; empty when none did.
        settings_missing: Whether the library's settings are in a script that can't be had, so that
            the library may have missed formulas.
        error: What went wrong; empty when nothing did.
        formulas: What was found.
    """

    path: Path
    collection: str
    library: str
    settings_missing: bool
    error: str
    formulas: tuple[TrueFormula, ...]

    @property
    def examined(self) -> bool:
        """Whether there was something to find: a library looked for formulas, or some are there."""
        return bool(self.formulas or self.library)


@dataclass(frozen=True, slots=True)
class Truth:
    """What a run of the oracle found.

    Attributes:
        browser: The browser's version.
        packages: Versions of the libraries.
        pages: The pages.
    """

    browser: str
    packages: dict[str, str]
    pages: tuple[Page, ...]


def read_truth(path: Path) -> Truth:
    """Reads what a run of the oracle wrote.

    Raises:
        ValueError: A line isn't what the oracle writes.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    if not lines:
        raise ValueError(f"{path} is empty; run python -m benchmarks.oracle")
    head = json.loads(lines[0])
    return Truth(head["browser"], head["packages"], tuple(_page(json.loads(x)) for x in lines[1:]))


_SETTINGS = re.compile(r"mathjax.*(?:config|setting)|(?:config|setting).*mathjax", re.IGNORECASE)


def _page(row: dict[str, Any]) -> Page:
    path = Path(row["page"])
    return Page(
        path=path,
        collection=collection_of(path),
        library=row.get("library", ""),
        settings_missing=row.get("end") in {"unconfigured", "late"}
        or any(_SETTINGS.search(address) for address in row.get("refused", ())),
        error=row.get("error", ""),
        formulas=tuple(
            TrueFormula(**{name: formula[name] for name in TrueFormula.__slots__})
            for formula in row["formulas"]
        ),
    )


def collection_of(path: Path) -> str:
    """The collection that a page belongs to, by where it lies."""
    if path.parent.name == "derived":
        return "derived"
    if path.parent.name == "html_math":
        return "html_math"
    parts = path.parts
    if "origin" in parts and "bench" in parts:
        return "llm-webkit bench"
    if "html" in parts:
        below = parts[parts.index("html") + 1 :]
        return below[0] if len(below) > 1 else "html"
    return path.parent.name
