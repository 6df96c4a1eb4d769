r"""Does a page speak of mathematics at all? Answered on its bytes, before anything is parsed.

OpenWebMath's prefilter let under 1 % of Common Crawl through, and its authors call it possibly too
strict (paper, appendix; spec section 1.0). It also read commands as substrings, so that
``C:\Users\intel`` passed for ``\in`` (spec section 1.2). Ours weighs evidence: the table
``math_evidence.yaml`` says what counts how much, and the sum is the score on record.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any, ClassVar

import yaml

from filters.rejudging import Bound, Law
from filters.web.byte_patterns import Matcher, compile_matcher
from schemas import Decision, Document

__all__ = ["MathPrefilter"]


@dataclass(frozen=True, slots=True)
class MathPrefilter:
    """Keeps pages whose bytes hold enough evidence of mathematics.

    Attributes:
        threshold: The least sum of weights; see ``math_evidence.yaml``.
    """

    threshold: float = 3.0

    name: ClassVar[str] = "math_prefilter"
    laws: ClassVar[tuple[Law, ...]] = (Bound("threshold", "at_least"),)

    def judge(self, document: Document) -> Decision:
        """Judges ``document.raw``; the decision's detail names the evidence found."""
        found = sorted(_matcher()(_as_utf8(document.raw)))
        if not found:
            return _NOTHING if self.threshold == _NOTHING.threshold else self._decide(0.0, "")
        table = _evidence()
        score = sum(table[row].weight for row in found)
        return self._decide(score, ", ".join(table[row].label for row in found[:8]))

    def _decide(self, score: float, detail: str) -> Decision:
        judged = Decision.keep if score >= self.threshold else Decision.drop
        reason = "pass" if score >= self.threshold else "no_math" if score == 0 else "little_math"
        return judged(self.name, reason, score=score, threshold=self.threshold, detail=detail)


# Nine pages of ten end here: one shared decision instead of one object each.
_NOTHING = Decision.drop("math_prefilter", "no_math", score=0.0, threshold=3.0)


@dataclass(frozen=True, slots=True)
class _Evidence:
    label: str
    weight: float
    pattern: bytes
    nocase: bool


@functools.cache
def _evidence() -> list[_Evidence]:
    text = resources.files("filters.web").joinpath("math_evidence.yaml").read_text("utf-8")
    groups: list[dict[str, Any]] = yaml.safe_load(text)["evidence"]
    return [
        _Evidence(
            _label(group["kind"], row),
            float(group["weight"]),
            _PATTERNS[group["kind"]](row),
            group["kind"] == "nocase",
        )
        for group in groups
        for row in group["rows"]
    ]


def _literal(row: str) -> bytes:
    return re.escape(row.encode())


_PATTERNS: dict[str, Callable[[str], bytes]] = {
    "literal": _literal,
    "nocase": _literal,
    "symbol": _literal,
    "entity": lambda row: b"&" + _literal(row) + b";",
    # A letter after it would make it another command.
    "command": lambda row: rb"\\" + _literal(row) + rb"(?:[^A-Za-z]|$)",
}


def _label(kind: str, row: str) -> str:
    return {"command": f"\\{row}", "entity": f"&{row};"}.get(kind, row)


@functools.cache
def _matcher() -> Matcher:
    rows = _evidence()
    return compile_matcher([row.pattern for row in rows], caseless=[row.nocase for row in rows])


_BOMS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def _as_utf8(raw: bytes | memoryview) -> bytes | memoryview:
    """The bytes as they are, or a UTF-16 page as UTF-8: its ASCII is interleaved with NULs."""
    head = bytes(raw[:64])
    encoding = _BOMS.get(head[:2])
    if encoding is None:
        if head.count(0) * 3 < len(head):
            return raw
        encoding = "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    return bytes(raw).decode(encoding, "replace").encode()
