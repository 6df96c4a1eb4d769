"""Tracing a Lean project: every module in a process of its own, by our extractor or by stock Lean.

The extractor is built once for each toolchain; where it can't be, ``lean --json
-Dtrace.Elab.info=true`` needs no building and gives the same steps.
"""

from __future__ import annotations

import fnmatch
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from extractors.formal.positions import SourceText
from extractors.formal.traced import TracedModule, TraceError
from extractors.lean.info_trace import info_trace_module
from extractors.lean.own_trace import own_lines
from pipelines.errors import InputError
from pipelines.goals.drivers.ledger import Status
from pipelines.goals.drivers.processes import Ended, Limits, run_limited, said_by
from pipelines.run_directory import write_atomically

__all__ = ["LeanModule", "LeanProject", "build_extractor", "git_origin", "lake_environment"]

# Folders that hold no sources of the project itself.
_SKIPPED = frozenset({".lake", "lake-packages", "build", ".git", "node_modules"})
_SKEW = re.compile(
    r"incompatible header|invalid header|failed to read file '[^']*\.olean'|was compiled with a "
    r"different|object file '[^']*' (?:of module \S+ )?is (?:invalid|incompatible)",
    re.IGNORECASE,
)
_MISSING = re.compile(
    r"object file '[^']*' (?:of module \S+ )?does not exist|unknown (?:package|module prefix)"
    r"|unknown module|bad import|file '[^']*' not found|no such file or directory.*\.olean",
    re.IGNORECASE,
)
_IMPORT = re.compile(r"^(?:public\s+)?(?:meta\s+)?import\s+(?:all\s+)?(?P<module>\S+)", re.M)
_MESSAGE_CHARS = 500


@dataclass(frozen=True)
class LeanProject:
    """A folder of Lean sources and how they're elaborated.

    Attributes:
        root: The folder; a Lake project when it has a lakefile.
        lean: The ``lean`` program.
        extractor: Our extractor, built for that Lean; None for stock Lean's trace.
        sources: Folders below the root that module names begin in.
        environment: Variables for Lean: ``LEAN_PATH``.
        repo_url: The repository.
        commit: Its commit.
        license_spdx: Its licence.
        package: The package's name.
    """

    root: Path
    lean: str
    extractor: Path | None = None
    sources: tuple[str, ...] = (".",)
    environment: Mapping[str, str] = field(default_factory=dict)
    repo_url: str = ""
    commit: str = ""
    license_spdx: str = ""
    package: str = ""

    @functools.cached_property
    def version(self) -> str:
        """The version of Lean with its commit.

        Raises:
            InputError: There is no such Lean.
        """
        said = said_by([self.lean, "--version"], "--lean")
        found = re.search(r"version (?P<version>[^\s,)]+)(?:.*commit (?P<commit>\w+))?", said)
        if found is None:
            raise InputError(f"--lean {self.lean}: no Lean, it says {said[:80]!r}")
        commit = f" ({found.group('commit')})" if found.group("commit") else ""
        return found.group("version") + commit

    def modules(self, patterns: Sequence[str] = ()) -> list[tuple[str, Path]]:
        """The modules and their files, by name.

        Args:
            patterns: Globs of module names; empty for all.

        Raises:
            InputError: There are none.
        """
        found: dict[str, Path] = {}
        for source in self.sources:
            base = (self.root / source).resolve()
            for path in sorted(base.rglob("*.lean")):
                below = path.relative_to(base)
                if _SKIPPED & set(below.parts) or below.name == "lakefile.lean":
                    continue
                module = ".".join(below.with_suffix("").parts)
                if not patterns or any(fnmatch.fnmatchcase(module, p) for p in patterns):
                    found.setdefault(module, path)
        if not found:
            raise InputError(f"{self.root}: no modules {' '.join(patterns)}")
        return sorted(found.items())

    def work(
        self, modules: Sequence[tuple[str, Path]], output: Path, limits: Limits
    ) -> Iterator[LeanModule]:
        """The work list."""
        for module, path in modules:
            yield LeanModule(self, module, path, output, limits)


