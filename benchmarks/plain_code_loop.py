"""AlgebraicStack's published rules as one plain Python loop, for ``benchmarks.code_pipeline``.

Written from the rules' description alone, without any of this project's filters: what somebody
would write who had them to apply once. Reads Parquet in the Stack's layout, writes JSON lines.

Run: ``PYTHON plain_code_loop.py FOLDER OUTPUT``; prints how many files were read and kept.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pyarrow.parquet as pq
from nbconvert.exporters import MarkdownExporter
from py3langid import classify

Row = dict[str, Any]

_C = ["#include <fftw.h>", "#include <fftw3.h>#include <rfftw.h>", "#include <gsl",
      "#include <cblas.h>", "#include <blas.h>", "#include <lapacke.h>", "#include <nlopt.h>",
      "#include <petsc.h>"]  # fmt: skip
_CPP = [f"#include <{name}" for name in
        ("adept_arrays.h>", "adept.h>", "alglib", "boost", "armadillo", "blitz", "Eigen",
         "deal.II", "dlib", "NTL", "mtl")]  # fmt: skip
_PYTHON = [f"{word} {name}" for name in ("numpy", "scipy", "sympy", "sage", "numba", "numexpr")
           for word in ("import", "from")]  # fmt: skip
_HASKELL = [
    re.compile(rf"import\s+{qualified}{name}")
    for name in ("Numeric.LinearAlgebra", "Numeric.SpecFunctions", "Numeric.Vector", "Statistics",
                 "Data.Complex")
    for qualified in ("", r"qualified\s+")
]  # fmt: skip
_TEX = [rf"\{name}{{" for name in
        ("chapter", "chapter*", "section", "section*", "subsection", "subsection*",
         "subsubsection", "subsubsection*", "paragraph", "subparagraph")]  # fmt: skip
_JUPYTER = ["\\begin{equation}", "\\begin{align}", "import sympy", "from sympy"]
_PICTURE = re.compile(r"!\[[^\]]*\]\((?P<filename>.*?)(?=\"|\))(?P<optionalpart>\".*\")?\)")
_IMAGE = re.compile(r"<img[^>]*>")
_MEDIA = re.compile(r"<video.*?</video>|<script.*?</script>|<iframe.*?</iframe>", re.DOTALL)


def density(text: str) -> float:
    """Digits among visible characters."""
    visible = "".join(text.split())
    return sum(visible.count(digit) for digit in "0123456789") / len(visible)


def standard(text: str, size: int = 1_048_575, digits: float = 0.5) -> bool:
    """The filter that most languages share."""
    return len(text.encode()) <= size and density(text) <= digits


def has(text: str, words: list[str]) -> bool:
    """Whether one of some words is in a text."""
    return any(word in text for word in words)


def coq(row: Row) -> bool:
    """Coq and not Verilog."""
    text = row["content"]
    return (
        standard(text)
        and has(text, ["Theorem", "Proof", "Qed", "Inductive", "Definition", "Fixpoint"])
        and not has(text, ["pragma", "endmodule", "posedge", "negedge", "wire"])
        and "This file was automatically generated" not in text
    )


def haskell(row: Row) -> bool:
    """Haskell that imports mathematics."""
    text = row["content"]
    return any(pattern.search(text) for pattern in _HASKELL) and standard(text)


def isabelle(row: Row) -> bool:
    """Isabelle with a theorem."""
    return standard(row["content"]) and has(row["content"], ["theorem ", "lemma "])


def lean(row: Row) -> bool:
    """Lean with a theorem, no test set, no dependency."""
    return (
        standard(row["content"])
        and has(row["content"], ["theorem ", "lemma ", "example "])
        and row["max_stars_repo_name"].split("/")[-1] not in ("ProofNet", "miniF2F")
        and "_target/deps/" not in row["max_stars_repo_path"]
    )


def julia(row: Row) -> bool:
    """Julia; large files when they're tests."""
    text = row["content"]
    if text[0] in "%{[":
        return False
    if row["size"] < 100_000:
        return True
    tests = text.count("@test")
    return tests / (text.count("\n") + 1) >= 0.1 and tests > 0 and density(text) <= 0.5


