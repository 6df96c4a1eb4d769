"""Builds the WARC that the web benchmarks run on: real pages, about 5 % of them mathematical.

Common Crawl's layout: one gzip member a record; request, response and metadata for each page.
Pages come from the third-party data beside the repository and are repeated until the size is
reached; each copy gets a paragraph of its own, so that copies are no exact duplicates.

Run: ``python -m benchmarks.web_corpus OUT.warc.gz [--megabytes 300] [--maths-share 0.05]``.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import random
import tarfile
from collections.abc import Iterator
from pathlib import Path

from pipelines.sample.warc_writer import (
    WarcEntry,
    WarcResponse,
    archive_bytes,
    metadata,
    request,
    warcinfo,
)

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"

_SMALLEST, _LARGEST = 2_000, 2_000_000


def load_pages() -> tuple[list[bytes], list[bytes]]:
    """Real pages: (mathematical, others), by the data's own labels, not by our prefilter.

    Pages with some mathematical markup that the strict label leaves out are in neither.
    """
    labels = {
        row["file"]: row["what"]
        for row in csv.DictReader((SHARED / "html.MANIFEST.tsv").open(), delimiter="\t")
    }
    maths, others = [], []
    with tarfile.open(SHARED / "html.tar.gz") as archive:
        for member in archive:
            name = member.name.removeprefix("html/")
            if not (member.isfile() and name.lower().endswith((".html", ".htm", ".xhtml"))):
                continue
            file = archive.extractfile(member)
            page = file.read() if file else b""
            if _SMALLEST < len(page) < _LARGEST:
                label = labels.get(name, labels.get(member.name, ""))
                if "strict_math=1" in label:
                    maths.append(page)
                elif "math=none" in label:
                    others.append(page)
    maths.extend(path.read_bytes() for path in sorted((SHARED / "html_math").glob("*.html")))
    return maths, others


def entries(megabytes: float, maths_share: float, seed: int = 1) -> Iterator[list[WarcEntry]]:
    """Triplets of records until so many compressed megabytes are reached (by an estimate)."""
    maths, others = load_pages()
    draw = random.Random(seed)
    number = 0
    while True:
        pool = maths if draw.random() < maths_share else others
        page = _copy(pool[draw.randrange(len(pool))], number)
        url = f"https://site{number % 997}.example/page/{number}.html"
        yield [
            request(url),
            WarcResponse(url, page, headers=(("Server", "nginx"), ("X-Cache", "MISS"))),
            metadata(url, [("fetchTimeMs", str(100 + number % 400))]),
        ]
        number += 1


def build(path: Path, megabytes: float, maths_share: float) -> int:
    """Writes the WARC; returns how many pages it holds."""
    pages = 0
    with path.open("wb") as file:
        file.write(archive_bytes([warcinfo([("software", "proofmill benchmark")], path.name)]))
        for triplet in entries(megabytes, maths_share):
            file.write(archive_bytes(triplet))
            pages += 1
            if file.tell() >= megabytes * 1e6:
                return pages
    return pages


def _copy(page: bytes, number: int) -> bytes:
    own = hashlib.sha256(str(number).encode()).hexdigest()
    paragraph = f"<p>Copy {number} of this page was captured under the mark {own}.</p>".encode()
    head, body, tail = page.rpartition(b"</body>")
    return head + paragraph + body + tail if body else page + paragraph


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--megabytes", type=float, default=300)
    parser.add_argument("--maths-share", type=float, default=0.05)
    arguments = parser.parse_args()
    pages = build(arguments.out, arguments.megabytes, arguments.maths_share)
    print(f"{pages} pages, {arguments.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