@dataclass(frozen=True)
class LeanModule:
    """A module to trace; see ``Work``."""

    project: LeanProject
    module: str
    path: Path
    output: Path
    limits: Limits

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the file, the extractor and the version."""
        digest = hashlib.sha256(self.path.read_bytes())
        extractor = self.project.extractor
        digest.update(extractor.read_bytes() if extractor is not None else b"trace.Elab.info")
        digest.update(self.project.version.encode())
        return digest.hexdigest()

    @property
    def file(self) -> str:
        """Its path in the repository."""
        root = self.project.root.resolve()
        path = self.path.resolve()
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name

    @property
    def trace_path(self) -> Path:
        """Where its trace goes."""
        return self.output / f"{self.module}.jsonl"

    def trace(self) -> Status:
        """Runs Lean and writes the trace, whole or not at all."""
        raw = self.output / f".{self.module}.raw-{os.getpid()}"
        try:
            ended = run_limited(
                self._command(),
                raw,
                self.limits,
                folder=self.project.root,
                environment=self.project.environment,
            )
            return self._written(raw, ended)
        except (OSError, UnicodeDecodeError) as error:
            return self._status("failed", message=str(error))
        finally:
            raw.unlink(missing_ok=True)

    def _command(self) -> list[str]:
        path = str(self.path)
        if self.project.extractor is not None:
            return [str(self.project.extractor), path, self.module]
        return [self.project.lean, "--json", "-Dtrace.Elab.info=true", path]

    def _written(self, raw: Path, ended: Ended) -> Status:
        if ended.how != "exit":
            return self._status(ended.how, ended, message=f"ended at its limit: {ended.how}")
        if not raw.stat().st_size and ended.code:
            return self._failed(ended, ended.stderr)
        try:
            if self.project.extractor is not None:
                steps, errors = self._enriched(raw)
            else:
                steps, errors = self._converted(raw)
        except TraceError as error:
            return self._failed(ended, f"{error}\n{ended.stderr}", error.reason)
        return self._status("errors" if errors else "ok", ended, steps=steps, errors=errors)

    def _failed(self, ended: Ended, said: str, reason: str = "") -> Status:
        """Why there's no trace, by what Lean said."""
        if _SKEW.search(said):
            status = "version_skew"
        elif _MISSING.search(said):
            status = "missing_import"
        elif ended.code in (-9, 137):
            # Killed from outside: on a full machine by the kernel.
            status = "oom"
        elif reason in ("", "no_info_trees"):
            status = "failed" if ended.code else "empty"
        else:
            status = "unreadable_trace"
        return self._status(status, ended, message=said.strip())

    def _enriched(self, raw: Path) -> tuple[int, int]:
        """Our extractor's lines, the first with what it can't know."""
        with raw.open(encoding="utf-8") as lines, write_atomically(self.trace_path) as temporary:
            header = _line(next(lines, "{}"))
            if header.get("kind") != "module":
                raise TraceError("no_info_trees", "the extractor printed no module line")
            header = {"kind": "module", **header, **self._provenance(), "file": self.file}
            with temporary.open("w", encoding="utf-8") as out:
                out.write(json.dumps(header, ensure_ascii=False) + "\n")
                line = ""
                for line in lines:
                    out.write(line)
            last = _line(line or "{}")
            if last.get("kind") != "end":
                raise TraceError("truncated", "the extractor's last line is missing")
        return int(last["steps"]), int(last["errors"])

    def _converted(self, raw: Path) -> tuple[int, int]:
        """Stock Lean's messages as our lines."""
        source = SourceText(self.path.read_text("utf-8"))
        with raw.open(encoding="utf-8") as lines:
            module = info_trace_module(_messages(lines), source, self.module, self.file)
        self._describe(module)
        with (
            write_atomically(self.trace_path) as temporary,
            temporary.open("w", encoding="utf-8") as out,
        ):
            for line in own_lines(module):
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
        return len(module.steps), module.errors

    def _describe(self, module: TracedModule) -> None:
        project = self.project
        module.system_version = project.version
        module.repo_url, module.commit = project.repo_url, project.commit
        module.license_spdx, module.package = project.license_spdx, project.package
        assert module.source is not None
        module.imports = tuple(
            found.group("module") for found in _IMPORT.finditer(module.source.text)
        )

    def _provenance(self) -> dict[str, str]:
        project = self.project
        named = {
            "repo": project.repo_url,
            "commit": project.commit,
            "license": project.license_spdx,
            "package": project.package,
        }
        return {name: value for name, value in named.items() if value}

    def _status(
        self,
        status: str,
        ended: Ended | None = None,
        *,
        steps: int = 0,
        errors: int = 0,
        message: str = "",
    ) -> Status:
        return Status(
            self.module,
            self.file,
            status,
            "lean4",
            steps,
            errors,
            round(ended.seconds, 2) if ended is not None else 0.0,
            ended.memory_bytes if ended is not None else 0,
            ended.code if ended is not None else 0,
            message[-_MESSAGE_CHARS:],
            self.fingerprint,
        )


