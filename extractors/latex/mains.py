r"""Which files of a paper are read first: those that TeX is run on."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from extractors.latex.files import PaperFiles

__all__ = ["main_files"]

_DOCUMENT_CLASS = re.compile(
    r"\\document(?:class|style)\s*(?:\[[^\]]*\]\s*)?\{\s*([^{}\s]+)\s*\}|\\document(?:class|style)\b"
)
_BEGIN_DOCUMENT = re.compile(r"\\begin\s*\{document\}")
_INPUT = re.compile(
    r"\\(?:input|include|subfile|subfileinclude|@input)\s*(?:\{([^{}]+)\}|[ \t]*([^\s{}\\]+))"
    r"|\\(?:sub)?(?:import|inputfrom|includefrom)\*?\s*\{([^{}]*)\}\s*\{([^{}]*)\}"
)
# Plain TeX and AMS-TeX: how files begin and end that have no document class.
_PLAIN = re.compile(
    r"\\bye(?![a-zA-Z])|\\end\s*\Z|\\magnification|\\input\s+(?:amstex|amsppt|harvmac|phyzzx|jnl|epsf|"
    r"mssymb|tables|plain)|\\topmatter|\\enddocument|\\nopagenumbers"
)
_STRUCTURE = re.compile(
    r"\\(?:chapter|section|subsection|begin|noindent|par)(?![a-zA-Z])|\$|\n\s*\n"
)
_PART_CLASSES = frozenset(("subfiles", "standalone"))
# Names that authors give to the file to run, most telling first.
_USUAL_NAMES = ("main", "ms", "paper", "article", "manuscript", "arxiv", "root", "thesis", "draft")
_SAME_SHARE = 0.9
"""Share of a main file's text that others have read, from which it's another form of theirs."""
_FIRST = ("00readme.xxx", "00readme.json", "00readme.yaml", "00readme.yml", "00readme")


@dataclass(frozen=True, slots=True)
class _Directives:
    """What a 00README says: https://info.arxiv.org/help/00README.html."""

    toplevel: tuple[str, ...] = ()
    ignored: frozenset[str] = frozenset()


def main_files(files: PaperFiles) -> list[str]:
    """The files that TeX is run on, the paper itself before what comes with it.

    A 00README names them. Else they're the files with a document class that no other of them reads;
    where none has one, files that begin or end as plain TeX does; and where none does, whatever no
    other file reads.

    Args:
        files: The paper's files.
    """
    directives = _directives(files)
    named = [name for name in directives.toplevel if name in files and _is_tex(name)]
    if named:
        return named
    candidates = [
        name
        for name in files.names()
        if name not in directives.ignored and _may_be_main(name) and not _is_style(name)
    ]
    tex = [name for name in candidates if _is_tex(name)] or candidates
    inputs = {name: _inputs(files, name) for name in files.names() if name in tex or _is_tex(name)}
    reach = {name: _reach(name, inputs) for name in tex}
    roots = _roots(tex, inputs)
    has_class = {name for name in inputs if _document_class(files, name)}
    has_document = {name for name in inputs if _BEGIN_DOCUMENT.search(files.text(name))}
    parts = {name for name in has_class if _document_class(files, name) in _PART_CLASSES}
    for choice in (
        [n for n in roots if n not in parts and reach[n] & has_class and reach[n] & has_document],
        [n for n in roots if n not in parts and reach[n] & has_class],
        [n for n in roots if reach[n] & has_document],
        [n for n in roots if reach[n] & has_class],
        [n for n in roots if any(_PLAIN.search(files.text(item)) for item in reach[n])],
        [n for n in roots if _STRUCTURE.search(files.text(n))],
        roots,
    ):
        if choice:
            return _independent(files, choice, reach)
    return []


def _reach(name: str, inputs: dict[str, set[str]]) -> set[str]:
    """A file and all that it reads, and what they read."""
    found = {name}
    waiting = [name]
    while waiting:
        for item in inputs.get(waiting.pop(), ()):
            if item not in found:
                found.add(item)
                waiting.append(item)
    return found


def _roots(tex: Sequence[str], inputs: dict[str, set[str]]) -> list[str]:
    """The files that no other reads; of files that read each other, the first."""
    read = {item for name, items in inputs.items() for item in items if item != name}
    return [name for name in tex if name not in read] or list(tex[:1])


