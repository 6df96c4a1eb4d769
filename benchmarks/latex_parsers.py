r"""LaTeX parsers on papers' sources: which files each reads without error, and how fast.

    python benchmarks/latex_parsers.py PAPERS...

Each parser reads every TeX file by itself, as its authors mean it to be used; CPU time in this
process. Parsers that aren't installed are left out (``pip install pylatexenc plasTeX TexSoup
'tree-sitter-language-pack<0.10'``; later packs download their grammars at run time).
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.latex_papers import named_papers
from extractors.latex import SourceError, read_source
from extractors.latex.encodings import decoded
from extractors.latex.redpajama import clean_redpajama

_LONGEST_SECONDS = 60


class _TooLong(BaseException):
    """A parser doesn't come to an end."""


def _pylatexenc(text: str, *, tolerant: bool) -> bool:
    from pylatexenc.latexwalker import LatexWalker

    LatexWalker(text, tolerant_parsing=tolerant).get_latex_nodes()
    return True


def _texsoup(text: str) -> bool:
    import TexSoup

    return bool(list(TexSoup.TexSoup(text).contents))


def _plastex(text: str) -> bool:
    from plasTeX.TeX import TeX

    tex = TeX()
    tex.input(text)
    return sum(1 for _ in tex.itertokens()) > 0


def _tree_sitter(text: str) -> bool:
    from tree_sitter_language_pack import get_parser

    root = get_parser("latex").parse(text.encode()).root_node
    return not root.has_error


def _regexes(text: str) -> bool:
    clean_redpajama([text])
    return True


PARSERS: dict[str, Callable[[str], bool]] = {
    "pylatexenc, tolerant": lambda text: _pylatexenc(text, tolerant=True),
    "pylatexenc, strict": lambda text: _pylatexenc(text, tolerant=False),
    "TexSoup": _texsoup,
    "plasTeX, tokens alone": _plastex,
    "tree-sitter-latex": _tree_sitter,
    "RedPajama's regexes": _regexes,
}


def main() -> None:
    """Prints one line a parser."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    arguments.add_argument("papers", nargs="+", type=Path)
    texts = []
    for _, raw in named_papers(arguments.parse_args().papers):
        try:
            files = read_source(raw).files
        except SourceError:
            continue
        texts += [decoded(data)[0] for name, data in files.items() if name.endswith(".tex")]
    texts = [text for text in texts if len(text) > 3000]

    def ring(*_: object) -> None:
        raise _TooLong

    signal.signal(signal.SIGALRM, ring)
    print("| parser | files with errors | MB/s |\n| --- | --- | --- |")
    for name, parse in PARSERS.items():
        failed, seconds, characters = 0, 0.0, 0
        try:
            parse("$x$")
        except ImportError:
            print(f"{name}: not installed", file=sys.stderr)
            continue
        for text in texts:
            signal.alarm(_LONGEST_SECONDS)
            started = time.process_time()
            try:
                failed += not parse(text)
            except (Exception, _TooLong):
                failed += 1
            signal.alarm(0)
            seconds += time.process_time() - started
            characters += len(text)
        print(f"| {name} | {failed} of {len(texts)} | {characters / seconds / 1e6:.2f} |")


if __name__ == "__main__":
    main()
