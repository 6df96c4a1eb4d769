"""A repository's licence, from its licence files: SPDX identifiers by the phrases that tell them.

``licences.yaml`` has a row a licence: words that only its text has. Texts are compared without
case, punctuation and line breaks, so that copies with other holders, years and layouts agree.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import PurePosixPath

import yaml

from extractors.sources.source_file import Unread

__all__ = ["LicenceFiles", "licence_of_header", "licence_of_text"]

# Names of licence files, without suffix and case, as GitHub's own detection takes them.
_FILE = re.compile(
    r"^(?:un)?licen[cs]e(?:[-_.]?(?:mit|apache(?:[-_.]?2(?:\.0)?)?|bsd|gpl|lgpl|agpl|mpl))?$|"
    r"^(?:mit|bsd|apache|gpl|lgpl|agpl)[-_.]?licen[cs]e$|^copying(?:[-_.]?(?:lib|lesser))?$|"
    r"^copyright$|^(?:gpl|lgpl|agpl|mit|bsd)(?:[-_]?\d(?:\.\d)?)?$",
    re.IGNORECASE,
)
_SUFFIXES = frozenset(["", ".md", ".txt", ".rst", ".markdown", ".html"])
# The longest licence texts, with those of dependencies behind them, are shorter.
_READ_BYTES = 400_000
_IDENTIFIER = re.compile(
    r"SPDX-License-Identifier:\s*(\(?[A-Za-z0-9.+-]+(?:\s+(?:OR|AND|WITH)\s+[A-Za-z0-9.+()-]+)*\)?)"
)
# Bytes at a file's beginning in which it names its licence.
_HEAD_CHARS = 2000


def licence_of_header(text: str) -> str:
    """The SPDX expression that a source file names at its beginning; empty when it names none."""
    match = _IDENTIFIER.search(text, 0, _HEAD_CHARS)
    if match:
        return match.group(1).strip("()")
    head = text[:_HEAD_CHARS]
    # Most files say nothing; only what sounds like a notice is compared.
    return _known_in(head) if _NOTICE.search(head) else ""


# Words of the notices that licences ask to be put at the beginning of each file.
_NOTICE = re.compile(
    r"[Gg]eneral[ \t]+[Pp]ublic|[Aa]pache[ \t]+[Ll]icen|[Pp]ermission is hereby|"
    r"[Mm]ozilla[ \t]+[Pp]ublic|[Rr]edistribution and use|[Bb]oost Software"
)


def licence_of_text(text: str) -> str:
    """The SPDX expression of a licence file; empty when no licence is known in it."""
    match = _IDENTIFIER.search(text, 0, _HEAD_CHARS)
    return match.group(1).strip("()") if match else _known_in(text)


def _known_in(text: str) -> str:
    plain = _plain(text)
    found: list[str] = []
    for row in _rows():
        if row.matches(plain) and not any(name in row.unless_found for name in found):
            found.append(row.spdx)
    # Two licences in one file: the user may choose where the file says so, and has both otherwise.
    choice = " OR " if _CHOICE.search(plain) else " AND "
    return choice.join(sorted(found))


_CHOICE = re.compile(r"\b(?:at your option|either of|dual licensed|your choice of)\b")


@dataclass(frozen=True, slots=True)
class _Row:
    spdx: str
    all: tuple[str, ...]
    none: tuple[str, ...]
    unless_found: tuple[str, ...]

    def matches(self, plain: str) -> bool:
        return all(words in plain for words in self.all) and not any(
            words in plain for words in self.none
        )


@functools.cache
def _rows() -> Sequence[_Row]:
    text = resources.files("extractors.sources").joinpath("licences.yaml").read_text("utf-8")
    return [
        _Row(
            row["spdx"],
            tuple(map(_plain, row["all"])),
            tuple(map(_plain, row.get("none", ()))),
            tuple(row.get("unless_found", ())),
        )
        for row in yaml.safe_load(text)
    ]


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


class LicenceFiles:
    """The licence files of a repository; each counts for its folder and what lies below."""

    def __init__(self) -> None:
        self._by_folder: dict[str, dict[str, str]] = {}

    @staticmethod
    def is_one(path: str) -> bool:
        """Whether a path is that of a licence file."""
        name = PurePosixPath(path)
        if name.parent.name.lower() in ("licenses", "licences"):
            return name.suffix.lower() in _SUFFIXES
        stem, suffix = (name.stem, name.suffix) if name.suffix in _SUFFIXES else (name.name, "")
        return suffix.lower() in _SUFFIXES and _FILE.match(stem) is not None

    def add(self, path: str, read: Callable[[], bytes]) -> None:
        """Reads a licence file; one that can't be read says nothing."""
        try:
            text = read()[:_READ_BYTES].decode("utf-8", "replace")
        except Unread:
            return
        licence = licence_of_text(text)
        if not licence:
            return
        folder = PurePosixPath(path).parent
        if folder.name.lower() in ("licenses", "licences"):
            folder = folder.parent
        key = "" if folder == PurePosixPath(".") else f"{folder}/"
        self._by_folder.setdefault(key, {})[path] = licence

    def strip(self, root: str) -> None:
        """Takes a common root off the folders."""
        self._by_folder = {key.removeprefix(root): of for key, of in self._by_folder.items()}

    def of(self, path: str) -> str:
        """The licence of a file: that of the nearest folder above it with one; empty for none."""
        folder = path
        while folder:
            folder = folder.rstrip("/").rpartition("/")[0]
            key = f"{folder}/" if folder else ""
            found = self._by_folder.get(key)
            if found:
                return _expression(sorted(set(found.values())))
        return ""


def _expression(licences: Sequence[str]) -> str:
    """Several licence files in one folder: each holds, unless one repeats another."""
    if len(licences) == 1:
        return licences[0]
    single = {part for licence in licences for part in re.split(r" (?:AND|OR) ", licence)}
    # COPYING.LESSER is printed beside COPYING: the LGPL adds permissions to the GPL's text.
    for lesser in [name for name in single if name.startswith("LGPL-")]:
        single.discard(
            "GPL-" + ("3.0" if "3.0" in lesser else "2.0") + lesser[lesser.rindex("-") :]
        )
        single.discard("GPL-" + lesser.removeprefix("LGPL-"))
    # Two files that name a permissive licence each are a choice, as Rust's and others' habit is.
    names = set(single)
    return (" OR " if names == {"Apache-2.0", "MIT"} else " AND ").join(sorted(names))
