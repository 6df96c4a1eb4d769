r"""Which formulas of a paper's document are in its text, by no code of the cleaner's.

The source is read by plasTeX's tokenizer and expanded by plasTeX's own macro machinery, file by
file as ``\input`` asks; formulas are cut from that token stream. The output is tokenized by plasTeX
too, in the state that the source left, so that a macro that the cleaner left alone means the same
on both sides. Two formulas are equal when their tokens are, blanks and braces aside (a macro that
stands for an argument needs braces once it's expanded), and recall is over the multiset.

    python benchmarks/latex_formulas.py PAPERS... [--json out.json]

A paper is a folder, a ``.gz`` as arXiv has it, or an arXiv tar. Needs plasTeX (not installed by
default: ``pip install plasTeX``).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plasTeX import Command, NewCommand, TeXDocument
from plasTeX import Definition as PlasDefinition
from plasTeX.TeX import TeX
from plasTeX.Tokenizer import EscapeSequence, MathShift, Token

from benchmarks.latex_papers import named_papers
from extractors.latex import SourceError, extract_paper, extract_paper_redpajama, read_source
from extractors.latex.files import PaperFiles
from extractors.latex.mains import main_files

# Written anew here, so that the cleaner's table isn't its own judge.
FORMULA_ENVIRONMENTS = frozenset(
    "equation equation* align align* alignat alignat* gather gather* multline multline* eqnarray"
    " eqnarray* flalign flalign* displaymath math dmath dmath* IEEEeqnarray IEEEeqnarray* tikzcd"
    " array".split()
)
DROPPED = frozenset(
    "thebibliography references REFERENCES biblist comment picture pspicture filecontents"
    " filecontents*".split()
)
VERBATIM = frozenset("verbatim verbatim* lstlisting Verbatim minted alltt".split())
_DEFINERS = frozenset(
    "newcommand renewcommand providecommand DeclareRobustCommand def gdef edef xdef let"
    " newenvironment renewenvironment".split()
)
# What isn't read by the paper's readers: entries of the index, thanks and addresses, notes to self.
_NOT_BODY = frozenset(
    "label index thanks address email affiliation institute todo marginpar".split()
)
_INPUTS = frozenset(("input", "include", "subfile"))
_HEADINGS = frozenset(("\\section", "\\subsection", "\\chapter", "\\begin{proof}"))
_MOST_TOKENS = 30_000_000
_MOST_SECONDS = 30


@dataclass
class Formulas:
    """Formulas of a text: how often each is there, by its tokens."""

    counts: Counter[str] = field(default_factory=Counter)
    shown: dict[str, str] = field(default_factory=dict)

    def add(self, tokens: list[str]) -> None:
        """Takes a formula in."""
        key = "".join(token for token in tokens if token not in ("{", "}") and not token.isspace())
        if not key:
            return
        self.counts[key] += 1
        self.shown.setdefault(key, " ".join(tokens)[:160])


class Reader:
    """Reads TeX with plasTeX and cuts formulas from what comes of it."""

    def __init__(self, files: PaperFiles, *, opaque_internals: bool = False) -> None:
        self._files = files
        self._opaque = opaque_internals
        self.document = TeXDocument()
        _forget_commands(self.document)
        self.failures: Counter[str] = Counter()
        self._styles_read: set[str] = set()
        self._defines = True

    def formulas(self, text: str, *, whole: bool) -> Formulas:
        """The formulas of a text.

        Args:
            text: TeX.
            whole: Whether it is a document, of which only the body counts.
        """
        self._defines = whole
        found = Formulas()
        stack: list[tuple[str, list[str]]] = []
        started = not whole
        for token in self._tokens(text, lambda: bool(stack)):
            if token == "\\begin{document}":
                started = True
                stack.clear()
                continue
            if token == "\\end{document}":
                break
            opens, closes = _ends(token, stack)
            if closes:
                _, tokens = stack.pop()
                if not stack and started:
                    found.add(tokens)
                elif stack:
                    stack[-1][1].extend(tokens)
            elif opens:
                stack.append((token, []))
            elif stack:
                stack[-1][1].append(token)
                if token == "\\par" or token in _HEADINGS:
                    stack.clear()  # TeX would stop here: something wasn't closed
        return found

    def _tokens(self, text: str, in_math: Callable[[], bool]) -> Iterator[str]:
        """Tokens after expansion, as they'd be written; tags of environments as one."""
        tex = TeX(self.document)
        tex.input(_without_verbatim(text))
        iterator = tex.itertokens()
        skipping = ""
        for _, token in zip(range(_MOST_TOKENS), iterator, strict=False):
            name = str(token) if isinstance(token, EscapeSequence) else ""
            if name in ("begin", "end"):
                environment = self._group(tex)
                if skipping:
                    skipping = "" if name == "end" and environment == skipping else skipping
                elif name == "begin" and environment in DROPPED:
                    skipping = environment
                elif not self._user_environment(tex, name, environment):
                    yield f"\\{name}{{{environment}}}"
            elif skipping:
                continue
            elif name:
                yield from self._command(tex, name, in_math)
            elif token.catcode == Token.CC_MATHSHIFT:
                following = next(iterator, None)
                if getattr(following, "catcode", None) == Token.CC_MATHSHIFT:
                    yield "$$"
                    continue
                if following is not None:
                    tex.pushToken(following)
                yield "$"
            else:
                yield str(token)

    def _command(self, tex: Any, name: str, in_math: Callable[[], bool]) -> Iterator[str]:
        context = self.document.context
        kind = context.top.get(name) if hasattr(context.top, "get") else None
        if kind is None:
            with contextlib.suppress(KeyError):
                kind = context.top[name]
        defined = isinstance(kind, type) and issubclass(kind, (NewCommand, PlasDefinition))
        if name in _INPUTS:
            self._input(tex)
        elif name in ("usepackage", "documentclass"):
            self._styles(tex, ".sty" if name == "usepackage" else ".cls")
        elif name in _NOT_BODY:
            self._group(tex)
        elif name == "DeclareMathOperator":
            self._operator(tex)
        elif name == "ensuremath":
            content = self._content(tex)
            dollars = [] if in_math() else [MathShift("$")]
            tex.pushTokens([*dollars, *content, *dollars])
        elif name == "ifmmode":
            tex.processIfContent(in_math())
        elif name in _WITHOUT_MEANING or name in ("else", "fi"):
            return
        elif defined and self._opaque and _is_internal(kind):
            yield f"\\{name}"
        elif name in _DEFINERS or name == "newif":
            # Those that a cleaner left in a text, perhaps broken, are text.
            if self._defines:
                self._push(tex, name)
            else:
                yield f"\\{name}"
        elif self._carried_out(name, kind):
            self._push(tex, name)
        else:
            yield f"\\{name}"

    @staticmethod
    def _carried_out(name: str, kind: Any) -> bool:
        """Whether a command is a macro of the paper, a test, or sets a switch."""
        if not isinstance(kind, type):
            return False
        if issubclass(kind, (NewCommand, PlasDefinition)) and kind.definition is not None:
            return True
        if name.startswith("if"):
            return issubclass(kind, Command)
        return name.endswith(("true", "false")) and not kind.__module__.startswith("plasTeX.Base")

    def _push(self, tex: Any, name: str, mode: int | None = None) -> None:
        """Carries a command out and reads next what it stands for."""
        try:
            node = self.document.createElement(name)
            node.parentNode = None
            node.contextDepth = self.document.context.depth
            tokens = node.invoke(tex)
        except Exception as error:
            self.failures[f"{name}: {type(error).__name__}"] += 1
            return
        if tokens:
            tex.pushTokens(
                [token for token in tokens if token is not node and isinstance(token, Token)]
            )

    def _user_environment(self, tex: Any, name: str, environment: str) -> bool:
        if environment in FORMULA_ENVIRONMENTS:
            return False  # whatever a class makes of them
        command = environment if name == "begin" else f"end{environment}"
        try:
            kind = self.document.context.top[command]
        except KeyError:
            return False
        if not issubclass(kind, (NewCommand, PlasDefinition)) or kind.definition is None:
            return False
        self._push(tex, command)
        return True

    def _group(self, tex: Any) -> str:
        return "".join(str(token) for token in self._content(tex)).strip()

    def _content(self, tex: Any) -> list[Any]:
        content = tex.readArgument()
        return list(content) if content is not None else []

    def _input(self, tex: Any) -> None:
        name = self._group(tex) if self._brace_follows(tex) else self._word(tex)
        found = self._files.find(name)
        if found is not None and not found.endswith((".pdf_tex", ".tikz")):
            tex.input(_without_verbatim(self._files.decoded(found)))

    def _styles(self, tex: Any, ending: str) -> None:
        """Reads the paper's own styles for what they define."""
        if self._next_is(tex, "["):
            for token in tex.itertokens():
                if str(token) == "]":
                    break
        names = [name.strip() + ending for name in self._group(tex).split(",")]
        for name in names:
            if name in self._files and name not in self._styles_read:
                self._styles_read.add(name)
                for definition in _STYLE_DEFINITION.findall(self._files.decoded(name)):
                    inner = TeX(self.document)
                    inner.input(definition)
                    for token in inner.itertokens():
                        if isinstance(token, EscapeSequence) and str(token) in _DEFINERS:
                            self._push(inner, str(token))
                        break

    def _operator(self, tex: Any) -> None:
        star = "*" if self._next_is(tex, "*") else ""
        if star:
            next(tex.itertokens())
        name = self._group(tex)
        body = "".join(
            f"\\{token} " if isinstance(token, EscapeSequence) else str(token)
            for token in self._content(tex)
        )
        self.document.context.newcommand(name, 0, f"\\operatorname{star}{{{body}}}")

    @staticmethod
    def _next_is(tex: Any, sign: str) -> bool:
        token = next(tex.itertokens(), None)
        if token is None:
            return False
        tex.pushToken(token)
        return str(token) == sign

    @staticmethod
    def _brace_follows(tex: Any) -> bool:
        token = next(tex.itertokens(), None)
        if token is None:
            return False
        tex.pushToken(token)
        return bool(token.catcode == Token.CC_BGROUP)

    @staticmethod
    def _word(tex: Any) -> str:
        word = ""
        for token in tex.itertokens():
            if isinstance(token, EscapeSequence) or str(token).isspace():
                break
            word += str(token)
        return word


