"""Are the ids the reference library's, on every text at hand?

    python -m benchmarks.tokenizer_exactness --data ../shared/data \
        --tokenizer ../shared/data/models/llama2-converted/tokenizer.json

Every file of the third-party data that is UTF-8 is a document as it stands, and a page is another
one without its markup. Documents are encoded by the path that `load` takes, on two threads, once in
order and once backwards, and compared id by id with the library that the tokenizer's file belongs
to. A line per tokenizer; exit status 1 when a document differs.
"""

from __future__ import annotations

import argparse
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.tokenized_texts import text_of
from packing.tokenizers import Texts, Tokenizer, load

_BATCH_BYTES = 8_000_000
_PAGES = (".html", ".htm", ".xhtml")


def main() -> None:
    """Compares and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of third-party data")
    parser.add_argument("--tokenizer", type=Path, action="append", required=True)
    options = parser.parse_args()
    differing = 0
    for path in options.tokenizer:
        tokenizer, reference = load(path, threads=2), load(path, backend="reference")
        counts = np.zeros(4, np.int64)
        for texts in _batches(_documents(options.data)):
            counts += _compare(tokenizer, reference, texts)
        documents, size, tokens, wrong = counts.tolist()
        differing += wrong
        print(
            f"| {path.parent.name}/{path.name} | {tokenizer.engine} | {reference.engine} "
            f"| {documents:,} | {size / 1e6:,.1f} | {tokens:,} | {wrong} |",
            flush=True,
        )
    sys.exit(1 if differing else 0)


def _compare(tokenizer: Tokenizer, reference: Tokenizer, texts: list[str]) -> np.ndarray:
    """Documents, bytes, tokens, and documents whose ids differ in either order."""
    found = tokenizer.encode_batch(texts)
    backwards = tokenizer.encode_batch(texts[::-1])
    expected = reference.encode_batch(texts)
    wrong = 0
    for row in range(len(texts)):
        ids = expected.document(row)
        same = np.array_equal(found.document(row), ids)
        same = same and np.array_equal(backwards.document(len(texts) - 1 - row), ids)
        wrong += not same
    size = int(Texts.of(texts).byte_lengths().sum())
    return np.array([len(texts), size, len(expected.ids), wrong], np.int64)


def _batches(documents: Iterator[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in documents:
        batch.append(text)
        size += len(text)
        if size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _documents(data: Path) -> Iterator[str]:
    for path in sorted(data.rglob("*")):
        if path.name.endswith(".tar.gz"):
            with tarfile.open(path) as archive:
                for member in archive:
                    handle = archive.extractfile(member) if member.isfile() else None
                    if handle is not None:
                        yield from _texts(member.name, handle.read())
        elif path.is_file():
            yield from _texts(path.name, path.read_bytes())


def _texts(name: str, content: bytes) -> Iterator[str]:
    """A file as it stands, and a page without its markup."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return
    yield text
    if name.lower().endswith(_PAGES):
        yield text_of(name, content) or ""


if __name__ == "__main__":
    main()
