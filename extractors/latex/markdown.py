r"""A cleaned paper as Markdown, its formulas in LaTeX as they are.

Structure becomes Markdown: headings, lists, emphasis, quotes, tables, code, footnotes. Formulas
stand between dollars, environments of mathematics within double ones, to the letter. A command
that isn't known stays as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from extractors.latex.arguments import next_argument, optional_argument, skip_blanks, skip_specified
from extractors.latex.characters import ACCENTS, LETTERS, LIGATURES, accented
from extractors.latex.comments import VERBATIM_ENVIRONMENTS, verbatim_argument
from extractors.latex.formulas import display_end, environment_end, inline_end
from extractors.latex.vocabulary import vocabulary

__all__ = ["plain_text", "to_markdown"]

_TOKEN = re.compile(r"\\(?:([A-Za-z@]+)\*?|.)|\$|[{}]", re.DOTALL)
_HEADINGS = {
    "title": "#",
    "part": "#",
    "chapter": "#",
    "section": "##",
    "subsection": "###",
    "subsubsection": "####",
}
_EMPHASIS = {"emph": "*", "textit": "*", "textsl": "*", "textbf": "**", "bf": "**", "it": "*"}
_DECLARATIONS = {
    "bf": "**",
    "bfseries": "**",
    "it": "*",
    "em": "*",
    "sl": "*",
    "itshape": "*",
    "slshape": "*",
}
_PLAIN_WRAPPERS = frozenset(
    "textsc textrm textsf textnormal text textup mbox hbox underline subtitle author authors Author"
    " author icmlauthor keywords keyword Keywords abstract textmd title shortauthor".split()
)
_REFERENCES = frozenset(
    "ref eqref cref Cref autoref pageref nameref vref fref Fref sref prettyref thmref".split()
)
_CITATIONS = re.compile(r"(?:[A-Za-z]*cite[A-Za-z]*)\Z")
_SIGNS = {"%": "%", "&": "&", "#": "\\#", "_": "\\_", "$": "\\$", "{": "{", "}": "}", " ": " "}
_NOTHING = frozenset((",", ";", ":", "!", "/", "-", "@", ">", "<", "+"))
_THEOREMS = {
    "theorem": "Theorem",
    "thm": "Theorem",
    "lemma": "Lemma",
    "lem": "Lemma",
    "proposition": "Proposition",
    "prop": "Proposition",
    "corollary": "Corollary",
    "cor": "Corollary",
    "definition": "Definition",
    "defn": "Definition",
    "remark": "Remark",
    "example": "Example",
    "conjecture": "Conjecture",
    "claim": "Claim",
    "proof": "Proof",
}
_LISTS = {
    "itemize": "-",
    "enumerate": "1.",
    "description": "-",
    "compactitem": "-",
    "inparaenum": "1.",
}
_LISTS |= {"compactenum": "1.", "trivlist": "", "list": "-"}
_TABLES = frozenset(("tabular", "tabular*", "tabularx", "longtable", "deluxetable"))
_TABLE_ARGUMENTS = {"tabular": "om", "tabular*": "mom", "tabularx": "mom", "longtable": "om"}
_TABLE_ARGUMENTS |= {"deluxetable": "m"}
_RULES = re.compile(
    r"\\(?:hline|toprule|midrule|bottomrule|endhead|endfirsthead|endfoot|endlastfoot|startdata"
    r"|enddata)(?![A-Za-z])|\\(?:cline|cmidrule)\s*(?:\([^)]*\))?\s*\{[^}]*\}"
)
_DEEPEST = 40


def to_markdown(text: str, theorems: Mapping[str, str] | None = None) -> str:
    """A cleaned paper as Markdown.

    Args:
        text: What ``clean_paper`` gives.
        theorems: What is printed for the paper's theorem environments.
    """
    writer = _Writer({**_THEOREMS, **(theorems or {})})
    body = writer.convert(text)
    notes = "\n".join(f"[^{n}]: {note}" for n, note in enumerate(writer.notes, 1))
    joined = f"{body}\n\n{notes}" if notes else body
    joined = re.sub(r"[ \t]+\n", "\n", joined)
    return re.sub(r"\n{3,}", "\n\n", joined).strip("\n")


def plain_text(latex: str) -> str:
    """A short piece of LaTeX, a title, as plain text; formulas stay."""
    converted = _Writer({}, plain=True).convert(latex)
    return " ".join(converted.replace("\\_", "_").replace("\\#", "#").split())


class _Writer:
    """Writes Markdown for LaTeX."""

    def __init__(self, theorems: Mapping[str, str], *, plain: bool = False) -> None:
        self.notes: list[str] = []
        self._theorems = theorems
        self._plain = plain
        self._depth = 0
        self._list: list[str] = []
        # What isn't closed in which text; see ``cleaning``.
        self._unclosed: dict[str, str] = {}
        self._formulas = vocabulary().formulas

    def convert(self, text: str) -> str:
        """The text as Markdown."""
        if self._depth >= _DEEPEST:
            return text
        self._depth += 1
        out: list[str] = []
        position = 0
        while (match := _TOKEN.search(text, position)) is not None:
            out.append(_characters(text[position : match.start()]))
            piece, position = self._token(text, match)
            out.append(piece)
        out.append(_characters(text[position:]))
        self._depth -= 1
        return "".join(out)

    def _token(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        token = match.group()
        name = match[1]
        if token == "$":
            return self._dollar(text, match)
        if token == "{":
            return self._group(text, match)
        if token == "}":
            return "", match.end()
        if name is not None:
            return self._command(name, text, match)
        sign = token[1]
        if sign in "([":
            return self._bracket(text, match, "\\)" if sign == "(" else "\\]")
        if sign == "\\":
            _, end = optional_argument(text, match.end() + text.startswith("*", match.end()))
            return "\n", end
        if sign in ACCENTS:
            return self._accent(sign, text, match.end())
        if sign in _SIGNS:
            return _SIGNS[sign], match.end()
        if sign in _NOTHING:
            return (" " if sign in ",;:" else ""), match.end()
        return (" " if sign.isspace() else token), match.end()

    # ---- Formulas -------------------------------------------------------------------------------

    def _dollar(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        start = match.start()
        if text.startswith("$$", start):
            end = display_end(text, start)
            if end >= 0:
                return self._block(text[start + 2 : end - 2]), end
            return "\\$\\$", start + 2
        end = inline_end(text, start)
        return (text[start:end], end) if end >= 0 else ("\\$", start + 1)

    def _bracket(self, text: str, match: re.Match[str], closing: str) -> tuple[str, int]:
        open_ended = self._unclosed.get(closing) is text
        end = -1 if open_ended else text.find(closing, match.end())
        if end < 0:
            self._unclosed[closing] = text
            return match.group(), match.end()
        tex = text[match.end() : end]
        return (f"${tex}$" if closing == "\\)" else self._block(tex)), end + 2

    @staticmethod
    def _block(tex: str) -> str:
        return f"\n$${tex}$$\n"

    # ---- Groups and commands --------------------------------------------------------------------

    def _group(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        taken = next_argument(text, match.start())
        if taken is None:
            return "", match.end()
        content, end = taken
        declaration = re.match(r"\s*\\([A-Za-z]+)(?![A-Za-z])\s*", content)
        mark = _DECLARATIONS.get(declaration.group(1)) if declaration else None
        if declaration is not None and mark is not None:
            return self._marked(mark, content[declaration.end() :]), end
        return self.convert(content), end

    def _marked(self, mark: str, content: str) -> str:
        body = self.convert(content.replace("\\/", ""))
        inner = body.strip()
        if self._plain or not inner or "\n\n" in inner or "$$" in inner:
            return body
        before, after = body[: len(body) - len(body.lstrip())], body[len(body.rstrip()) :]
        return f"{before}{mark}{inner}{mark}{after}"

    def _command(self, name: str, text: str, match: re.Match[str]) -> tuple[str, int]:
        position = match.end()
        if name == "begin":
            return self._environment(text, match)
        if name == "end":
            taken = next_argument(text, position)
            return "", taken[1] if taken else position
        if name in _HEADINGS and not self._plain:
            return self._heading(_HEADINGS[name], text, match)
        if name in ("paragraph", "subparagraph"):
            skipped = skip_specified(text, position, "om")
            if skipped is not None:
                return f"\n\n**{self.convert(skipped[0][0]).strip()}** ", skipped[1]
        if name in _EMPHASIS or name in _PLAIN_WRAPPERS or name == "texttt":
            return self._wrapped(name, text, match)
        if name == "item":
            return self._item(text, position)
        if name in ("footnote", "footnotetext", "endnote"):
            return self._footnote(text, match)
        if name in ("verb", "lstinline", "mintinline", "url", "nolinkurl", "path"):
            return self._raw(name, text, match)
        if name == "href":
            return self._link(text, match)
        if name in _REFERENCES or _CITATIONS.match(name):
            return self._reference(name, text, match)
        if name == "label":
            taken = next_argument(text, position)
            return "", taken[1] if taken else position
        if name == "caption" or name == "captionof":
            return self._caption(name, text, match)
        if name in ACCENTS and (text[position : position + 1] in "{ \\"):
            return self._accent(name, text, position)
        if name in LETTERS:
            end = position + 2 if text.startswith("{}", position) else _after_word(text, position)
            return LETTERS[name], end
        if name in _DECLARATIONS or name in (
            "rm",
            "tt",
            "sf",
            "sc",
            "scshape",
            "appendix",
            "limits",
        ):
            return "", _after_word(text, position)
        return match.group(), position

    def _accent(self, accent: str, text: str, position: int) -> tuple[str, int]:
        taken = next_argument(text, position)
        if taken is None:
            return "", position
        letter, end = taken
        return accented(accent, letter), end

    def _heading(self, marks: str, text: str, match: re.Match[str]) -> tuple[str, int]:
        skipped = skip_specified(text, match.end(), "om")
        if skipped is None:
            return match.group(), match.end()
        heading = " ".join(self.convert(skipped[0][0]).split())
        return f"\n\n{marks} {heading}\n\n", skipped[1]

    def _wrapped(self, name: str, text: str, match: re.Match[str]) -> tuple[str, int]:
        start = skip_blanks(text, match.end())
        taken = next_argument(text, match.end()) if text[start : start + 1] in "{[" else None
        if taken is not None and text[start] == "[":
            _, at = optional_argument(text, match.end())
            taken = next_argument(text, at)
        if taken is None:
            return "", _after_word(text, match.end())
        content, end = taken
        if name == "texttt":
            code = self.convert(content)
            return (code if self._plain or "`" in code else f"`{code}`"), end
        if name in _EMPHASIS:
            return self._marked(_EMPHASIS[name], content), end
        return self.convert(content), end

    def _item(self, text: str, position: int) -> tuple[str, int]:
        option, end = optional_argument(text, position)
        mark = self._list[-1] if self._list else "-"
        indent = "  " * max(0, len(self._list) - 1)
        label = f"**{self.convert(option).strip()}** " if option and option.strip() else ""
        return f"\n{indent}{mark} {label}", skip_blanks(text, end)

    def _footnote(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        skipped = skip_specified(text, match.end(), "om")
        if skipped is None:
            return match.group(), match.end()
        note = " ".join(self.convert(skipped[0][0]).split())
        if self._plain:
            return "", skipped[1]
        self.notes.append(note)
        return f"[^{len(self.notes)}]", skipped[1]

    def _raw(self, name: str, text: str, match: re.Match[str]) -> tuple[str, int]:
        end = verbatim_argument(text, name, match.end())
        written = text[match.end() : end].lstrip("*")
        if end == match.end() or len(written) < 2:
            return match.group(), match.end()
        content = written[1:-1] if written[0] != "[" else written.partition("]")[2][1:-1]
        return (f"<{content}>" if name == "url" else f"`{content}`"), end

    def _link(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        end = verbatim_argument(text, "href", match.end())
        address = text[match.end() : end].strip()[1:-1]
        shown = next_argument(text, end)
        if end == match.end() or shown is None:
            return match.group(), match.end()
        content = self.convert(shown[0])
        return (content if self._plain else f"[{content}]({address})"), shown[1]

    def _reference(self, name: str, text: str, match: re.Match[str]) -> tuple[str, int]:
        position = match.end()
        notes: list[str] = []
        while True:
            note, position = optional_argument(text, position)
            if note is None:
                break
            if note.strip():
                notes.append(self.convert(note).strip())
        taken = next_argument(text, position)
        if taken is None:
            return match.group(), match.end()
        keys = "; ".join(key.strip() for key in taken[0].split(","))
        shown = f"[{keys}{''.join(', ' + note for note in notes)}]"
        return (f"({shown})" if name == "eqref" else shown), taken[1]

    def _caption(self, name: str, text: str, match: re.Match[str]) -> tuple[str, int]:
        skipped = skip_specified(text, match.end(), "mom" if name == "captionof" else "om")
        if skipped is None:
            return match.group(), match.end()
        return f"\n\n{' '.join(self.convert(skipped[0][-1]).split())}\n\n", skipped[1]

    # ---- Environments ---------------------------------------------------------------------------

    def _environment(self, text: str, match: re.Match[str]) -> tuple[str, int]:
        taken = next_argument(text, match.end())
        if taken is None:
            return match.group(), match.end()
        name, position = taken[0].strip(), taken[1]
        open_ended = self._unclosed.get(name) is text
        end = -1 if open_ended else environment_end(text, position, name)
        if end < 0:
            self._unclosed[name] = text
            return "", position
        closing = text.rfind("\\end", position, end)
        if name in self._formulas:
            return self._block(f"\n{text[match.start() : end]}\n"), end
        content = text[position:closing]
        if name in VERBATIM_ENVIRONMENTS:
            code = optional_argument(content, 0)[1]
            return f"\n\n```\n{content[code:].strip(chr(10))}\n```\n\n", end
        if name in _TABLES:
            return self._table(name, content), end
        return self._block_of(name, content), end

    def _block_of(self, name: str, content: str) -> str:
        if name in _LISTS:
            return self._listed(name, content)
        bare = name.rstrip("*")
        if bare in self._theorems:
            note, start = optional_argument(content, 0)
            label = self.convert(self._theorems[bare])
            extra = f" ({self.convert(note).strip()})" if note and note.strip() else ""
            mark = "*" if bare == "proof" else "**"
            return f"\n\n{mark}{label}{extra}.{mark} {self.convert(content[start:]).strip()}\n\n"
        if name == "abstract":
            return f"\n\n**Abstract.** {self.convert(content).strip()}\n\n"
        if name in ("quote", "quotation", "verse", "displayquote"):
            lines = self.convert(content).strip().split("\n")
            return "\n\n" + "\n".join(f"> {line}".rstrip() for line in lines) + "\n\n"
        return f"\n\n{self.convert(content).strip()}\n\n"

    def _listed(self, name: str, content: str) -> str:
        _, start = optional_argument(content, 0)
        if name == "list":
            skipped = skip_specified(content, start, "mm")
            start = skipped[1] if skipped is not None else start
        self._list.append(_LISTS[name])
        body = self.convert(content[start:]).strip("\n")
        self._list.pop()
        return f"\n{body}\n" if self._list else f"\n\n{body}\n\n"

    def _table(self, name: str, content: str) -> str:
        skipped = skip_specified(content, 0, _TABLE_ARGUMENTS[name])
        body = _RULES.sub("", content[skipped[1] :] if skipped is not None else content)
        rows = [
            [" ".join(self.convert(cell).split()) for cell in _split(row, "&")]
            for row in _split(body, "\\\\")
            if row.strip()
        ]
        rows = [row for row in rows if any(row)]
        if not rows:
            return ""
        width = max(map(len, rows))
        lines = ["| " + " | ".join(row + [""] * (width - len(row))) + " |" for row in rows]
        lines.insert(1, "|" + " --- |" * width)
        return "\n\n" + "\n".join(lines) + "\n\n"


def _characters(text: str) -> str:
    """Text between commands: ties, dashes and quotes as characters."""
    if "~" in text:
        text = text.replace("~", " ")
    if "--" in text or "`" in text or "''" in text:
        for written, character in LIGATURES:
            text = text.replace(written, character)
    return text


_CELL_TOKEN = re.compile(r"\\begin|\\end|\\\\|\\.|[{}&]", re.DOTALL)
_ROW_END = re.compile(r"\*?[ \t]*(?:\[[^\]]*\])?")


def _split(text: str, separator: str) -> list[str]:
    """Parts of a table between separators that stand outside braces and environments."""
    parts: list[str] = []
    depth = start = 0
    for match in _CELL_TOKEN.finditer(text):
        token = match.group()
        if token in ("{", "\\begin"):
            depth += 1
        elif token in ("}", "\\end"):
            depth -= 1
        elif token == separator and depth <= 0:
            parts.append(text[start : match.start()])
            start = match.end()
            if separator == "\\\\":
                rest = _ROW_END.match(text, start)
                start = rest.end() if rest is not None else start
    parts.append(text[start:])
    return parts


def _after_word(text: str, position: int) -> int:
    """Behind the blank that ends a command's name."""
    return position + 1 if text[position : position + 1] == " " else position
