"""Papers' LaTeX sources to text: ours in reading order with macros resolved, and RedPajama's."""

from __future__ import annotations

from extractors.latex.errors import SourceError
from extractors.latex.expansion import ExpansionLimits
from extractors.latex.options import PaperOptions
from extractors.latex.paper import extract_paper, extract_paper_redpajama
from extractors.latex.source import PaperSource, SourceLimits, read_source

__all__ = [
    "ExpansionLimits",
    "PaperOptions",
    "PaperSource",
    "SourceError",
    "SourceLimits",
    "extract_paper",
    "extract_paper_redpajama",
    "read_source",
]