def tex(row: Row) -> bool:
    """English TeX with sections."""
    text = row["content"]
    return (
        standard(text, 10_000_000)
        and row["ext"] == "tex"
        and "latex/" not in row["max_stars_repo_path"]
        and "gnuplot" not in text
        and has(text, _TEX)
        and classify(text)[0] == "en"
    )


def r(row: Row) -> bool:
    """R and nothing that shares its suffix."""
    text = row["content"]
    return (
        standard(text)
        and "/* Resource fork" not in text
        and not re.search(r"Requirement\s+\{\s+Identifier", text)
        and not text.startswith(("<?xml", "{"))
    )


def matlab(row: Row) -> bool:
    """MATLAB and no Objective-C."""
    text = row["content"]
    return (
        standard(text)
        and not has(text, ["#import", "@interface", "@implementation", "@property"])
        and not re.search("#include", text)
        and not re.search(r" main\(.*{$", text)
    )


def notebook(row: Row) -> bool:
    """A notebook with formulas; its content becomes Markdown."""
    if not has(row["content"].lower(), _JUPYTER):
        return False
    try:
        parsed = nbformat.reads(row["content"], as_version=4)  # type: ignore[no-untyped-call]
        for cell in parsed.cells:
            outputs = cell.get("outputs", [])
            if any(o.get("data", {}).get("image/png") or "ename" in o for o in outputs):
                cell["outputs"] = []
        body, _ = MarkdownExporter().from_notebook_node(parsed)  # type: ignore[no-untyped-call]
    except Exception:
        return False
    for pattern in (_PICTURE, _IMAGE, _MEDIA):
        body = pattern.sub("", body)
    row["content"] = body
    return True


RULES: dict[str, Callable[[Row], bool]] = {
    "Agda": lambda row: standard(row["content"]),
    "C": lambda row: standard(row["content"]) and has(row["content"], _C),
    "C++": lambda row: standard(row["content"], digits=0.1) and has(row["content"], _CPP),
    "Coq": coq,
    "Fortran": lambda row: standard(row["content"]),
    "GAP": lambda row: standard(row["content"]),
    "Haskell": haskell,
    "Idris": lambda row: standard(row["content"]),
    "Isabelle": isabelle,
    "Julia": julia,
    "Jupyter": notebook,
    "Lean": lean,
    "Maple": lambda row: standard(row["content"], 100_000) and row["content"][:5] != "<?xml",
    "MATLAB": matlab,
    "Python": lambda row: standard(row["content"])
    and row["content"].strip()[0] != "{"
    and has(row["content"], _PYTHON),
    "R": r,
    "TeX": tex,
}  # fmt: skip
REPOSITORIES = ("Coq", "Isabelle", "Lean", "MATLAB")
COLUMNS = ["content", "lang", "ext", "size", "max_stars_repo_name", "max_stars_repo_path",
           "hexsha", "max_stars_count", "max_stars_repo_licenses"]  # fmt: skip


def keep(row: Row) -> bool:
    """What a language's rule says; a file of white space alone crashed it."""
    try:
        return RULES[row["lang"]](row)
    except (ZeroDivisionError, IndexError):
        return False


def unrepeated(row: Row, seen: set[str]) -> bool:
    """Whether no chunk of a file was seen before."""
    text, fresh = row["content"], True
    for start in range(0, len(text), 2048):
        chunk = text[start : start + 2048]
        if len(chunk) == 2048 or len(chunk) == len(text):
            digest = hashlib.sha256(chunk.encode()).hexdigest()
            fresh = fresh and digest not in seen
            seen.add(digest)
    return fresh


def read(folder: Path) -> Iterator[Row]:
    """Rows of a folder of Parquet files."""
    for path in sorted(folder.glob("*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(1000, columns=COLUMNS):
            yield from batch.to_pylist()


def main(folder: str, output: str) -> None:
    """Filters and writes."""
    files, kept = 0, 0
    seen: dict[str, set[str]] = {language: set() for language in REPOSITORIES}
    with Path(output).open("w", encoding="utf-8") as sink:
        for row in read(Path(folder)):
            files += 1
            if not keep(row):
                continue
            if row["lang"] in seen and not unrepeated(row, seen[row["lang"]]):
                continue
            kept += 1
            text = row.pop("content")
            sink.write(json.dumps({"text": text, "meta": row}) + "\n")
    print(files, kept)


if __name__ == "__main__":
    main(*sys.argv[1:])
