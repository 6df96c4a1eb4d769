"""Where texts to train on come from, and what they must not share between training and testing.

An *origin* is what a text must not share: the site of a web page, or the whole work that a chapter
belongs to. Pages of one site share words that say nothing of mathematics ("asked 3 years ago"), and
a model that has seen them looks better than it is.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import yaml

from pipelines.errors import InputError

__all__ = ["Role", "Source", "load_sources", "origin_of_file", "site_of"]

Role = Literal["prose", "web", "reference", "manual", "foreign", "measured"]


@dataclass(frozen=True, slots=True)
class Source:
    """Files to read and what the card says of them.

    Attributes:
        name: Short name.
        files: Globs, files or folders, relative to the data folder or absolute.
        licence: As its holder states it.
        home: Where it comes from.
        origin: ``source`` when all of it is one work, ``domain`` for pages of many sites.
        role: ``prose`` (clean mathematical prose, what the language model learns), ``web`` (pages,
            labelled by what is found in them), ``reference`` (manuals of mathematical software:
            a page without formulas is no ordinary page), ``manual`` (manuals and books of other
            subjects: a page with a LaTeX command is none of mathematics), ``foreign`` (not English;
            to measure with), or ``measured`` (clean texts that are only measured).
    """

    name: str
    files: tuple[str, ...]
    licence: str = "not stated"
    home: str = ""
    origin: Literal["source", "domain"] = "domain"
    role: Role = "web"

    def found(self, data: Path) -> list[tuple[str, Path]]:
        """The files that are there, as (name in the card, path), in the order of names."""
        paths = {path for pattern in self.files for path in _matches(pattern, data)}
        return sorted(
            (str(path.relative_to(data)) if path.is_relative_to(data) else path.name, path)
            for path in paths
        )


def _matches(pattern: str, data: Path) -> list[Path]:
    place = data / pattern
    if place.is_dir():
        found: Sequence[Path] = list(place.rglob("*"))
    elif place.is_file():
        found = [place]
    else:
        # pathlib's glob wants a root; an absolute pattern has its own.
        found = [Path(name) for name in glob.glob(str(place), recursive=True)]  # noqa: PTH207
    return [path for path in found if path.is_file()]


def load_sources(path: Path) -> list[Source]:
    """The sources of a YAML file (``sources:``, a list of ``Source`` as mappings).

    Raises:
        InputError: It isn't such a file.
    """
    try:
        rows: list[dict[str, Any]] = yaml.safe_load(path.read_text("utf-8"))["sources"]
        return [Source(**{**row, "files": tuple(row["files"])}) for row in rows]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no list of sources: {error!r}") from error


_LINK = re.compile(
    rb"""<link\b[^>]*\brel=["']?canonical["']?[^>]*>|<meta\b[^>]*\bog:url\b[^>]*>""", re.IGNORECASE
)
_ADDRESS = re.compile(rb"""https?://[^"'\s>]+""")
_DOMAIN_NAME = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_HEAD_BYTES = 200_000
# Hosts that many unconnected sites share.
_SHARED_HOSTS = frozenset(
    ("github.io", "wordpress.com", "blogspot.com", "co.uk", "com.au", "co.jp", "co.za", "com.br")
)


def origin_of_file(source: Source, file: Path, raw: bytes) -> str:
    """The origin of a file of a source: its own address, else a domain in its path."""
    if source.origin == "source":
        return source.name
    for tag in _LINK.findall(raw[:_HEAD_BYTES]):
        address = _ADDRESS.search(tag)
        site = site_of(address[0].decode("ascii", "replace")) if address else ""
        if site:
            return site
    for part in (file.parent.name, file.stem):
        if _DOMAIN_NAME.fullmatch(part.lower()) and not part.lower().endswith((".html", ".htm")):
            return _site(part.lower())
    return source.name


def site_of(url: str) -> str:
    """The site that a URL belongs to; empty when it has no host."""
    try:
        host = urlsplit(url).hostname
    except ValueError:  # "[" in the host
        return ""
    return _site(host) if host else ""


def _site(host: str) -> str:
    labels = host.removeprefix("www.").split(".")
    count = 3 if ".".join(labels[-2:]) in _SHARED_HOSTS else 2
    return ".".join(labels[-count:])
