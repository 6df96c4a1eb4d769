"""Inputs of the papers subset: arXiv's tars, its manifest, single papers, folders.

arXiv's bucket holds ``src/arXiv_src_YYMM_NNN.tar`` and ``src/arXiv_src_manifest.xml``, which names
every tar with its size and MD5 (https://info.arxiv.org/help/bulk_data_s3.html). Where the manifest
is named or lies beside the tars, they're held against it.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lxml import etree

from filters.papers.identifiers import arxiv_id
from pipelines.errors import InputError
from pipelines.inputs import (
    InputFile,
    is_remote,
    open_source,
    resolve_inputs,
    unique_by_name,
)
from pipelines.subsets import InputNames

__all__ = ["folder_paper", "is_tar", "place_of", "resolve_papers", "splittable"]

ARXIV = "s3://arxiv/"

_TAR = re.compile(r"\.tar$", re.IGNORECASE)
_SINGLE = re.compile(r"\.(?:gz|tgz|tex|ltx|pdf)$", re.IGNORECASE)
_TEX = re.compile(r"\.(?:tex|ltx|latex)$", re.IGNORECASE)
_MANIFEST = re.compile(r"manifest[^/]*\.xml$", re.IGNORECASE)
_LIST = re.compile(r"\.paths(\.gz|\.txt)?$")
_DIGEST = "#md5="
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class _Listed:
    """What the manifest says of a tar."""

    name: str
    size: int
    md5: str


def is_tar(uri: str) -> bool:
    """Whether an input is a tar of papers."""
    return _TAR.search(place_of(uri)[0]) is not None


def place_of(uri: str) -> tuple[str, str]:
    """Where an input is read from, and the MD5 that the manifest says it has, or nothing."""
    place, _, md5 = uri.partition(_DIGEST)
    return place, md5


def splittable(file: InputFile) -> bool:
    """Whether a tar is cut into tasks: one on disk, unless its digest is to be checked."""
    place, md5 = place_of(file.uri)
    return is_tar(place) and not md5 and not is_remote(place)


def resolve_papers(given: InputNames) -> list[InputFile]:
    """Finds the inputs, in an order that doesn't depend on the order of naming.

    Args:
        given: Tars, folders of tars and of single papers, single papers, folders that hold one
            paper's files, globs, ``s3://arxiv/src/`` addresses and globs, lists, and the manifest,
            which stands for every tar that it names.

    Raises:
        InputError: An input names nothing, two share a name, or a tar isn't what the manifest says.
    """
    return unique_by_name(file for text in given.names for file in _named(text, given))


def _named(text: str, given: InputNames) -> Iterator[InputFile]:
    path = Path(text)
    if _MANIFEST.search(text):
        yield from _of_manifest(text, given.limit)
    elif not is_remote(text) and path.is_dir():
        yield from _in_folder(path.resolve())
    elif not is_remote(text) and path.is_file() and not _LIST.search(text):
        yield InputFile(path.name, str(path.resolve()), path.stat().st_size)
    else:
        yield from resolve_inputs([text], limit=given.limit, base=given.base or ARXIV)


# ---- Folders ------------------------------------------------------------------------------------


def _in_folder(root: Path) -> Iterator[InputFile]:
    found = list(_below(root, root))
    if not found:
        raise InputError(f"no input: {root} has no tars, no papers and no TeX files")
    yield from found


def _below(folder: Path, root: Path) -> Iterator[InputFile]:
    entries = sorted(folder.iterdir(), key=lambda path: path.name)
    plain = [path for path in entries if path.is_file() and not path.is_symlink()]
    tex = [path for path in plain if _TEX.search(path.name)]
    if any(arxiv_id(path.name) is None for path in tex):
        # Files of one paper, and folders of its parts.
        name = root.name if folder == root else f"{root.name}/{folder.relative_to(root)}"
        size = sum(path.stat().st_size for path in _files_of(folder))
        yield InputFile(name, str(folder), size)
        return
    listed = {
        entry.name: entry
        for path in plain
        if _MANIFEST.search(path.name)
        for entry in _entries(str(path))
    }
    for path in plain:
        if _TAR.search(path.name) or _SINGLE.search(path.name):
            name = path.relative_to(root).as_posix()
            yield _checked(InputFile(name, str(path), path.stat().st_size), listed)
    for path in entries:
        if path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
            yield from _below(path, root)


def _files_of(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and "/.git/" not in path.as_posix()
    )


def folder_paper(folder: Path) -> bytes:
    """The files of a paper that lies unpacked in a folder, as a tar; equal files, equal bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in _files_of(folder):
            member = tarfile.TarInfo(path.relative_to(folder).as_posix())
            content = path.read_bytes()
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


# ---- The manifest -------------------------------------------------------------------------------


def _of_manifest(uri: str, limit: int | None) -> Iterator[InputFile]:
    """The tars that a manifest names."""
    listed = _entries(uri)[:limit]
    by_name = {entry.name: entry for entry in listed}
    missing: list[str] = []
    for entry in listed:
        place = _beside(uri, entry.name)
        try:
            size = open_source(place).size
        except OSError:
            missing.append(entry.name)
            continue
        yield _checked(InputFile(entry.name, place, size), by_name)
    if missing:
        shown = ", ".join(missing[:_SHOWN]) + (", ..." if len(missing) > _SHOWN else "")
        raise InputError(
            f"{len(missing)} of the {len(listed)} tars that {uri} names aren't there: {shown}; "
            "name the folder to read those that are"
        )


def _entries(uri: str) -> list[_Listed]:
    try:
        source = open_source(uri)
        tree = etree.fromstring(source.read_at(0, source.size), _xml_parser())
    except (OSError, etree.XMLSyntaxError) as error:
        raise InputError(f"can't read the manifest {uri}: {error}") from error
    entries = [
        _Listed(
            (file.findtext("filename") or "").strip().rpartition("/")[2],
            int(file.findtext("size") or 0),
            (file.findtext("md5sum") or "").strip().lower(),
        )
        for file in tree.iter("file")
    ]
    if not entries:
        raise InputError(f"the manifest {uri} names no files")
    return entries


def _xml_parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)


def _beside(manifest: str, name: str) -> str:
    if is_remote(manifest):
        parts = urlsplit(manifest)
        folder = parts.path.rpartition("/")[0]
        return f"{parts.scheme}://{parts.netloc}{folder}/{name}"
    return str(Path(manifest).resolve().with_name(name))


def _checked(file: InputFile, listed: Mapping[str, _Listed]) -> InputFile:
    """A tar with the digest that it should have.

    Raises:
        InputError: Its size isn't what the manifest says.
    """
    entry = listed.get(file.name.rpartition("/")[2])
    if entry is None:
        return file
    if entry.size and entry.size != file.size:
        raise InputError(
            f"{file.uri} has {file.size} bytes and the manifest says {entry.size}; fetch it again"
        )
    if re.fullmatch(r"[0-9a-f]{32}", entry.md5):
        return InputFile(file.name, f"{file.uri}{_DIGEST}{entry.md5}", file.size)
    return file


def md5_of() -> hashlib._Hash:
    """MD5 as a checksum of what was fetched, no guard against a forger."""
    return hashlib.md5(usedforsecurity=False)
