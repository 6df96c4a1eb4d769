"""C or C++? A header's suffix doesn't tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from schemas import Decision, Document

__all__ = ["HeaderLanguage"]

# What no C header has at the beginning of a line.
_CPP = re.compile(
    r"^[ \t]*(?:template\s*<|namespace\s+\w|using\s+(?:namespace\s+)?\w|class\s+\w+[^;(]*[{:]|"
    r"(?:public|private|protected)\s*:|virtual\s|#\s*include\s*<(?:vector|string|map|memory|"
    r"iostream|algorithm|complex|functional|array|utility|type_traits|Eigen/\w+)>)|\bstd::",
    re.MULTILINE,
)
# ``extern "C"`` and its guard are C's way to be read by C++.


@dataclass(frozen=True, slots=True)
class HeaderLanguage:
    """Sets ``programming_language`` to C++ for ``.h`` files that only C++ can read; keeps all."""

    name: ClassVar[str] = "header_language"

    def judge(self, document: Document) -> Decision:
        """Judges ``.h`` files by their constructs."""
        if document.programming_language != "c" or not document.path.lower().endswith(".h"):
            return Decision.keep(self.name, "no_header")
        match = _CPP.search(document.text)
        if match is None:
            return Decision.keep(self.name, "c")
        document.programming_language = "cpp"
        return Decision.keep(self.name, "cpp", detail=" ".join(match.group().split())[:40])
