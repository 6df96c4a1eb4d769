"""Writes the sample of papers: two small tars as arXiv lays them out, their manifest, a catalogue.

``python -m pipelines.sample.papers_build`` packs the sources below ``paper_sources`` into the
folder ``papers``; equal sources give equal bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

__all__ = ["build_papers"]

_HERE = Path(__file__).parent
_SOURCES = _HERE / "paper_sources"
# Sources that are stored in an encoding of their own.
_ENCODINGS = {"2401.00002": "latin-1"}
_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
_WITHDRAWN = b"%auto-ignore\nThis paper was withdrawn by its author.\n"
_CUT = gzip.compress(b"\\documentclass{article}" * 40, mtime=0)[:40]
_CC_BY = "http://creativecommons.org/licenses/by/4.0/"
_ARXIV_ONLY = "http://arxiv.org/licenses/nonexclusive-distrib/1.0/"
# What the catalogue says: title, categories, licence, versions.
_CATALOGUE = {
    "2401.00001": ("The inequality of means", "math.CA math.HO", _CC_BY, 2),
    "2401.00002": ("On a remark", "math.FA", _ARXIV_ONLY, 1),
    "2401.00003": ("A paper as PDF", "cs.LO", _CC_BY, 1),
    "2401.00004": ("A paper whose macros double", "cs.CR", _CC_BY, 1),
    "2401.00006": ("Über die Mittel", "math.CA", _CC_BY, 1),
    "2401.00007": ("The inequality of means again", "math.CA", _ARXIV_ONLY, 4),
    "2401.00008": ("The square root of two", "math.NT", None, 1),
    "math/0309136": ("Sums of consecutive numbers", "math.NT", None, 3),
}


def build_papers(target: Path) -> None:
    """Writes the sample.

    Args:
        target: The folder that is written.
    """
    target.mkdir(exist_ok=True)
    members: dict[str, dict[str, bytes]] = {"2401": {}, "0309": {}}
    for folder in sorted(_SOURCES.iterdir()):
        month = "0309" if folder.name.startswith("math") else "2401"
        members[month][f"{folder.name}.gz"] = _source(folder)
    members["2401"]["2401.00003.pdf"] = _PDF
    members["2401"]["2401.00005.gz"] = gzip.compress(_WITHDRAWN, mtime=0)
    members["2401"]["2401.00010.gz"] = _CUT
    listed = []
    for month, files in sorted(members.items()):
        name = f"arXiv_src_{month}_001.tar"
        content = _tar({f"{month}/{file}": data for file, data in sorted(files.items())})
        (target / name).write_bytes(content)
        listed.append((name, month, len(files), content))
    (target / "arXiv_src_manifest.xml").write_text(_manifest(listed), "utf-8")
    (target / "catalogue.jsonl").write_text(_catalogue(), "utf-8")


def _source(folder: Path) -> bytes:
    files = {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    encoding = _ENCODINGS.get(folder.name, "utf-8")
    encoded = {name: text.encode(encoding) for name, text in files.items()}
    content = encoded["paper.tex"] if list(encoded) == ["paper.tex"] else _tar(encoded)
    return gzip.compress(content, mtime=0)


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _manifest(listed: list[tuple[str, str, int, bytes]]) -> str:
    entries = "".join(
        f"  <file>\n    <filename>src/{name}</filename>\n"
        f"    <md5sum>{hashlib.md5(content, usedforsecurity=False).hexdigest()}</md5sum>\n"
        f"    <num_items>{items}</num_items>\n    <size>{len(content)}</size>\n"
        f"    <yymm>{month}</yymm>\n  </file>\n"
        for name, month, items, content in listed
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<arXivSRC>\n{entries}</arXivSRC>\n'


def _catalogue() -> str:
    rows = [
        {
            "id": number,
            "title": title,
            "categories": categories,
            "license": licence,
            "versions": [
                {"version": f"v{n}", "created": f"Mon, {n} Jan 2024 12:00:00 GMT"}
                for n in range(1, versions + 1)
            ],
            "update_date": "2024-01-09",
        }
        for number, (title, categories, licence, versions) in _CATALOGUE.items()
    ]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


if __name__ == "__main__":
    build_papers(_HERE / "papers")
