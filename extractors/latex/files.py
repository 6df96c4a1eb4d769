r"""The files of a paper by name, decoded, their comments gone."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

from extractors.latex.comments import verbatim_environments, without_comments
from extractors.latex.encodings import decoded

__all__ = ["PaperFiles"]

_TEX_ENDINGS = ("", ".tex", ".ltx", ".latex", ".TEX", ".Tex")
_READ_AS_TEX = (".tex", ".ltx", ".latex", ".bbl", ".sty", ".cls", ".tikz", ".inc", ".txt", ".def")


class PaperFiles:
    """A paper's files.

    Args:
        contents: Bytes by path within the paper.

    Attributes:
        encodings: The character encodings that the files read so far were in, by path.
        verbatim: The environments that are read character by character.
    """

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._contents = contents
        self._decoded: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        self._lower = {name.lower(): name for name in sorted(contents, reverse=True)}
        self._by_name: dict[str, list[str]] = {}
        for name in sorted(contents):
            self._by_name.setdefault(posixpath.basename(name), []).append(name)
        self.encodings: dict[str, str] = {}
        self.verbatim = verbatim_environments(self.decoded(name) for name in self.tex_names())

    def __contains__(self, name: str) -> bool:
        return name in self._contents

    def names(self) -> Iterable[str]:
        """The paths, in the order of the source."""
        return self._contents

    def tex_names(self) -> list[str]:
        """The files that hold TeX by their names."""
        return [
            name
            for name in self._contents
            if name.lower().endswith((".tex", ".ltx", ".latex", ".sty", ".cls"))
        ]

    def decoded(self, name: str) -> str:
        """A file's text, line ends as newlines."""
        text = self._decoded.get(name)
        if text is None:
            text, self.encodings[name] = decoded(self._contents[name])
            self._decoded[name] = text
        return text

    def text(self, name: str) -> str:
        """A file's text without its comments."""
        text = self._texts.get(name)
        if text is None:
            text = self._texts[name] = without_comments(self.decoded(name), self.verbatim)
        return text

    def find(self, name: str, folder: str = "") -> str | None:
        """The file that an input names, as TeX would find it, or else the one that is meant.

        Args:
            name: As the input writes it.
            folder: Where to look first.
        """
        wanted = name.strip().strip('"').replace("\\", "/")
        if not wanted:
            return None
        for base in dict.fromkeys((folder, "")):
            path = _joined(base, wanted)
            if path is None:
                continue
            for ending in _TEX_ENDINGS:
                if path + ending in self._contents:
                    return path + ending
        for base in dict.fromkeys((folder, "")):
            path = _joined(base, wanted)
            found = self._lower.get((path or "").lower()) or self._lower.get(
                f"{path or ''}.tex".lower()
            )
            if found is not None:
                return found
        return self._only(posixpath.basename(wanted))

    def find_style(self, name: str, ending: str = ".sty") -> str | None:
        """The style or class file of a name that comes with the paper."""
        name = name.strip()
        path = _joined("", name)
        if path is None:
            return None
        for candidate in (path + ending, path):
            if candidate in self._contents and candidate.endswith((".sty", ".cls", ".tex")):
                return candidate
        return self._only(posixpath.basename(name) + ending)

    def _only(self, basename: str) -> str | None:
        """The one file of a name, wherever it lies; papers are packed anew and inputs aren't."""
        for ending in (".tex", ""):
            found = self._by_name.get(basename + ending, [])
            if len(found) == 1:
                return found[0]
        return None


def _joined(folder: str, name: str) -> str | None:
    """A path within the paper; None for one that leads out of it."""
    path = posixpath.normpath(posixpath.join(folder, name.lstrip("/")))
    return None if path.startswith("..") else path
