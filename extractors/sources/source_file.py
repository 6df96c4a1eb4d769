"""A source file, wherever it comes from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["SourceFile", "Unread", "clean_name", "git_blob_id", "unsafe_path"]


class Unread(Exception):
    """A file's content can't be had.

    Args:
        reason: A short stable code.
        detail: What a person wants to know.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(slots=True)
class SourceFile:
    """A source file with what its holder says of it.

    Attributes:
        offset: Its place in its holder: row, place in the archive, or place in the listing.
        path: Its path in the repository, with forward slashes.
        size: Bytes of its content.
        content: Gets the content; only until the next file is asked for. Raises ``Unread``.
        repo: ``owner/name``; empty when there is none.
        commit: The commit that it is of; empty when unknown.
        blob: Git's id of the content, when the holder gives it.
        licence: SPDX expression; empty when unknown.
        stars: Stars of the repository; None when unknown.
        date: ISO 8601; empty when unknown.
        language: The programming language as the holder names it; empty when it doesn't.
        url: Where it can be looked at; empty when unknown.
        hints: ``vendored``, ``generated``: what the holder says of it.
        encoding: The encoding that the holder names.
        problem: Why it can't be read, a short stable code; empty when it can.
        detail: What a person wants to know of the problem.
    """

    offset: int
    path: str
    size: int
    content: Callable[[], bytes]
    repo: str = ""
    commit: str = ""
    blob: str = ""
    licence: str = ""
    stars: int | None = None
    date: str = ""
    language: str = ""
    url: str = ""
    hints: tuple[str, ...] = ()
    encoding: str = ""
    problem: str = ""
    detail: str = ""

    @classmethod
    def unreadable(
        cls, offset: int, path: str, problem: str, detail: str = "", size: int = 0
    ) -> SourceFile:
        """What stands for a file that can't be read, or for damage."""

        def content() -> bytes:
            raise Unread(problem, detail)

        return cls(offset, path, size, content, problem=problem, detail=detail)


def git_blob_id(content: bytes) -> str:
    """The id that Git gives to a content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def clean_name(name: str) -> str:
    """A name that can be written as UTF-8: bytes that aren't are escaped, separators are ``/``."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


_CONTROL = re.compile(r"[\0-\x1f\x7f]")


def unsafe_path(path: str) -> bool:
    """Whether a path leaves its archive, or hides what it is.

    Nothing is unpacked to disk; but a path is part of a file's identity, and whoever unpacks what
    a trail names must not be led elsewhere.
    """
    parts = path.replace("\\", "/").split("/")
    return (
        path.startswith(("/", "\\"))
        or ".." in parts
        or re.match(r"[A-Za-z]:[\\/]", path) is not None
        or _CONTROL.search(path) is not None
    )
