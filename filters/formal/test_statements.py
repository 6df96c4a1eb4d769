"""Steps of test problems: miniF2F, ProofNet, PISA's test set, any list."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal

from filters.models import ModelNotFound
from schemas import Decision, Document
from schemas.goal_states import FormalStep

__all__ = ["TestStatements"]

# Folders and repositories that hold these sets, by their names in lower case without hyphens.
# Source: openai/miniF2F and its copies (DeepMind's, rah4927/lean-dojo-mew), zhangir-azerbayev's
# ProofNet and its Lean 4 ports. Proof-Pile-II left out two repositories of exactly these names.
_SETS = ("minif2f", "proofnet", "putnambench")


@dataclass(frozen=True, slots=True)
class TestStatements:
    """Drops every step of a declaration that is a test problem.

    Attributes:
        lists: Problem sets, ``KIND=PATH`` or ``NAME:KIND=PATH`` as ``proofmill overlap`` takes
            them; a declaration with a set's statement, or with a problem's qualified name, is one.
        match: Whether the whole ``declaration`` has to be a problem's statement, token by token, or
            a problem's text is looked for as a ``substring`` of the proof, as Proof-Pile-II did.
        names: Whether a name alone is enough.
        folders: Whether everything in a folder or repository called after a test set is one.
    """

    # No test class, whatever its name begins with.
    __test__: ClassVar[bool] = False

    lists: tuple[str, ...] = ()
    match: Literal["declaration", "substring"] = "declaration"
    names: bool = True
    folders: bool = True

    name: ClassVar[str] = "test_statements"

    def check(self) -> None:
        """Raises ``ModelNotFound`` when a list isn't there."""
        for path in self._paths():
            if not path.exists():
                raise ModelNotFound(f"{self.name}.lists: {path} doesn't exist")

    def model_digest(self) -> str:
        """SHA-256 over the lists' files: other lists are another corpus."""
        digest = hashlib.sha256()
        for path in self._paths():
            files = [p for p in sorted(path.rglob("*")) if p.is_file()] if path.is_dir() else [path]
            for file in files:
                digest.update(file.read_bytes())
        return digest.hexdigest()

    def _paths(self) -> list[Path]:
        return [Path(spec.partition("=")[2]) for spec in self.lists]

    def flags_of_place(self, repo_url: str, file_path: str, module: str) -> Iterator[str]:
        """The test sets that a file's repository, folder or module is called after."""
        if not self.folders:
            return
        parts = {*repo_url.split("/"), *PurePosixPath(file_path).parts, *module.split(".")}
        plain = {part.lower().replace("-", "").replace("_", "") for part in parts}
        for known in _SETS:
            if any(part.startswith(known) for part in plain):
                yield f"{known}:*"

    def judge(self, document: Document) -> Decision:
        """Judges by the flags that the step's declaration was given."""
        formal: FormalStep = document.content
        flags = formal.step.contamination_flags
        if not flags:
            return Decision.keep(self.name, "pass" if self.lists else "no_lists")
        reason = "test_folder" if all(flag.endswith(":*") for flag in flags) else "test_problem"
        return Decision.drop(self.name, reason, detail=", ".join(flags)[:200])
