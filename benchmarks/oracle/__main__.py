"""Runs the oracle over the pages: ``python -m benchmarks.oracle --help``."""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent


def pages_of(data: Path, html: Path | None, bench: Path | None) -> list[Path]:
    """Every page that may hold mathematics.

    Args:
        data: The folder with ``html_math``.
        html: The unpacked collection of pages with its ``MANIFEST.tsv``; those are taken whose
            label names a kind of mathematics.
        bench: llm-webkit's ``bench/data``.
    """
    pages = sorted((data / "html_math").rglob("*.html"))
    if bench is not None:
        pages += sorted((bench / "origin").glob("*.html"))
    if html is not None:
        with (html / "MANIFEST.tsv").open(encoding="utf-8", newline="") as rows:
            for row in csv.reader(rows, delimiter="\t", quoting=csv.QUOTE_NONE):
                label = row[-1].partition("math=")[2].partition(" ")[0]
                if row[0].endswith((".html", ".htm", ".xhtml")) and label not in ("", "-", "none"):
                    pages.append(html / row[0])
    return pages


def main() -> int:
    """Writes the formulas of all pages."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, help="folder with html_math/")
    parser.add_argument("--pages", type=Path, help="or any pages: a file that names one a line")
    parser.add_argument("--html", type=Path, help="unpacked html.tar.gz")
    parser.add_argument("--bench", type=Path, help="llm-webkit's bench/data")
    parser.add_argument("--modules", type=Path, default=_HERE / "node_modules")
    parser.add_argument("--browser", default="/usr/bin/chromium")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True, help="JSONL to write")
    arguments = parser.parse_args()
    if not (arguments.modules / "playwright-core").is_dir():
        print(f"run npm install in {_HERE}, or give --modules", file=sys.stderr)
        return 2
    if (arguments.data is None) == (arguments.pages is None):
        parser.error("give either --data or --pages")
    if arguments.pages is not None:
        pages = [Path(line) for line in arguments.pages.read_text().splitlines() if line]
    else:
        pages = pages_of(arguments.data, arguments.html, arguments.bench)
    run = subprocess.run(
        [
            "node", str(_HERE / "list_formulas.js"),
            "--modules", str(arguments.modules.resolve()), "--out", str(arguments.out),
            "--browser", arguments.browser, "--jobs", str(arguments.jobs),
        ],
        input="\n".join(str(page.resolve()) for page in pages),
        text=True,
        check=False,
    )  # fmt: skip
    return run.returncode


if __name__ == "__main__":
    sys.exit(main())
