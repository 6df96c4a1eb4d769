"""The files that a browser needs: our own, and others' out of installed packages.

Nothing of others is in this repository and nothing is fetched while the server runs: KaTeX comes
with ``djangocms-katex``, htmx with ``django-htmx`` (neither package's code is imported), Vega,
Vega-Lite and vega-embed with ``vl-convert-python``, which puts them into one script.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pipelines.errors import ProofmillError

__all__ = ["Asset", "Assets", "AssetsMissing"]

_KATEX = ("djangocms_katex", "static/djangocms_katex/vendor/katex")
_HTMX = ("django_htmx", "static/django_htmx")

_FOREIGN = {
    "htmx.js": (*_HTMX, "htmx-2.min.js"),
    "katex.js": (*_KATEX, "katex.min.js"),
    "katex.css": (*_KATEX, "katex.min.css"),
}
"""Name under ``/assets/``: package, folder in it, file."""

_FONT = re.compile(r"fonts/(KaTeX_[A-Za-z0-9]+-[A-Za-z]+\.woff2)")

_OWN = ("explorer.css", "explorer.js", "formulas.js", "histogram.js", "labels.js", "theme.js")

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".woff2": "font/woff2",
}

# In a process of its own: the script is put together by a JavaScript engine that keeps its memory.
_BUNDLER = (
    "import sys, vl_convert; sys.stdout.buffer.write(vl_convert.javascript_bundle().encode())"
)


class AssetsMissing(ProofmillError):
    """A package that carries a part of the explorer isn't installed."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file.

    Attributes:
        content: Its bytes.
        media_type: Its media type.
    """

    content: bytes
    media_type: str


class Assets:
    """All files by their name.

    Raises:
        AssetsMissing: A package isn't installed.
    """

    def __init__(self) -> None:
        self._files: dict[str, Path] = {name: _file_of(*where) for name, where in _FOREIGN.items()}
        styles = self._files["katex.css"].read_text("utf-8")
        for found in _FONT.finditer(styles):
            self._files[found[0]] = _file_of(*_KATEX, found[0])
        if importlib.util.find_spec("vl_convert") is None:
            raise AssetsMissing(_missing("vl_convert"))
        own = resources.files("audit.explorer").joinpath("static")
        self._own = {name: own.joinpath(name).read_bytes() for name in _OWN}
        self._vega = _Bundle()
        version = hashlib.sha256()
        for name in _OWN:
            version.update(self._own[name])
        for path in self._files.values():
            version.update(f"{path.name} {path.stat().st_size}\0".encode())
        self.version = version.hexdigest()[:12]

    def prepare(self) -> None:
        """Begins what takes a second, before the first browser asks for it."""
        self._vega.begin()

    def find(self, name: str) -> Asset | None:
        """A file by its name; names are looked up, never joined to a folder."""
        suffix = Path(name).suffix
        if name == "vega.js":
            return Asset(self._vega.script(), _MEDIA_TYPES[".js"])
        if name in self._own:
            return Asset(self._own[name], _MEDIA_TYPES[suffix])
        path = self._files.get(name)
        return Asset(path.read_bytes(), _MEDIA_TYPES[suffix]) if path else None


class _Bundle:
    """Vega's script, made once."""

    def __init__(self) -> None:
        self._content = b""
        self._error = ""
        self._maker: threading.Thread | None = None
        self._lock = threading.Lock()

    def begin(self) -> threading.Thread:
        """Has it made, unless it's made or in the making."""
        with self._lock:
            if self._maker is None:
                self._maker = threading.Thread(target=self._make, daemon=True)
                self._maker.start()
            return self._maker

    def script(self) -> bytes:
        """The script, once it's there."""
        self.begin().join()
        if self._error:
            raise AssetsMissing(self._error)
        return self._content

    def _make(self) -> None:
        try:
            done = subprocess.run(
                [sys.executable, "-c", _BUNDLER], capture_output=True, timeout=120
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            self._error = f"vl-convert-python made no script: {error}"
            return
        if done.returncode:
            self._error = f"vl-convert-python made no script: {done.stderr.decode()[-500:]}"
        self._content = done.stdout


@functools.cache
def _package_folder(package: str) -> Path:
    """Where a package lies, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise AssetsMissing(_missing(package))
    return Path(next(iter(spec.submodule_search_locations)))


def _file_of(package: str, folder: str, name: str) -> Path:
    path = _package_folder(package) / folder / name
    if not path.is_file():
        raise AssetsMissing(f"{package} has no {folder}/{name}: another version is installed")
    return path


def _missing(package: str) -> str:
    return f"{package} isn't installed: pip install 'proofmill[explorer]'"
