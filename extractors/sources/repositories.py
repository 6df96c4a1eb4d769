"""What repository an archive or a folder is of: its name, commit, licence, stars."""

from __future__ import annotations

import configparser
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

__all__ = ["Repository", "checked_out", "described_repository", "read_description"]


@dataclass(frozen=True, slots=True)
class Repository:
    """What is known of a repository.

    Attributes:
        name: ``owner/name``, or the name alone when the owner isn't known.
        commit: Its commit.
        licence: SPDX expression for all of its files; empty to look for licence files.
        stars: Its stars; None when unknown.
        date: Date of the commit, ISO 8601.
        host: Where it's hosted, ``github.com``; empty when unknown.
    """

    name: str = ""
    commit: str = ""
    licence: str = ""
    stars: int | None = None
    date: str = ""
    host: str = ""

    def url(self, path: str) -> str:
        """Where a file of it can be looked at; empty when it's not known."""
        if self.host != "github.com" or "/" not in self.name:
            return ""
        return f"https://github.com/{self.name}/blob/{self.commit or 'HEAD'}/{path}"


def read_description(path: Path) -> Repository:
    """What ``NAME.repo.json`` beside an archive or a folder says of its repository.

    Returns:
        It, or an unknown repository when there is no such file or it says nothing.
    """
    try:
        plain = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return Repository()
    return _described(plain) if isinstance(plain, dict) else Repository()


def _described(plain: dict[str, Any]) -> Repository:
    stars = plain.get("stars")
    name = str(plain.get("repo") or "")
    if plain.get("owner") and "/" not in name:
        name = f"{plain['owner']}/{name}"
    return Repository(
        name,
        str(plain.get("commit") or ""),
        str(plain.get("licence") or plain.get("license") or ""),
        stars if isinstance(stars, int) and not isinstance(stars, bool) else None,
        str(plain.get("date") or ""),
        str(plain.get("host") or ("github.com" if "/" in name else "")),
    )


# Where GitHub hands out archives, with the owner in the address.
_ADDRESSES = (
    re.compile(
        r"(?:^|/)(?:codeload\.)?github\.com/(?P<owner>[\w.-]+)/(?P<name>[\w.-]+)/"
        r"(?:archive/(?:refs/(?:heads|tags)/)?|tar\.gz/|zip/|tarball/|legacy\.tar\.gz/)(?P<ref>.+)$"
    ),
    re.compile(
        r"(?:^|/)api\.github\.com/repos/(?P<owner>[\w.-]+)/(?P<name>[\w.-]+)/"
        r"(?:tarball|zipball)/(?P<ref>.+)$"
    ),
    # Names under which people keep them: owner__name.tar.gz, owner__name@commit.tar.gz.
    re.compile(r"(?:^|/)(?P<owner>[\w.-]+?)__(?P<name>[\w.-]+?)(?:@(?P<ref>[\w.-]+?))?$"),
)
_SUFFIXES = re.compile(r"(?:\.(?:tar|tgz|tbz2?|txz|tzst|zip|gz|bz2|xz|zst))+$", re.IGNORECASE)
_COMMIT = re.compile(r"[0-9a-f]{40}")
# The folder that all files of an archive are in: name-commit, owner-name-short commit, name-branch.
_ROOT = re.compile(r"(?P<name>.+?)-(?P<ref>[0-9a-f]{40}|[0-9a-f]{7,12}|main|master|v?\d[\w.]*)")


def described_repository(known: Repository, name: str, root: str, commit: str) -> Repository:
    """Adds what an archive says of itself to what is known.

    Args:
        known: What is known; it's never overruled.
        name: The archive's name or address.
        root: The folder that all its files are in, with its slash.
        commit: The commit that Git wrote into it, if it did.
    """
    commit = commit.strip() if _COMMIT.fullmatch(commit.strip()) else ""
    stem = _SUFFIXES.sub("", name)
    match = next((m for m in (pattern.search(stem) for pattern in _ADDRESSES) if m), None)
    folder = root.rstrip("/")
    if match:
        found, host, ref = f"{match['owner']}/{match['name']}", "github.com", match["ref"] or ""
    else:
        found, ref = _of_root(folder, commit)
        host = "github.com" if "/" in found else ""
    commit = commit or (ref if _COMMIT.fullmatch(ref) else "")
    return replace(
        known,
        name=known.name or found,
        commit=known.commit or commit,
        host=known.host or host,
    )


def _of_root(folder: str, commit: str) -> tuple[str, str]:
    """Name and ref that the folder at the root says."""
    match = _ROOT.fullmatch(folder)
    if match is None:
        return folder, ""
    name, ref = match["name"], match["ref"]
    # GitHub's API names the owner too, and cuts the commit: owner-name-1a2b3c4.
    if len(ref) < 40 and commit.startswith(ref) and "-" in name:
        owner, _, rest = name.partition("-")
        return f"{owner}/{rest}", commit
    return name, ref


# ---- checked-out trees --------------------------------------------------------------------------

_REMOTE = re.compile(
    r"(?:\w+://(?:[^/@]*@)?|[^/@]*@)(?P<host>[\w.-]+)(?::\d+)?[:/]/*(?P<name>.+?)(?:\.git)?/*$"
)
_MOST_BYTES = 1 << 20


def checked_out(root: Path) -> Repository:
    """What the ``.git`` folder of a checked-out tree says; an unknown repository without one.

    Files are read and nothing is run: a repository's own settings can name programs.
    """
    git = root / ".git"
    if not git.is_dir() or git.is_symlink():
        return Repository()
    name, host = _remote(_read(git / "config"))
    return Repository(name, _head(git), host=host)


def _read(path: Path) -> str:
    try:
        if path.is_symlink() or path.stat().st_size > _MOST_BYTES:
            return ""
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _remote(config: str) -> tuple[str, str]:
    parser = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    try:
        parser.read_string(re.sub(r"(?m)^[ \t]+", "", config))
    except configparser.Error:
        return "", ""
    remotes = [section for section in parser.sections() if section.startswith("remote ")]
    remotes.sort(key=lambda section: (section != 'remote "origin"', section))
    for section in remotes:
        match = _REMOTE.match(parser.get(section, "url", fallback="") or "")
        if match:
            return match["name"], match["host"]
    return "", ""


def _head(git: Path) -> str:
    head = _read(git / "HEAD").strip()
    if _COMMIT.fullmatch(head):
        return head
    ref = head.removeprefix("ref:").strip()
    # What HEAD names lies below .git, or isn't followed.
    if not re.fullmatch(r"refs/[\w./-]+", ref) or ".." in ref:
        return ""
    commit = _read(git / ref).strip()
    if _COMMIT.fullmatch(commit):
        return commit
    packed = re.search(
        rf"^([0-9a-f]{{40}}) {re.escape(ref)}$", _read(git / "packed-refs"), re.MULTILINE
    )
    return packed.group(1) if packed else ""