def _independent(files: PaperFiles, choice: Sequence[str], reach: dict[str, set[str]]) -> list[str]:
    """The main files in order, without those that only put the same text in another form."""
    size = {name: sum(len(files.decoded(item)) for item in reach[name]) for name in choice}
    taken: list[str] = []
    covered: set[str] = set()
    for name in sorted(choice, key=lambda name: _rank(files, name, size[name])):
        known = sum(len(files.decoded(item)) for item in reach[name] & covered)
        if known > _SAME_SHARE * size[name]:
            continue
        taken.append(name)
        covered |= reach[name]
    return taken


def _document_class(files: PaperFiles, name: str) -> str:
    match = _DOCUMENT_CLASS.search(files.text(name))
    return (match.group(1) or "unknown") if match is not None else ""


def _inputs(files: PaperFiles, name: str) -> set[str]:
    """The files that a file reads itself."""
    found: set[str] = set()
    folder = posixpath.dirname(name)
    for braced, plain, directory, imported in _INPUT.findall(files.text(name)):
        wanted = posixpath.join(directory, imported) if imported else braced or plain
        target = files.find(wanted) or files.find(wanted, folder)
        if target is not None:
            found.add(target)
    return found


def _rank(files: PaperFiles, name: str, size: int) -> tuple[int, int, int, int, str]:
    stem = posixpath.splitext(posixpath.basename(name))[0].lower()
    usual = next(
        (rank for rank, word in enumerate(_USUAL_NAMES) if stem == word),
        next((10 + rank for rank, word in enumerate(_USUAL_NAMES) if word in stem), 99),
    )
    supplement = int(re.search(r"supp|append|response|cover|letter|rebuttal|old", stem) is not None)
    has_bbl = 0 if f"{posixpath.splitext(name)[0]}.bbl" in files else 1
    return supplement, has_bbl, usual, -size, name


def _is_tex(name: str) -> bool:
    return name.lower().endswith((".tex", ".ltx", ".latex"))


def _is_style(name: str) -> bool:
    return name.lower().endswith((".sty", ".cls", ".bbl", ".def", ".clo", ".ldf", ".cfg", ".fd"))


def _may_be_main(name: str) -> bool:
    base = posixpath.basename(name)
    if base.lower().startswith("00readme") or base.lower() in (
        "makefile",
        "readme",
        "license",
    ):
        return False
    top = name.split("/", 1)[0]
    return top != "anc" and not base.lower().endswith((".md", ".txt", ".yaml", ".yml", ".toml"))


def _directives(files: PaperFiles) -> _Directives:
    written = {name.lower(): name for name in files.names()}
    for name in _FIRST:
        if name not in written:
            continue
        text = files.decoded(written[name])
        if name.endswith((".json", ".yaml", ".yml")):
            return _structured(text)
        return _lines(text)
    return _Directives()


def _lines(text: str) -> _Directives:
    """Version 1: a file's name and a word on each line."""
    toplevel: list[str] = []
    ignored: set[str] = set()
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2:
            continue
        name = posixpath.normpath(words[0])
        if words[1].lower() == "toplevelfile":
            toplevel.append(name)
        elif words[1].lower() in ("ignore", "include"):
            ignored.add(name)
    return _Directives(tuple(toplevel), frozenset(ignored))


def _structured(text: str) -> _Directives:
    """Version 2: a list of sources, each with its usage."""
    try:
        content = json.loads(text)
    except ValueError:
        try:
            content = yaml.safe_load(text)
        except yaml.YAMLError:
            return _Directives()
    sources = content.get("sources") if isinstance(content, dict) else None
    toplevel: list[str] = []
    ignored: set[str] = set()
    for source in sources if isinstance(sources, list) else ():
        if not isinstance(source, dict) or not isinstance(source.get("filename"), str):
            continue
        name = posixpath.normpath(source["filename"])
        if source.get("usage", "toplevel") == "toplevel":
            toplevel.append(name)
        elif source.get("usage") in ("ignore", "include"):
            ignored.add(name)
    return _Directives(tuple(toplevel), frozenset(ignored))