def _forget_commands(document: TeXDocument) -> None:
    r"""Leaves plasTeX what defines and tests: it refuses to let a paper redefine what it knows,
    ``\epsilon`` say."""
    known = document.context.contexts[0]
    for name, kind in list(known.items()):
        if not isinstance(name, str) or not isinstance(kind, type):
            continue
        kept = name in _DEFINERS or name.startswith(("if", "newif")) or name in ("else", "fi", "or")
        if not kept and str(getattr(kind, "__module__", "")).startswith("plasTeX.Base"):
            del known[name]


def _is_internal(kind: Any) -> bool:
    """Whether a macro's body uses LaTeX's internals, in which plasTeX may run for ever."""
    return any(
        isinstance(token, EscapeSequence) and ("@" in token or token.startswith("if"))
        for token in kind.definition or ()
    )


# Definitions on one line, or with one level of braces across lines; internals are left out.
_STYLE_DEFINITION = re.compile(
    r"(\\(?:(?:re|provide)?newcommand\*?|def)\s*\{?\\[A-Za-z]+\}?(?:\[\d\])?(?:\[[^\]@]*\])?[#\d]*"
    r"\{(?:[^{}@%]|\{(?:[^{}@%]|\{[^{}@%]*\})*\})*\})"
)
_WITHOUT_MEANING = frozenset(
    "protect relax xspace noindent centering makeatletter makeatother".split()
)
_VERBATIM = re.compile(
    r"\\verb\*?([^A-Za-z\s*]).*?\1|\\(?:url|path|nolinkurl)\s*\{[^{}\n]*\}"
    r"|\\begin\{(" + "|".join(map(re.escape, sorted(VERBATIM))) + r")\}.*?\\end\{\2\}",
    re.DOTALL,
)


