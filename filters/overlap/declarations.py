"""Declarations of Lean and Isabelle files, found without a compiler, in pieces of files too."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Declaration", "Language", "declarations", "language_of", "languages_in"]

Language = Literal["lean", "isabelle"]


@dataclass(frozen=True, slots=True)
class _Syntax:
    """What one has to know of a language to find its declarations.

    Attributes:
        token: Matches what counts; what it passes over is white space.
        comment: What opens and what closes a comment; comments nest.
        line_comment: What makes a comment of the rest of the line; empty for nothing.
        quote: Between two of these nothing ends a statement; empty for nothing.
        keywords: What begins a declaration with a statement.
        commands: What else begins a command, and so ends the one before.
        ends: What ends a statement: its proof begins.
    """

    token: re.Pattern[str]
    comment: tuple[str, str]
    line_comment: str
    quote: str
    keywords: frozenset[str]
    commands: frozenset[str]
    ends: frozenset[str]


# Sources: the Lean 3 reference, "Other commands"; the Lean 4 source, Lean/Parser/Command.lean; the
# Isabelle/Isar reference manual, chapters 3 to 7.
_SYNTAX: Mapping[Language, _Syntax] = {
    "lean": _Syntax(
        token=re.compile(r"[^\W\d][\w'.!?]*|\d+(?:\.\d+)?|:=|\S"),
        comment=("/-", "-/"),
        line_comment="--",
        quote="",
        keywords=frozenset("theorem lemma example corollary proposition".split()),
        commands=frozenset(
            "def abbreviation abbrev axiom axioms constant constants instance class structure "
            "inductive namespace section end open open_locale variable variables parameter "
            "universe universes import attribute local notation infix prefix noncomputable "
            "private protected macro macro_rules syntax elab set_option run_cmd run_meta meta "
            "opaque mutual theory alias initialize deriving @ #".split()
        ),
        ends=frozenset([":=", "begin", "by", "sorry"]),
    ),
    "isabelle": _Syntax(
        token=re.compile(r"\\<\^?\w+>|[^\W\d][\w'.]*|\d+|\S"),
        comment=("(*", "*)"),
        line_comment="",
        quote='"',
        keywords=frozenset("lemma theorem corollary proposition schematic_goal".split()),
        commands=frozenset(
            "lemmas definition fun function primrec datatype type_synonym abbreviation inductive "
            "inductive_set coinductive record locale context interpretation sublocale instance "
            "instantiation class section subsection subsubsection paragraph chapter text txt "
            "theory begin end termination declare declaration notation no_notation typedef "
            "lift_definition hide_const consts value ML setup primcorec codatatype bundle "
            "unbundle syntax translations method named_theorems axiomatization "
            "global_interpretation export_code overloading nitpick_params thm".split()
        ),
        ends=frozenset(". .. proof by using unfolding apply sorry oops supply including".split()),
    ),
}

_SUFFIXES: Mapping[str, Language] = {".lean": "lean", ".thy": "isabelle"}
_MODIFIERS = "private|protected|noncomputable|local|meta|scoped|qualified"
# Attributes and names in parentheses longer than this are none; it bounds what is looked at.
_LONGEST_ASIDE = 400


def language_of(path: str) -> Language | None:
    """The formal language of a file by its suffix, None for any other."""
    return next((lang for end, lang in _SUFFIXES.items() if path.lower().endswith(end)), None)


# A line that begins as a declaration does. The line feed comes first: a pattern that begins with it
# is searched for at the speed of memchr, one that begins with "^" is tried at every character.
_DECLARES = re.compile(
    rf"\n[ \t]*(?:@\[[^\]\n]{{0,{_LONGEST_ASIDE}}}\][ \t]*)*(?:(?:{_MODIFIERS})[ \t]+)*"
    r"(?:theorem|lemma|example|corollary|proposition|schematic_goal)\b"
)
# Isabelle's statements are quoted, and the first quote is not far from the keyword.
_QUOTES = re.compile(
    r"\n[ \t]*(?:theorem|lemma|corollary|proposition|schematic_goal)\b[^\n\"]*(?:\n[^\n\"]*){0,3}\""
)
# Lean 3's proofs.
_BLOCKS = re.compile(r"\b(?:begin|end)\b")


def languages_in(text: str) -> list[Language]:
    """The languages that a text may hold declarations of, judged by the text alone.

    A file's suffix would do for sources, but web pages and notebooks quote statements too.
    """
    found: list[Language] = []
    lines = "\n" + text
    if _DECLARES.search(lines) is not None:
        if ":=" in text or "begin" in text:
            found.append("lean")
        if _QUOTES.search(lines) is not None:
            found.append("isabelle")
    return found


@dataclass(frozen=True, slots=True)
class Declaration:
    """One declaration; offsets count characters of the text as it stands.

    Attributes:
        names: Its name with the namespaces that it is in, and that name with the module before it
            (``Rudin.exercise_1_1``); empty for a declaration without a name.
        start: Where it begins, at its doc comment or attributes if it has such.
        statement_start: Where its keyword is.
        statement_end: Where the statement ends; its proof follows.
        end: Where what follows it begins.
        tokens: The statement after the name, comments and white space left out.
    """

    names: tuple[str, ...]
    start: int
    statement_start: int
    statement_end: int
    end: int
    tokens: tuple[str, ...]


def declarations(text: str, language: Language, module: str = "") -> Iterator[Declaration]:
    """The declarations of a text, in order.

    Args:
        text: A Lean or Isabelle file, or a piece of one.
        language: Which.
        module: The file's name without its suffix, which qualifies names; empty when unknown. The
            name of an Isabelle theory comes before it.
    """
    return _Reader(text, language, module).declarations()


@functools.cache
def _landmarks(language: Language) -> re.Pattern[str]:
    """What a file is cut by: the first word of a line if it is a command."""
    syntax = _SYNTAX[language]

    def words(chosen: frozenset[str]) -> str:
        # Longest first; "@" and "#" are no words and have no end of one.
        named = "|".join(sorted((w for w in chosen if w[0].isalpha()), key=len, reverse=True))
        signs = "".join(sorted(w for w in chosen if not w[0].isalpha()))
        return f"(?:(?:{named})(?![\\w'.])" + (f"|[{signs}])" if signs else ")")

    attributes = rf"(?:@\[[^\]\n]{{0,{_LONGEST_ASIDE}}}\][ \t]*)*"
    modifiers = rf"(?:(?:{_MODIFIERS})[ \t]+)*"
    return re.compile(
        rf"\n(?P<indent>[ \t]*)(?:{attributes}{modifiers}(?P<keyword>{words(syntax.keywords)})"
        rf"|(?P<command>{words(syntax.commands)}))"
    )


@dataclass(frozen=True, slots=True)
class _Mark:
    """The first word of a line that begins a declaration (``declares``) or another command."""

    word: str
    declares: bool
    indent: int
    start: int
    end: int


class _Reader:
    """Reads one text."""

    def __init__(self, text: str, language: Language, module: str) -> None:
        self._text = text
        self._language = language
        self._syntax = _SYNTAX[language]
        comments = list(self._comments())
        self._comment_ends = {end: start for start, end in comments}
        # Comments as blanks, so that every place stays what it is.
        self._code = _blanked(text, comments)
        self._marks = list(self._all_marks())
        self._module = self._theory() or module

    def declarations(self) -> Iterator[Declaration]:
        namespaces: list[str] = []
        for number, mark in enumerate(self._marks):
            if mark.declares:
                yield self._declaration(number, namespaces)
            elif self._language == "lean":
                self._follow(mark, namespaces)

    def _declaration(self, number: int, namespaces: Sequence[str]) -> Declaration:
        mark = self._marks[number]
        name, body = self._name(mark)
        tokens, statement_end = self._statement(number, body)
        names: tuple[str, ...] = ()
        if name:
            full = ".".join((*namespaces, name))
            names = (full, f"{self._module}.{full}") if self._module else (full,)
        return Declaration(
            names=names,
            start=self._lead(mark.start),
            statement_start=mark.start,
            statement_end=statement_end,
            end=self._command_end(number, statement_end),
            tokens=tokens,
        )

    def _comments(self) -> Iterator[tuple[int, int]]:
        """Comments as (start, end), nested ones as one."""
        opening, closing = map(re.escape, self._syntax.comment)
        inside = re.compile(f"{opening}|{closing}")
        outside = re.compile(f"{opening}|{re.escape(self._syntax.line_comment) or '(?!)'}")
        place = 0
        while (begun := outside.search(self._text, place)) is not None:
            if begun.group() == self._syntax.line_comment:
                newline = self._text.find("\n", begun.end())
                place = newline if newline >= 0 else len(self._text)
            else:
                depth, place = 1, begun.end()
                while depth and (mark := inside.search(self._text, place)) is not None:
                    depth += 1 if mark.group() == self._syntax.comment[0] else -1
                    place = mark.end()
                # A comment that is never closed reaches to the end.
                place = len(self._text) if depth else place
            yield begun.start(), place

    def _word_after(self, place: int) -> str:
        found = re.compile(r"[ \t]*([\w.']+)").match(self._code, place)
        return found.group(1) if found is not None else ""

    def _theory(self) -> str:
        if self._language == "isabelle":
            for mark in self._marks:
                if mark.word == "theory":
                    return self._word_after(mark.end)
        return ""

    def _all_marks(self) -> Iterator[_Mark]:
        for found in _landmarks(self._language).finditer("\n" + self._code):
            kind = "keyword" if found.group("keyword") else "command"
            indent = len(found.group("indent"))
            start, end = found.span(kind)
            yield _Mark(found.group(kind), kind == "keyword", indent, start - 1, end - 1)

    def _follow(self, mark: _Mark, namespaces: list[str]) -> None:
        if mark.word == "namespace":
            namespaces.append(self._word_after(mark.end))
        elif mark.word == "end" and namespaces and self._word_after(mark.end) == namespaces[-1]:
            namespaces.pop()

    def _name(self, mark: _Mark) -> tuple[str, int]:
        """The name, empty for a declaration without one, and where the statement begins."""
        pattern = _NAMED[self._language]
        found = pattern.match(self._code, mark.end) if mark.word != "example" else None
        if found is None or found.group("name") in self._syntax.ends:
            return "", mark.end
        return found.group("name"), found.end()

    def _statement(self, number: int, place: int) -> tuple[tuple[str, ...], int]:
        """The tokens of the statement that begins at a place, and where it ends."""
        stop = len(self._code)
        for later in range(number + 1, len(self._marks)):
            mark = self._marks[later]
            if mark.declares or not mark.indent:
                stop = mark.start
                break
        tokens: list[str] = []
        end, quoted = place, False
        for found in self._syntax.token.finditer(self._code, place, stop):
            token = found.group()
            if token == self._syntax.quote:
                quoted = not quoted
            elif tokens and not quoted and token in self._syntax.ends:
                break
            tokens.append(token)
            end = found.end()
        return tuple(tokens), end

    def _command_end(self, number: int, place: int) -> int:
        """Where the next command begins, or its doc comment."""
        indent = self._marks[number].indent
        seen, blocks = place, 0
        for later in range(number + 1, len(self._marks)):
            mark = self._marks[later]
            if mark.declares:
                return max(self._lead(mark.start), place)
            if mark.start < place or mark.indent > indent:
                continue
            if mark.word == "end" and self._language == "lean":
                for word in _BLOCKS.findall(self._code, seen, mark.start):
                    blocks = max(blocks + (1 if word == "begin" else -1), 0)
                seen = mark.end
                if blocks:
                    blocks -= 1
                    continue
            return max(self._lead(mark.start), place)
        return len(self._text)

    def _lead(self, start: int) -> int:
        """Where the lines before a command begin that belong to it: attributes, a doc comment."""
        text = self._text
        line = text.rfind("\n", 0, start) + 1
        while line > 0:
            previous = text.rfind("\n", 0, line - 1) + 1
            content = text[previous : line - 1].rstrip()
            opened = self._comment_ends.get(previous + len(content))
            if content.lstrip().startswith("@["):
                line = previous
            elif opened is not None and text.startswith(self._syntax.comment[0], opened):
                return text.rfind("\n", 0, opened) + 1
            else:
                break
        return line


def _blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with blanks for what is in the spans; line breaks stay."""
    parts, place = [], 0
    for start, end in spans:
        parts += [text[place:start], re.sub(r"[^\n]", " ", text[start:end])]
        place = end
    return "".join([*parts, text[place:]])


_ASIDE = rf"[^\n]{{0,{_LONGEST_ASIDE}}}?"
# A name as it stands behind its keyword. In Isabelle a colon follows, perhaps after attributes, and
# the locale comes before: lemma (in group) name [simp]: "...".
_NAMED: Mapping[Language, re.Pattern[str]] = {
    "lean": re.compile(r"\s+(?P<name>[^\W\d][\w'.!?]*|«[^»\n]*»)"),
    "isabelle": re.compile(
        rf"\s*(?:\({_ASIDE}\)\s*)?(?P<name>[^\W\d][\w'.]*)\s*(?:\[{_ASIDE}\]\s*)?:(?!:)"
    ),
}
