r"""arXiv's identifiers, old and new (https://info.arxiv.org/help/arxiv_identifier.html)."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["ArxivId", "arxiv_id"]

_NEW = re.compile(r"(\d{4}\.\d{4,5})(?:v(\d+))?")
_OLD = re.compile(r"([a-z][a-z-]*)(?:\.[A-Z]{2})?/?(\d{7})(?:v(\d+))?")
_ENDING = re.compile(r"\.(?:tar\.gz|tgz|gz|pdf|tar|tex|ltx|ps\.gz|html\.gz)$", re.IGNORECASE)
_FIRST_YEAR = 91
"""arXiv began in August 1991; two digits below are of this century."""


@dataclass(frozen=True, slots=True)
class ArxivId:
    """An identifier.

    Attributes:
        number: As arXiv writes it: ``2004.14974``, ``math/0309136``.
        version: Its version, 0 when the identifier doesn't say.
    """

    number: str
    version: int = 0

    @property
    def month(self) -> str:
        """The month that the identifier was given in, ``YYYY-MM``; empty for one that is none."""
        digits = self.number.rpartition("/")[2][:4]
        year, month = int(digits[:2]), int(digits[2:])
        if not 1 <= month <= 12:
            return ""
        return f"{2000 + year if year < _FIRST_YEAR else 1900 + year}-{month:02d}"

    @property
    def archive(self) -> str:
        """The archive of an old identifier; empty for a new one, which doesn't tell."""
        return self.number.partition("/")[0] if "/" in self.number else ""

    @property
    def url(self) -> str:
        """Where the paper is."""
        version = f"v{self.version}" if self.version else ""
        return f"https://arxiv.org/abs/{self.number}{version}"


def arxiv_id(name: str) -> ArxivId | None:
    """The identifier that a file's name or a text is; None when it's none.

    Args:
        name: ``2004.14974v2.gz``, ``math0309136.gz``, ``math/0309136``, with folders or without.
    """
    base = _ENDING.sub("", name)
    folder, slash, last = base.rpartition("/")
    new = _NEW.fullmatch(last)
    if new is not None:
        return ArxivId(new.group(1), int(new.group(2) or 0))
    tail = folder.rpartition("/")[2]
    whole = f"{tail}/{last}" if slash and last[:1].isdigit() and not tail.isdigit() else last
    old = _OLD.fullmatch(whole)
    if old is not None:
        return ArxivId(f"{old.group(1)}/{old.group(2)}", int(old.group(3) or 0))
    return None
