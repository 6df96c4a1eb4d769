"""Builds kenlm's estimator: ``proofmill train lmplz``.

No package ships the programs ``lmplz``, ``build_binary`` and ``query``; kenlm's source archive on
PyPI has their sources. They are built into the user's cache folder, once; needed are cmake, a C++
compiler and the headers of Boost (program_options, system, thread, unit_test_framework), zlib,
bzip2 and xz.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import ProofmillError

__all__ = ["KENLM_VERSION", "BuildFailed", "Estimator", "build_lmplz", "find_lmplz"]

KENLM_VERSION = "0.3.0"
_PROGRAMS = ("lmplz", "build_binary", "query")
_DEBIAN_PACKAGES = (
    "cmake g++ libboost-program-options-dev libboost-system-dev libboost-thread-dev "
    "libboost-test-dev zlib1g-dev libbz2-dev liblzma-dev"
)


class BuildFailed(ProofmillError):
    """The programs aren't there, or failed; the message says what to install or read."""


@dataclass(frozen=True, slots=True)
class Estimator:
    """Where the programs are; ``query`` may be missing, it only verifies."""

    lmplz: Path
    build_binary: Path
    query: Path | None = None

    @property
    def programs(self) -> list[Path]:
        """Those that are there."""
        return [path for path in (self.lmplz, self.build_binary, self.query) if path is not None]


def cache_folder() -> Path:
    """Where the programs are kept: ``$XDG_CACHE_HOME`` or ``~/.cache``."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return base / "proofmill" / f"kenlm-{KENLM_VERSION}"


def find_lmplz() -> Estimator | None:
    """The programs if they were built before, or are on the PATH; else nothing."""
    built = [cache_folder() / program for program in _PROGRAMS]
    found = [path if path.is_file() else _on_path(path.name) for path in built]
    lmplz, build_binary, query = found
    return Estimator(lmplz, build_binary, query) if lmplz and build_binary else None


def _on_path(program: str) -> Path | None:
    found = shutil.which(program)
    # Other packages too have a program called query.
    return Path(found) if found and program != "query" else None


def build_lmplz(jobs: int = 2) -> Estimator:
    """Builds the programs unless they are there.

    Raises:
        BuildFailed: A tool is missing or the build failed.
    """
    existing = find_lmplz()
    if existing is not None and existing.query is not None:
        return existing
    for tool in ("cmake", "c++"):
        if shutil.which(tool) is None:
            raise BuildFailed(f"{tool} is missing; on Debian: apt install {_DEBIAN_PACKAGES}")
    with tempfile.TemporaryDirectory() as scratch:
        source = _source(Path(scratch))
        build = Path(scratch) / "build"
        _run(["cmake", "-S", str(source), "-B", str(build), "-DCMAKE_BUILD_TYPE=Release"])
        _run(["cmake", "--build", str(build), "--target", *_PROGRAMS, "-j", str(jobs)])
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        for program in _PROGRAMS:
            shutil.copy2(build / "bin" / program, folder / f"{program}.new")
            (folder / f"{program}.new").replace(folder / program)
    return Estimator(*(cache_folder() / program for program in _PROGRAMS))


def _source(scratch: Path) -> Path:
    wanted = f"kenlm=={KENLM_VERSION}"
    # --no-binary for this package only: of all, pip would compile cmake first.
    _run(
        [sys.executable, "-m", "pip", "download", "--no-binary", "kenlm", "--no-deps", wanted,
         "--dest", str(scratch)]
    )  # fmt: skip
    archive = next(iter(sorted(scratch.glob("kenlm-*.tar.gz"))), None)
    if archive is None:
        raise BuildFailed(f"pip downloaded no source archive of {wanted}")
    with tarfile.open(archive) as tar:
        tar.extractall(scratch, filter="data")
    return scratch / f"kenlm-{KENLM_VERSION}"


_SHOWN = 2000


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout)[-_SHOWN:]
        raise BuildFailed(
            f"{' '.join(command)} failed:\n{said}\non Debian: apt install {_DEBIAN_PACKAGES}"
        )
