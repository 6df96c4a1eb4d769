"""datatrove reading and filtering the Stack's Parquet, for ``benchmarks.code_pipeline``.

The Python of an environment with datatrove runs this file; nothing of this project is imported. Its
filter is what most languages share, size and digits, and a set of words by language; it knows
neither notebooks nor languages of prose nor chunks.

Run: ``PYTHON datatrove_code.py SOURCE OUTPUT``; without arguments it prints the version.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Any

WORDS = {
    "C": ("#include <fftw.h>", "#include <gsl", "<cblas.h>", "<blas.h>", "<lapacke.h>"),
    "C++": ("#include <boost", "#include <Eigen", "#include <armadillo", "#include <NTL"),
    "Python": ("import numpy", "from numpy", "import scipy", "from scipy", "import sympy"),
    "Haskell": ("Numeric.LinearAlgebra", "Statistics", "Data.Complex"),
    "Coq": ("Theorem", "Proof", "Qed", "Inductive", "Definition", "Fixpoint"),
    "Lean": ("theorem ", "lemma ", "example "),
    "Isabelle": ("theorem ", "lemma "),
    "TeX": ("\\section{", "\\chapter{", "\\subsection{"),
    "Jupyter": ("\\begin{equation}", "\\begin{align}", "import sympy"),
}


def keep(document: Any) -> bool:
    """Size, digits and words."""
    text = document.text
    visible = "".join(text.split())
    if not visible or len(text.encode()) > 1_048_575:
        return False
    if sum(map(visible.count, "0123456789")) / len(visible) > 0.5:
        return False
    words = WORDS.get(document.metadata["lang"])
    return words is None or any(word in text for word in words)


def run(source: str, output: str) -> None:
    """Reads, filters and writes with two workers."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.filters import LambdaFilter
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.pipeline.writers import JsonlWriter

    LocalPipelineExecutor(
        [
            ParquetReader(source, text_key="content", id_key="hexsha"),
            LambdaFilter(keep),
            JsonlWriter(f"{output}/documents", compression=None),
        ],
        tasks=2,
        workers=2,
        logging_dir=f"{output}/logs",
    ).run()


if __name__ == "__main__":
    if len(sys.argv) == 1:
        print("datatrove", version("datatrove"))
    else:
        run(*sys.argv[1:])
