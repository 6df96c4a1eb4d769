"""Composes the documents that ``packing.py`` measures on: papers, code and pages, as Parquet.

python -m benchmarks.packing_corpus OUT --arxiv arxiv/papers --stack stack --html html
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str, detect_encoding

__all__ = ["compose"]

_CODE: Final = (
    ".lean .py .m .c .v .hs .R .jl .idr .agda .thy .tex .f .mpl .h .gi .cpp .gd .g .f90 .ml".split()
)
_SMALLEST: Final = 200
_GROUP_ROWS: Final = 256


def compose(out: Path, arxiv: Path, stack: Path, html: Path) -> dict[str, int]:
    """Writes ``arxiv.parquet``, ``code.parquet`` and ``web.parquet``.

    Args:
        out: The folder.
        arxiv: Papers' sources.
        stack: Source files.
        html: Pages.

    Returns:
        Documents by source.
    """
    out.mkdir(parents=True, exist_ok=True)
    counts = {}
    sources = {
        "arxiv": _files(arxiv, [".tex"]),
        "code": _files(stack, _CODE),
        "web": _pages(html),
    }
    for name, documents in sources.items():
        rows = [
            {"document_id": document, "subset": name, "text": text}
            for document, text in documents
            if len(text) >= _SMALLEST
        ]
        table = pa.Table.from_pylist(rows)
        pq.write_table(table, out / f"{name}.parquet", row_group_size=_GROUP_ROWS)
        counts[name] = len(rows)
    return counts


def _files(folder: Path, suffixes: list[str]) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in suffixes:
            yield path.relative_to(folder).as_posix(), path.read_bytes().decode("utf-8", "replace")


def _pages(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*.htm*")):
        if path.is_file():
            page = path.read_bytes()
            html = bytes_to_str(page, detect_encoding(page))
            yield path.relative_to(folder).as_posix(), extract_plain_text(html, main_content=True)


def main() -> None:
    """Composes the corpus that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    for name in ("arxiv", "stack", "html"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    arguments = parser.parse_args()
    found = compose(arguments.out, arguments.arxiv, arguments.stack, arguments.html)
    for name, count in found.items():
        path = arguments.out / f"{name}.parquet"
        size = pq.read_table(path, columns=["text"]).column(0).nbytes
        print(f"{name}: {count:,} documents, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