def _line(text: str) -> dict[str, Any]:
    try:
        line: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise TraceError("truncated", f"the extractor's line is cut: {text[:80]!r}") from error
    return line


def _messages(lines: Iterator[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines):
        if line.startswith("{"):
            try:
                yield number, json.loads(line)
            except ValueError as error:
                raise TraceError("truncated", f"line {number + 1}: {error}") from error


def lake_environment(root: Path, lake: str = "lake") -> dict[str, str]:
    """What ``lake env`` sets, asked once: processes then run without Lake in between.

    Raises:
        InputError: Lake fails.
    """
    if not any((root / name).exists() for name in ("lakefile.lean", "lakefile.toml")):
        return {}
    try:
        said = subprocess.run(
            [
                lake,
                "env",
                sys.executable,
                "-c",
                "import json, os; print(json.dumps(dict(os.environ)))",
            ],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
            timeout=600,
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        detail = getattr(error, "stderr", "") or str(error)
        raise InputError(f"lake env in {root}: {detail[-500:]}") from error
    variables: dict[str, str] = json.loads(said.splitlines()[-1])
    return {name: value for name, value in variables.items() if name.startswith("LEAN")}


def git_origin(root: Path) -> tuple[str, str]:
    """The repository's address and commit; empty for what isn't known."""

    def asked(*arguments: str) -> str:
        found = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
        )
        return found.stdout.strip() if found.returncode == 0 else ""

    if shutil.which("git") is None:
        return "", ""
    return asked("remote", "get-url", "origin").removesuffix(".git"), asked("rev-parse", "HEAD")


def build_extractor(toolchain: str, cache: Path, *, lake: str = "lake") -> Path:
    """Builds our extractor for a toolchain, once.

    Args:
        toolchain: What ``lean-toolchain`` of the project says.
        cache: Where builds are kept.
        lake: The ``lake`` program.

    Returns:
        The program.

    Raises:
        InputError: It can't be built: the message has the end of what Lake said.
    """
    name = re.sub(r"[^\w.-]+", "_", toolchain) or "default"
    folder = cache / name
    program = folder / ".lake" / "build" / "bin" / "goal_states"
    if program.exists():
        return program
    folder.mkdir(parents=True, exist_ok=True)
    sources = resources.files("extractors.lean").joinpath("metaprogram")
    with resources.as_file(sources) as path:
        shutil.copytree(path, folder, dirs_exist_ok=True)
    if toolchain:
        (folder / "lean-toolchain").write_text(toolchain + "\n", "utf-8")
    try:
        built = subprocess.run(
            [lake, "build"], cwd=folder, capture_output=True, text=True, check=False, timeout=1800
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError(f"{lake} build in {folder}: {error}") from error
    if built.returncode or not program.exists():
        said = (built.stdout + built.stderr)[-1500:]
        raise InputError(
            f"our extractor can't be built for {toolchain or 'this Lean'}; "
            f"--extractor info-trace needs no building. Lake said:\n{said}"
        )
    return program
