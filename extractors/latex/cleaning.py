r"""An expanded paper to the text that is kept, formulas to the letter.

One pass over the text: formulas are taken over as they stand, commands and environments go or stay
by the table in ``vocabulary.yaml``. What the table doesn't know stays.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from extractors.latex.arguments import (
    bracketed,
    next_argument,
    optional_argument,
    skip_blanks,
    skip_specified,
)
from extractors.latex.comments import VERBATIM_ENVIRONMENTS, verbatim_argument
from extractors.latex.expansion import ExpandedPaper
from extractors.latex.formulas import display_end, environment_end, inline_end, resolve_modes
from extractors.latex.options import PaperOptions
from extractors.latex.vocabulary import vocabulary

__all__ = ["CleanPaper", "clean_paper"]

# Stands for what was dropped until the end, so that lines that held nothing else go with it.
_GONE = "\x00"
_TOKEN = re.compile(r"\\(?:([A-Za-z@]+)|.)|\$", re.DOTALL)
_GONE_LINES = re.compile(r"^[ \t]*\x00[\x00 \t]*\n", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")
_TRAILING = re.compile(r"(?<!\\)[ \t]+(?=\n)")  # a backslash and a space are a command
_DEEPEST = 40
_LISTS = frozenset(("itemize", "enumerate", "description", "compactitem", "compactenum"))
# Settings of enumitem and paralist, and not a label such as [(a)].
_LIST_SETTINGS = re.compile(r"=|sep\b|noitemsep|wide|resume|inline")
_LARGEST_DIAGRAM = 20_000
_MOST_DIGITS = 0.12
"""Share of digits up to which a drawing with formulas is a diagram. Of the 52 such drawings in the
real papers, commutative diagrams have at most 0.11, pictures of curves at least 0.13."""


@dataclass(slots=True)
class CleanPaper:
    """The text of a paper.

    Attributes:
        text: The text.
        title: The argument of ``\\title``, as LaTeX.
        found: Formulas of the document by kind: ``inline``, ``display``, ``environment``.
        kept: Those of them that are in the text.
    """

    text: str = ""
    title: str = ""
    found: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)


def clean_paper(
    paper: ExpandedPaper,
    options: PaperOptions,
    verbatim: Collection[str] = VERBATIM_ENVIRONMENTS,
) -> CleanPaper:
    """The text of a paper that has been read.

    Args:
        paper: The paper.
        options: What is kept.
        verbatim: Environments that are kept character by character.
    """
    cleaner = _Cleaner(options, verbatim, paper.left)
    head = cleaner.head(paper.preamble)
    body = paper.body
    if not options.appendices:
        appendix = re.search(r"\\appendix(?![A-Za-z@])|\\begin\{appendi(?:x|ces)\}", body)
        if appendix is not None:
            cleaner.count(body[appendix.start() :], kept=False)
            body = body[: appendix.start()]
    text = cleaner.clean(body)
    joined = f"{head}\n\n{text}" if head else text
    return CleanPaper(_tidy(joined), cleaner.title, cleaner.found, cleaner.kept)


def _tidy(text: str) -> str:
    text = _GONE_LINES.sub("", text).replace(_GONE, "")
    return _BLANK_LINES.sub("\n\n", _TRAILING.sub("", text)).strip()


_Action = Callable[[str, "re.Match[str]"], tuple[str, int]]


class _Cleaner:
    """What is done at each command, for one paper."""

    def __init__(
        self, options: PaperOptions, verbatim: Collection[str], left: Collection[str]
    ) -> None:
        self.found: Counter[str] = Counter()
        self.kept: Counter[str] = Counter()
        self.title = ""
        self._options = options
        self._verbatim = verbatim
        self._depth = 0
        self._unclosed: dict[str, str] = {}
        words = vocabulary()
        self._words = words
        self._heads = {
            name: (part, arguments)
            for part, group in words.head.items()
            for name, arguments in group.items()
        }
        self._gone = {
            name: spec for group in words.dropped.values() for name, spec in group.items()
        }
        if not options.affiliations:
            self._gone.update(words.affiliations)
        for name in left:
            # The paper gives it a meaning of its own that can't be told: it stays.
            self._gone.pop(name, None)
        self._actions: dict[str, _Action] = dict.fromkeys(self._gone, self._drop)
        self._actions.update(dict.fromkeys(words.unwrapped, self._unwrap))
        self._actions.update(dict.fromkeys(self._heads, self._head))
        self._actions.update(
            {
                "$": self._dollar,
                "\\(": self._bracket,
                "\\[": self._bracket,
                "begin": self._begin,
                "end": self._end,
                "par": self._paragraph,
                "bibliography": self._bibliography,
                "ensuremath": self._ensured,
                "ifmmode": self._if_mode,
                "texorpdfstring": self._first_of_two,
                "twocolumn": self._spanning,
                "label": self._label,
                "verb": self._raw,
                "url": self._raw,
                "href": self._raw,
                "path": self._raw,
                "nolinkurl": self._raw,
                "lstinline": self._raw,
                "mintinline": self._raw,
            }
        )
        self._dropped_environments = frozenset().union(
            *(
                group
                for name, group in words.dropped_environments.items()
                if not (name == "bibliography" and options.bibliography)
                and not (name == "drawings" and options.drawings == "all")
            )
        )

    def head(self, preamble: str) -> str:
        """Title, authors and abstract, where they stand before the document."""
        parts: list[str] = []
        position = 0
        for match in _TOKEN.finditer(preamble):
            if match.start() < position or match[1] not in self._heads:
                continue
            part, position = self._head(preamble, match)
            if part != _GONE:
                parts.append(part)
        return "\n".join(parts)

    def clean(self, text: str) -> str:
        """The text without what goes."""
        if self._depth >= _DEEPEST:
            return text
        self._depth += 1
        actions = self._actions
        out: list[str] = []
        position = 0
        length = len(text)
        while position < length:
            for match in _TOKEN.finditer(text, position):
                action = actions.get(match[1] or match[0])
                if action is None:
                    continue
                out.append(text[position : match.start()])
                replacement, position = action(text, match)
                out.append(replacement)
                break
            else:
                out.append(text[position:])
                break
        self._depth -= 1
        return "".join(out)

    def count(self, text: str, *, kept: bool) -> None:
        """Counts the formulas of a text that isn't cleaned."""
        before = Counter(self.kept)
        self.clean(text)
        if not kept:
            self.kept = before

    # ---- Formulas -------------------------------------------------------------------------------

    def _formula(self, kind: str, tex: str) -> str:
        self.found[kind] += 1
        self.kept[kind] += 1
        tex = resolve_modes(tex)
        if not self._options.labels and "\\label" in tex:
            tex = _LABEL.sub("", tex)
        return tex

    def _dollar(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        start = match.start()
        if text.startswith("$$", start):
            end = display_end(text, start)
            if end < 0:
                return "$$", start + 2
            return self._formula("display", text[start:end]), end
        end = inline_end(text, start)
        if end < 0:
            return "$", start + 1
        return self._formula("inline", text[start:end]), end

    def _bracket(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        inline = match[0] == "\\("
        closing = "\\)" if inline else "\\]"
        end = self._closed(text, closing, lambda: _closing(text, match.end(), closing))
        if end < 0:
            return match[0], match.end()
        kind = "inline" if inline else "display"
        return self._formula(kind, text[match.start() : end]), end

    def _closed(self, text: str, closing: str, find: Callable[[], int]) -> int:
        """Where something ends; what isn't closed once in a text isn't closed further on either,
        and looking for it thousands of times would take for ever."""
        if self._unclosed.get(closing) is text:
            return -1
        end = find()
        if end < 0:
            self._unclosed[closing] = text
        return end

    def _ensured(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        taken = next_argument(text, match.end())
        if taken is None:
            return match[0], match.end()
        tex, end = taken
        if "$" in tex:
            return tex, end
        return self._formula("inline", f"${tex}$"), end

    def _if_mode(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        parts = _MODE_TEST.match(text, match.start())
        if parts is None:
            return match[0], match.end()
        return self.clean(parts.group(1) or ""), parts.end()

    # ---- Environments ---------------------------------------------------------------------------

    def _begin(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        taken = next_argument(text, match.end())
        if taken is None:
            return match[0], match.end()
        name, position = taken[0].strip(), taken[1]
        if name in self._words.formulas:
            end = self._closed(text, name, lambda: environment_end(text, position, name))
            if end < 0:
                return text[match.start() : position], position
            return self._formula("environment", text[match.start() : end]), end
        if name in self._verbatim:
            if name.startswith("filecontents"):
                return _GONE, _end_or_rest(text, position, name)
            end = _end_or_rest(text, position, name)
            return text[match.start() : end], end
        if name in self._dropped_environments:
            end = _end_or_rest(text, position, name)
            if self._is_diagram(name, text[position:end]):
                tag = text[match.start() : position]
                return tag + self.clean(text[position:end]), end
            self.count(text[position:end], kept=False)
            return _GONE, end
        if name == "abstract" and not self._options.abstract:
            return _GONE, _end_or_rest(text, position, name)
        arguments = self._words.unwrapped_environments.get(name)
        if arguments is not None:
            skipped = skip_specified(text, position, arguments)
            return _GONE, skipped[1] if skipped else position
        if name in _LISTS:
            option, end = optional_argument(text, position)
            settings = (
                option is not None
                and "$" not in option
                and _LIST_SETTINGS.search(option) is not None
            )
            return f"\\begin{{{name}}}" + text[position : position if settings else end], end
        arguments = self._words.floats.get(name)
        if arguments is not None:
            skipped = skip_specified(text, position, arguments)
            return f"\\begin{{{name}}}", skipped[1] if skipped else position
        return text[match.start() : position], position

    def _is_diagram(self, name: str, drawing: str) -> bool:
        """Whether a drawing is mathematics in another form, no plot and no exported picture."""
        if self._options.drawings != "diagrams" or "$" not in drawing:
            return False
        if name not in self._words.dropped_environments["drawings"] or name == "picture":
            return False
        ink = sum(map(len, drawing.split()))
        digits = sum(map(drawing.count, "0123456789"))
        return ink <= _LARGEST_DIAGRAM and digits < _MOST_DIGITS * ink

    def _end(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        taken = next_argument(text, match.end())
        if taken is None:
            return match[0], match.end()
        name = taken[0].strip()
        if name in self._words.unwrapped_environments:
            return _GONE, taken[1]
        return text[match.start() : taken[1]], taken[1]

    # ---- Commands -------------------------------------------------------------------------------

    def _drop(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        skipped = skip_specified(text, match.end(), self._gone[match[1]])
        end = skipped[1] if skipped is not None else match.end()
        if end == match.end():
            return _GONE, _after_word(text, end)
        return _GONE, end

    def _unwrap(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        skipped = skip_specified(text, match.end(), self._words.unwrapped[match[1]])
        if skipped is None or not skipped[0]:
            return match[0], match.end()
        return self.clean(skipped[0][-1]), skipped[1]

    def _head(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        name = match[1]
        part, arguments = self._heads[name]
        skipped = skip_specified(text, match.end(), arguments)
        if (
            skipped is None
            or not skipped[0]
            or text[skip_blanks(text, match.end()) :][:1] not in "{["
        ):
            return match[0], match.end()
        mandatory, end = skipped
        content = _BREAKS.sub(r"\\\\ ", self.clean(mandatory[0])).strip().removeprefix("\\\\")
        content = content.removesuffix("\\\\").strip()
        if part == "title" and not self.title:
            self.title = _tidy(content)
        if not getattr(self._options, part) or not content.replace(_GONE, "").strip():
            return _GONE, end
        return f"\\{name}{{{content}}}", end

    def _paragraph(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        return "\n\n", skip_blanks(text, match.end())

    def _bibliography(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        taken = next_argument(text, match.end())
        return (_GONE, taken[1]) if taken is not None else (match[0], match.end())

    def _first_of_two(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        skipped = skip_specified(text, match.end(), "mm")
        if skipped is None:
            return match[0], match.end()
        return self.clean(skipped[0][0]), skipped[1]

    def _spanning(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        """What stands over two columns: often the head of a paper."""
        start = skip_blanks(text, match.end())
        if text[start : start + 1] != "[":
            return _GONE, match.end()
        end = bracketed(text, start, len(text))
        if end < 0:
            return _GONE, start + 1
        return self.clean(text[start + 1 : end - 1]), end

    def _label(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        taken = next_argument(text, match.end())
        end = taken[1] if taken is not None else match.end()
        return (text[match.start() : end] if self._options.labels else _GONE), end

    def _raw(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        end = verbatim_argument(text, match[1], match.end())
        return text[match.start() : end], end


_BREAKS = re.compile(r"(?:\\\\(?:\[[^\]]*\])?\s*(?:\x00\s*)*){2,}")
_LABEL = re.compile(r"\\label\s*\{[^{}]*\}")
_MODE_TEST = re.compile(
    r"\\ifmmode(?![A-Za-z@])(?:(?!\\else|\\fi).)*(?:\\else(?![A-Za-z@])\s*(.*?))?\\fi(?![A-Za-z@])",
    re.DOTALL,
)


def _closing(text: str, position: int, closing: str) -> int:
    r"""Behind ``\)`` or ``\]``; one behind ``\\`` is a line break before a bracket."""
    while True:
        found = text.find(closing, position)
        if found < 0:
            return -1
        count = 0
        while text[found - 1 - count] == "\\":
            count += 1
        if count % 2 == 0:
            return found + 2
        position = found + 2


def _end_or_rest(text: str, position: int, name: str) -> int:
    end = environment_end(text, position, name)
    return end if end >= 0 else len(text)


def _after_word(text: str, position: int) -> int:
    """Behind the blank that ends a command's name, on the same line."""
    return position + 1 if text[position : position + 1] == " " else position
