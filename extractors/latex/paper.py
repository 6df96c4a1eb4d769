"""A paper's source to its text: the two editions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from extractors.extraction import Extraction
from extractors.latex.cleaning import CleanPaper, clean_paper
from extractors.latex.commands import HANDLERS
from extractors.latex.errors import SourceError
from extractors.latex.expansion import ExpandedPaper, Expander, ExpansionLimits
from extractors.latex.files import PaperFiles
from extractors.latex.mains import main_files
from extractors.latex.markdown import plain_text, to_markdown
from extractors.latex.options import PaperOptions
from extractors.latex.redpajama import clean_redpajama
from extractors.latex.source import PaperSource, SourceLimits, read_source
from extractors.latex.vocabulary import vocabulary

__all__ = ["extract_paper", "extract_paper_redpajama"]

_MOST_MAIN_FILES = 20
_LONG_LINE = 40
_COPY_SHARE = 0.7
"""Share of a further document's long lines that the paper has, from which it's another version."""
_SHOWN_NAMES = 20


def extract_paper(
    raw: bytes | memoryview,
    options: PaperOptions | None = None,
    *,
    source_limits: SourceLimits | None = None,
    expansion_limits: ExpansionLimits | None = None,
) -> Extraction:
    """The text of a paper.

    Args:
        raw: What arXiv stores of it.
        options: What is kept.
        source_limits: Bounds on what it may unpack to.
        expansion_limits: Bounds on what its macros may become.

    Raises:
        SourceError: It has no source that can be read.
    """
    options = options or PaperOptions()
    source = read_source(raw, source_limits)
    files = PaperFiles(source.files)
    papers: list[ExpandedPaper] = []
    texts: list[CleanPaper] = []
    seen: set[str] = set()
    copies = 0
    mains = main_files(files)
    for main in mains[:_MOST_MAIN_FILES]:
        reader = Expander(
            files,
            HANDLERS,
            vocabulary().protected,
            vocabulary().protected_environments,
            expansion_limits,
            bibliography=options.bibliography,
        )
        paper = reader.read(main)
        clean = clean_paper(paper, options, files.verbatim)
        lines = {line.strip() for line in clean.text.split("\n") if len(line) >= _LONG_LINE}
        if texts and lines and len(lines & seen) > _COPY_SHARE * len(lines):
            copies += 1
            continue
        seen |= lines
        papers.append(paper)
        texts.append(clean)
    return _extraction(source, files, papers, texts, copies, options)


def _extraction(
    source: PaperSource,
    files: PaperFiles,
    papers: list[ExpandedPaper],
    texts: list[CleanPaper],
    copies: int,
    options: PaperOptions,
) -> Extraction:
    parts = [clean.text for clean in texts if clean.text]
    if options.form == "markdown":
        parts = [
            to_markdown(clean.text, paper.theorems)
            for clean, paper in zip(texts, papers, strict=True)
            if clean.text
        ]
    read = [name for paper in papers for name in paper.files]
    left = Counter(why for paper in papers for why in paper.left.values())
    info: dict[str, int | bool | str] = {
        "source": source.form,
        "main_files": len(texts),
        "files_read": len(set(read)),
        "macros_expanded": sum(paper.expansions for paper in papers),
    }
    _note(info, "copies_dropped", copies)
    _note(info, "truncated", any(paper.truncated for paper in papers))
    _note(info, "missing_inputs", _named(name for paper in papers for name in paper.missing))
    _note(info, "cyclic_inputs", _named(name for paper in papers for name in paper.cycles))
    _note(info, "macros_left", _named(name for paper in papers for name in paper.left))
    for why, count in sorted(left.items()):
        info[f"macros_left_{why}"] = count
    for note, count in sorted(source.notes.items()):
        info[f"skipped_{note}"] = count
    return Extraction(
        "\n\n".join(parts),
        title=next((plain_text(clean.title) for clean in texts if clean.title), ""),
        formulas_found=dict(sum((clean.found for clean in texts), Counter())),
        formulas_kept=dict(sum((clean.kept for clean in texts), Counter())),
        method=source.form,
        encoding=_encodings(files, read),
        info=info,
    )


def _note(info: dict[str, int | bool | str], name: str, value: int | bool | str) -> None:
    if value:
        info[name] = value


def _named(names: Iterable[str]) -> str:
    """Names as one text, the first of them where there are many."""
    found = sorted(set(names))
    return " ".join(found[:_SHOWN_NAMES]) + (" ..." if len(found) > _SHOWN_NAMES else "")


def _encodings(files: PaperFiles, read: Iterable[str]) -> str:
    """The encodings of the files that were read; ASCII goes without saying."""
    found = {files.encodings[name] for name in read if name in files.encodings}
    return ",".join(sorted(found - {"ascii"})) or "ascii"


_INLINE_OR_DISPLAY = re.compile(r"(?<!\\)\$\$?[^$]+\$\$?|\\\[|\\\(")
_ENVIRONMENT = re.compile(
    r"\\begin\{(?:equation|align|eqnarray|gather|multline|displaymath|math)\*?\}"
)


def extract_paper_redpajama(
    raw: bytes | memoryview, *, source_limits: SourceLimits | None = None
) -> Extraction:
    """The text of a paper as RedPajama's cleaner made it.

    Args:
        raw: What arXiv stores of it.
        source_limits: Bounds on what it may unpack to.

    Raises:
        SourceError: It has no source that can be read; ``not_utf8`` where one file isn't UTF-8,
            for which the original dropped the paper.
    """
    source = read_source(raw, source_limits)
    if any(name.endswith(".tex") for name in source.binary):
        raise SourceError("not_utf8", f"{source.binary[0]} is no text")
    names = [name for name in source.files if source.form == "single" or name.endswith(".tex")]
    texts: list[str] = []
    for name in names:
        try:
            texts.append(source.files[name].decode("utf-8"))
        except UnicodeDecodeError as error:
            raise SourceError("not_utf8", f"{name}: {error}") from error
    text = clean_redpajama(texts)
    kept = {
        "dollar": len(_INLINE_OR_DISPLAY.findall(text)),
        "environment": len(_ENVIRONMENT.findall(text)),
    }
    return Extraction(
        text,
        formulas_kept={kind: count for kind, count in kept.items() if count},
        method=source.form,
        encoding="utf-8",
        info={"source": source.form, "files_read": len(texts)},
    )