def _without_verbatim(text: str) -> str:
    """What TeX reads character by character isn't formulas, whatever signs it holds."""
    return _VERBATIM.sub("", text)


def _ends(token: str, stack: list[tuple[str, list[str]]]) -> tuple[bool, bool]:
    """Whether a token opens a formula and whether it closes the innermost."""
    opener = stack[-1][0] if stack else ""
    if token in ("$", "$$"):
        return (opener != token, opener == token)
    if token in ("\\(", "\\["):
        return True, False
    if token == "\\)":
        return False, opener == "\\("
    if token == "\\]":
        return False, opener == "\\["
    if token.startswith("\\begin{") and token[7:-1] in FORMULA_ENVIRONMENTS:
        return True, False
    if token.startswith("\\end{") and token[5:-1] in FORMULA_ENVIRONMENTS:
        return False, opener == f"\\begin{{{token[5:-1]}}}"
    return False, False


def _lost(source: Formulas, text: Formulas) -> Counter[str]:
    return source.counts - text.counts


class _TooLong(BaseException):
    """plasTeX runs for ever."""


def measure(name: str, raw: bytes) -> dict[str, Any] | None:
    """Recall of both editions on one paper; None for one without source.

    A paper on which plasTeX doesn't come to an end is read again with the macros that use LaTeX's
    internals left alone on both sides.
    """

    def ring(*_: object) -> None:
        raise _TooLong

    signal.signal(signal.SIGALRM, ring)
    for opaque in (False, True):
        signal.alarm(_MOST_SECONDS if not opaque else 4 * _MOST_SECONDS)
        try:
            return _measure(name, raw, opaque)
        except _TooLong:
            continue
        finally:
            signal.alarm(0)
    return {
        "paper": f"{name} (not measured)",
        "formulas": 0,
        "ours": 0,
        "redpajama": 0,
        "plastex": {},
        "ours_lost": [],
        "redpajama_lost": [],
    }


