"""Papers for the tests, packed as arXiv packs them."""

from __future__ import annotations

import gzip
import io
import tarfile

from extractors.latex import PaperOptions, extract_paper


def packed(files: dict[str, str | bytes]) -> bytes:
    """A gzipped tar of files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), mtime=0)


def single(content: str | bytes) -> bytes:
    """A gzipped single file."""
    return gzip.compress(content.encode() if isinstance(content, str) else content, mtime=0)


def document(body: str, preamble: str = "") -> str:
    """A LaTeX document."""
    return (
        f"\\documentclass{{article}}\n{preamble}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"
    )


def text_of(body: str, preamble: str = "", options: PaperOptions | None = None) -> str:
    """The text of a document that is one file."""
    return extract_paper(single(document(body, preamble)), options).text


def text_of_files(files: dict[str, str | bytes], options: PaperOptions | None = None) -> str:
    """The text of a paper of several files."""
    return extract_paper(packed(files), options).text
