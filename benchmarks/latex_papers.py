"""Papers for the benchmarks: folders, sources as arXiv has them, arXiv's tars."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

__all__ = ["named_papers"]


def named_papers(paths: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """The papers that paths name, each as arXiv would store it.

    Args:
        paths: A folder with a paper's files, a folder of such folders, a ``.gz``, or a ``.tar`` of
            ``.gz`` members.
    """
    for path in paths:
        if path.is_file() and path.suffix == ".tar":
            with tarfile.open(path) as archive:
                for member in archive:
                    handle = archive.extractfile(member)
                    if handle is not None and member.name.endswith(".gz"):
                        yield Path(member.name).stem, handle.read()
        elif path.is_file():
            yield path.stem, path.read_bytes()
        elif any(item.suffix.lower() in (".tex", ".sty") for item in path.iterdir()):
            yield path.name, _packed(path)
        else:
            yield from named_papers(sorted(path.iterdir()))


def _packed(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.add(path, str(path.relative_to(folder)))
    return gzip.compress(buffer.getvalue(), mtime=0)