def _measure(name: str, raw: bytes, opaque: bool) -> dict[str, Any] | None:
    try:
        files = PaperFiles(read_source(raw).files)
    except SourceError:
        return None
    source = Formulas()
    readers: list[Reader] = []
    failures: Counter[str] = Counter()
    for main in main_files(files):
        reader = Reader(files, opaque_internals=opaque)
        readers.append(reader)
        found = reader.formulas(files.decoded(main), whole=True)
        source.counts += found.counts
        source.shown.update(found.shown)
        failures += reader.failures
    row: dict[str, Any] = {"paper": name, "formulas": source.counts.total(), "plastex": failures}
    for edition, text in _texts(raw).items():
        # The reader of the first document knows the macros that a text may still hold.
        found = readers[0].formulas(text, whole=False) if readers else Formulas()
        lost = _lost(source, found)
        row[edition] = source.counts.total() - lost.total()
        row[f"{edition}_lost"] = [
            f"{count}x {source.shown.get(key, key)}" for key, count in lost.most_common()
        ]
    return row


def _texts(raw: bytes) -> dict[str, str]:
    texts = {"ours": extract_paper(raw).text, "redpajama": ""}
    with contextlib.suppress(SourceError):
        texts["redpajama"] = extract_paper_redpajama(raw).text
    return texts


def main() -> None:
    """Prints a table and the formulas that were lost."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("papers", nargs="+", type=Path)
    parser.add_argument("--json", type=Path, help="write rows and losses there")
    parser.add_argument("--only", default="", help="papers whose name holds this")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    sys.setrecursionlimit(20_000)
    rows = []
    print("| paper | formulas | ours | RedPajama |\n| --- | --- | --- | --- |")
    for name, raw in named_papers(arguments.papers):
        if arguments.only not in name:
            continue
        started = time.process_time()
        row = measure(name, raw)
        if row is None:
            continue
        rows.append(row)
        total = max(1, row["formulas"])
        print(
            f"| {name} | {row['formulas']} | {row['ours'] / total:.4f}"
            f" | {row['redpajama'] / total:.4f} |",
            flush=True,
        )
        seconds = time.process_time() - started
        print(f"{name}: {seconds:.1f} s, plasTeX: {dict(row['plastex'])}", file=sys.stderr)
    total = max(1, sum(row["formulas"] for row in rows))
    shares = [sum(row[edition] for row in rows) / total for edition in ("ours", "redpajama")]
    print(f"| all | {total} | {shares[0]:.5f} | {shares[1]:.5f} |")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
