"""Where a file comes from: its licence, and whether somebody else's project lies around it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

from schemas import Decision, Document

__all__ = ["Benchmarks", "Licences", "Vendored"]


@dataclass(frozen=True, slots=True)
class Licences:
    """Keeps files under the licences wanted.

    Attributes:
        allow: SPDX identifiers; all licences when empty.
        unknown: What becomes of a file whose licence isn't known, when some licences are wanted.
    """

    allow: tuple[str, ...] = ()
    unknown: Literal["keep", "drop"] = "drop"

    name: ClassVar[str] = "licences"

    def judge(self, document: Document) -> Decision:
        """Judges by the licence expression: one of an ``OR``, all of an ``AND``."""
        licence = document.licence
        if not self.allow:
            return Decision.keep(self.name, "any", detail=licence)
        if not licence:
            if self.unknown == "drop":
                return Decision.drop(self.name, "unknown_licence")
            return Decision.keep(self.name, "unknown_licence")
        allowed = frozenset(name.lower() for name in self.allow)
        if any(
            all(_identifier(part) in allowed for part in re.split(r"\s+AND\s+", choice))
            for choice in re.split(r"\s+OR\s+", licence)
        ):
            return Decision.keep(self.name, detail=licence)
        return Decision.drop(self.name, "licence_not_allowed", detail=licence[:200])


def _identifier(text: str) -> str:
    """One identifier of an expression, without brackets and exceptions."""
    return re.split(r"\s+WITH\s+", text.strip("() \t"))[0].strip().lower()


# Folders that package managers, build tools and people fill with other projects' files.
# Sources: the package managers' documentation; .lake and lake-packages are Lean 4's, _target/deps
# Lean 3's, renv and packrat R's, .stack-work and dist-newstyle Haskell's, _opam OCaml's and Coq's.
_VENDORED = re.compile(
    r"""(?:^|/)(?:
        node_modules|bower_components|jspm_packages|
        site-packages|dist-packages|\.?virtualenvs?|\.?venv|env/lib/python[\d.]*|\.tox|\.nox|\.eggs|
        __pycache__|\.ipynb_checkpoints|
        _target/deps|\.lake|lake-packages|
        renv/library|packrat/(?:lib|src)|
        \.stack-work|dist-newstyle|\.cabal-sandbox|_opam|\.julia|
        vendor|vendors|vendored|third[-_]?party|3rd[-_]?party|extern|externals|external[-_]libs?|
        Godeps|Carthage/Checkouts|Pods|vcpkg_installed|_deps|\.git|\.svn|\.hg
    )/""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Vendored:
    """Drops copies of other projects: dependencies that a repository carries with it."""

    name: ClassVar[str] = "vendored"

    def judge(self, document: Document) -> Decision:
        """Judges by the path, and by what the source says."""
        match = _VENDORED.search(document.path)
        if match:
            return Decision.drop(self.name, "dependency", detail=match.group().strip("/"))
        if "vendored" in document.hints:
            return Decision.drop(self.name, "dependency", detail="the source says so")
        return Decision.keep(self.name)


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """Drops test sets and their copies, wherever they lie.

    The original dropped two repositories by their exact names (spec section 2); mathzoo's copy of
    miniF2F and every fork with a longer name came through.

    Attributes:
        names: Names of test sets. One counts in a repository's name or a path's parts, whatever
            its case and with or without what else the name says, ``miniF2F-lean4``.
    """

    names: tuple[str, ...] = ("minif2f", "proofnet", "fimo", "putnambench", "leandojo_benchmark",
                              "mathd_algebra", "mathd_numbertheory")  # fmt: skip

    name: ClassVar[str] = "benchmarks"

    def judge(self, document: Document) -> Decision:
        """Judges by the names of the repository, the folders and the file."""
        place = f"{document.repo}/{document.path}".lower()
        joined = _SEPARATORS.sub("", place)
        words = frozenset(_LETTERS.findall(place))
        for name in self.names:
            wanted = _SEPARATORS.sub("", name.lower())
            if wanted in (words if len(wanted) < _JOINED_CHARS else joined):
                return Decision.drop(self.name, "test_set", detail=name)
        return Decision.keep(self.name)


_SEPARATORS = re.compile(r"[-_. ]")
_LETTERS = re.compile(r"[a-z]+")
# A shorter name must stand alone: ``proof_imo`` without its separator has FIMO in it.
_JOINED_CHARS = 6
