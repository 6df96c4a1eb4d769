r"""What arXiv stores of a paper, to its files.

A source is a gzipped tar, a gzipped single file, or no TeX at all: a PDF, PostScript, HTML. It's
read as a stream, so that neither pictures nor bombs are ever held, and nothing is written to disk.
"""

from __future__ import annotations

import io
import posixpath
import re
import tarfile
from collections import Counter
from dataclasses import dataclass, field

from isal import isal_zlib

from extractors.latex.encodings import looks_binary
from extractors.latex.errors import SourceError

__all__ = ["PaperSource", "SourceLimits", "read_source"]


@dataclass(frozen=True, slots=True)
class SourceLimits:
    """Bounds on what a source may unpack to.

    Attributes:
        unpacked_bytes: All of it, pictures included.
        members: Files in the tar.
        tex_bytes: The files that are read, together.
    """

    unpacked_bytes: int = 2 << 30
    members: int = 50_000
    tex_bytes: int = 60_000_000


@dataclass(slots=True)
class PaperSource:
    """The files of a paper.

    Attributes:
        form: ``tar`` or ``single``.
        files: The files that may be TeX, by path, in the order of the tar.
        notes: What was left out and why, counted: ``traversal``, ``link``, ``binary``, ``large``.
        binary: Files that are named as TeX and can't be.
        timestamp: When the newest file was changed, seconds since 1970; 0 when not known.
    """

    form: str
    files: dict[str, bytes] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)
    binary: list[str] = field(default_factory=list)
    timestamp: int = 0


# Endings of files that no TeX run reads as TeX: pictures, data, programs, databases.
_NEVER_READ = frozenset(
    "png jpg jpeg gif pdf eps epsf epsi ps svg bmp tif tiff mps fig ai cdr psd wmf emf pict"
    " mp4 avi mov mpg mpeg mp3 wav zip gz tgz bz2 xz rar 7z z tar fits npy npz h5 hdf5 mat nb"
    " xls xlsx ods doc docx odt ppt pptx bib bst aux log out toc lof lot blg bcf synctex dvi"
    " ttf otf pfb pfm tfm vf afm py c cc cpp h hpp f f90 m r jl java js html htm css xml json"
    " csv tsv dat sh exe o class pyc ipynb mp asy ist glo gls idx ind pdf_tex pstex pstex_t".split()
)
_LARGEST_UNKNOWN = 2_000_000
"""Bytes from which a file whose ending says nothing is taken for data."""
_CHUNK = 1 << 18
# The type stubs take it for an instance.
_IsalError: type[Exception] = isal_zlib.error  # type: ignore[assignment]
_TEX_ENDINGS = (".tex", ".ltx", ".latex", ".sty", ".cls", ".bbl", ".def", ".clo", ".ldf")

# How files begin that arXiv has in the place of TeX (https://info.arxiv.org/help/mimetypes.html).
_OTHER_FORMATS = (
    (b"%PDF-", "pdf"),
    (b"%!PS", "postscript"),
    (b"\x04%!PS", "postscript"),
    (b"\xf7\x02", "dvi"),
    (b"PK\x03\x04", "zip"),
    (b"\xd0\xcf\x11\xe0", "word"),
    (b"\x1f\x9d", "compress"),
    (b"{\\rtf", "rtf"),
)
_HTML = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype html|html)", re.IGNORECASE)
# What arXiv puts in the place of a withdrawn paper's source.
_WITHDRAWN = re.compile(rb"\s*%\s*auto-ignore", re.IGNORECASE)


def read_source(raw: bytes | memoryview, limits: SourceLimits | None = None) -> PaperSource:
    """The files of a paper.

    Args:
        raw: What arXiv stores: ``.gz`` or ``.pdf``; an unpacked tar or TeX file too.
        limits: Bounds.

    Raises:
        SourceError: It holds no TeX, is damaged, or unpacks to too much.
    """
    limits = limits or SourceLimits()
    head = bytes(raw[:2048])
    if head.startswith(b"\x1f\x8b"):
        stream: _Unpacked = _Gunzipped(raw, limits.unpacked_bytes)
    else:
        stream = _Unpacked(raw, limits.unpacked_bytes)
    head = stream.peek(2048)
    if not head:
        raise SourceError("damaged", "the source is empty")
    other = _other_format(head)
    if other:
        raise SourceError("no-source", other)
    if _is_tar(head):
        return _read_tar(stream, limits)
    content = stream.read_all(limits.tex_bytes)
    if _WITHDRAWN.match(content):
        raise SourceError("withdrawn", "the source is arXiv's note of a withdrawal")
    if looks_binary(content):
        raise SourceError("no-source", "binary")
    return PaperSource("single", {"paper.tex": content})


def _other_format(head: bytes) -> str:
    for start, name in _OTHER_FORMATS:
        if head.startswith(start):
            return name
    return "html" if _HTML.match(head) else ""


