"""datatrove's usual web steps over a folder of WARC files, for ``benchmarks.web_pipeline``.

The Python of an environment with datatrove runs this file; nothing of this project is imported.

Run: ``PYTHON datatrove_web.py SOURCE OUTPUT LID_MODEL TIMEOUT_SECONDS``; without arguments it tries
the imports and prints the versions.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import version


def run(source: str, output: str, model: str, timeout: str) -> None:
    """Reads, extracts, filters and writes with two workers."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.filters import (
        GopherQualityFilter,
        GopherRepetitionFilter,
        LanguageFilter,
    )
    from datatrove.pipeline.readers import WarcReader
    from datatrove.pipeline.writers import ParquetWriter

    language = LanguageFilter(languages=["en"])
    # On the instance: worker processes don't see what is set on the class.
    language.model.MODEL_URL = model
    LocalPipelineExecutor(
        [
            WarcReader(source, glob_pattern="*.warc.gz"),
            Trafilatura(timeout=float(timeout)),
            language,
            GopherRepetitionFilter(),
            GopherQualityFilter(),
            ParquetWriter(f"{output}/documents"),
        ],
        tasks=2,
        workers=2,
        logging_dir=f"{output}/logs",
    ).run()


def versions() -> str:
    """Versions of what is compared; without one of the imports each page waits for its timeout."""
    needed = "fasttext spacy trafilatura datatrove.pipeline.readers magic cchardet"
    for module in needed.split():
        import_module(module)
    return ", ".join(f"{name} {version(name)}" for name in ("datatrove", "trafilatura", "spacy"))


if __name__ == "__main__":
    if len(sys.argv) == 1:
        print(versions())
    else:
        run(*sys.argv[1:])