def _is_tar(head: bytes) -> bool:
    """Whether a block is a tar header: its checksum is right."""
    if len(head) < 512:
        return False
    try:
        tarfile.TarInfo.frombuf(head[:512], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _read_tar(stream: _Unpacked, limits: SourceLimits) -> PaperSource:
    source = PaperSource("tar")
    total = count = 0
    try:
        with tarfile.open(fileobj=stream, mode="r|", errors="surrogateescape") as archive:
            for member in archive:
                count += 1
                if count > limits.members:
                    raise SourceError("too_large", f"more than {limits.members} files")
                archive.members.clear()  # type: ignore[attr-defined]
                name = _safe_name(member, source)
                if name is None:
                    continue
                total += member.size
                if total > limits.tex_bytes:
                    raise SourceError("too_large", f"more than {limits.tex_bytes} bytes of TeX")
                handle = archive.extractfile(member)
                content = handle.read() if handle is not None else b""
                if looks_binary(content):
                    source.notes["binary"] += 1
                    source.binary.append(name)
                    continue
                source.files.pop(name, None)
                source.files[name] = content
                source.timestamp = max(source.timestamp, int(member.mtime))
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        if not source.files:
            raise SourceError("damaged", f"tar: {error}") from error
        source.notes["damaged_tar"] += 1
    _check_content(source)
    return source


def _check_content(source: PaperSource) -> None:
    tex = [name for name in source.files if name.lower().endswith((".tex", ".ltx", ".latex"))]
    if not source.files:
        raise SourceError("no-source", "no TeX file in the tar")
    withdrawn = [name for name in tex or source.files if _WITHDRAWN.match(source.files[name])]
    if withdrawn and len(withdrawn) == len(tex or source.files):
        raise SourceError("withdrawn", "the source is arXiv's note of a withdrawal")


def _safe_name(member: tarfile.TarInfo, source: PaperSource) -> str | None:
    """The path of a file that may be TeX; None for all else."""
    if member.isdir():
        return None
    if member.issym() or member.islnk():
        source.notes["link"] += 1
        return None
    if not member.isfile():
        source.notes["device"] += 1
        return None
    name = posixpath.normpath(member.name.replace("\\", "/"))
    if name.startswith(("/", "..")) or "\0" in name:
        source.notes["traversal"] += 1
        return None
    base = posixpath.basename(name)
    if base.startswith("._") or "__MACOSX/" in name:
        return None
    ending = base.rpartition(".")[2].lower() if "." in base else ""
    if ending in _NEVER_READ and not base.lower().startswith("00readme"):
        return None
    if member.size > _LARGEST_UNKNOWN and not base.lower().endswith(_TEX_ENDINGS):
        source.notes["large"] += 1
        return None
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class _Unpacked(io.RawIOBase):
    """Bytes as a stream that counts what is taken from it.

    Args:
        raw: The bytes.
        limit: How many may be taken.
    """

    def __init__(self, raw: bytes | memoryview, limit: int) -> None:
        self._raw = memoryview(raw)
        self._limit = limit
        self._position = 0
        self._taken = 0
        self._buffer = b""

    def readable(self) -> bool:
        return True

    def peek(self, size: int) -> bytes:
        """The next bytes, not taken."""
        while len(self._buffer) < size:
            more = self._more()
            if not more:
                break
            self._buffer += more
        return self._buffer[:size]

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            return self.read_all(self._limit)
        parts: list[bytes] = []
        wanted = size
        while wanted > 0:
            if not self._buffer:
                self._buffer = self._more()
                if not self._buffer:
                    break
            piece = self._buffer[:wanted]
            self._buffer = self._buffer[wanted:]
            wanted -= len(piece)
            parts.append(piece)
        return b"".join(parts)

    def read_all(self, limit: int) -> bytes:
        """All that is left, up to a limit.

        Raises:
            SourceError: There is more.
        """
        content = self.read(limit + 1)
        if len(content) > limit:
            raise SourceError("too_large", f"more than {limit} bytes of TeX")
        return content

    def _more(self) -> bytes:
        piece = bytes(self._raw[self._position : self._position + _CHUNK])
        self._position += len(piece)
        return self._count(piece)

    def _count(self, piece: bytes) -> bytes:
        self._taken += len(piece)
        if self._taken > self._limit:
            raise SourceError("too_large", f"unpacks to more than {self._limit} bytes")
        return piece


class _Gunzipped(_Unpacked):
    """Gzip members one after another as one stream."""

    def __init__(self, raw: bytes | memoryview, limit: int) -> None:
        super().__init__(raw, limit)
        self._inflater = isal_zlib.decompressobj(wbits=31)
        self._pending: bytes | memoryview = b""

    def _more(self) -> bytes:
        while True:
            if not self._pending:
                self._pending = self._raw[self._position : self._position + _CHUNK]
                self._position += len(self._pending)
                if not self._pending:
                    if not self._inflater.eof:
                        raise SourceError("damaged", "gzip: the source is cut off")
                    return b""
            if self._inflater.eof:
                if bytes(self._pending[:2]) != b"\x1f\x8b":
                    return b""  # padding behind the last member
                self._inflater = isal_zlib.decompressobj(wbits=31)
            try:
                piece = self._inflater.decompress(self._pending, _CHUNK)
            except _IsalError as error:
                raise SourceError("damaged", f"gzip: {error}") from error
            self._pending = (
                self._inflater.unused_data if self._inflater.eof else self._inflater.unconsumed_tail
            )
            if piece:
                return self._count(bytes(piece))
