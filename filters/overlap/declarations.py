"""Declarations of Lean and Isabelle files, found without a compiler, in pieces of files too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Declaration", "Language", "declarations", "language_of"]

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
_MODIFIERS = frozenset("private protected noncomputable local meta scoped qualified".split())


def language_of(path: str) -> Language | None:
    """The formal language of a file by its suffix, None for any other."""
    return next((lang for end, lang in _SUFFIXES.items() if path.lower().endswith(end)), None)


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


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: int
    end: int
    # Its column when it is the first of its line, else -1.
    indent: int


def declarations(text: str, language: Language, module: str = "") -> Iterator[Declaration]:
    """The declarations of a text, in order.

    Args:
        text: A Lean or Isabelle file, or a piece of one.
        language: Which.
        module: The file's name without its suffix, which qualifies names; empty when unknown. The
            name of an Isabelle theory comes before it.
    """
    return _Reader(text, language, module).declarations()


class _Reader:
    """Reads one text."""

    def __init__(self, text: str, language: Language, module: str) -> None:
        self._text = text
        self._language = language
        self._syntax = _SYNTAX[language]
        self._tokens = list(self._all_tokens())
        self._module = self._theory() or module

    def declarations(self) -> Iterator[Declaration]:
        namespaces: list[str] = []
        for place, token in enumerate(self._tokens):
            if token.indent >= 0 and self._language == "lean":
                self._follow(place, namespaces)
            if token.text in self._syntax.keywords and self._begins_command(place):
                yield self._declaration(place, namespaces)

    def _declaration(self, place: int, namespaces: Sequence[str]) -> Declaration:
        keyword = self._tokens[place]
        name, body = self._name(place + 1)
        stop = self._statement_end(body)
        names: tuple[str, ...] = ()
        if name:
            full = ".".join((*namespaces, name))
            names = (full, f"{self._module}.{full}") if self._module else (full,)
        return Declaration(
            names=names,
            start=self._lead(keyword.start),
            statement_start=keyword.start,
            statement_end=self._tokens[stop - 1].end,
            end=self._command_end(stop, max(keyword.indent, 0)),
            tokens=tuple(token.text for token in self._tokens[body:stop]),
        )

    def _text_at(self, place: int) -> str:
        """The token's text, empty behind the last one."""
        return self._tokens[place].text if place < len(self._tokens) else ""

    def _all_tokens(self) -> Iterator[_Token]:
        """The tokens outside comments."""
        text, place = self._text, 0
        line, line_empty = 0, True
        for start, end in [*self._comments(), (len(text), len(text))]:
            for match in self._syntax.token.finditer(text, place, start):
                newline = text.rfind("\n", place, match.start())
                if newline >= 0:
                    line, line_empty = newline + 1, True
                yield _Token(
                    match.group(),
                    match.start(),
                    match.end(),
                    match.start() - line if line_empty else -1,
                )
                line_empty = False
                place = match.end()
            newline = text.rfind("\n", place, end)
            if newline >= 0:
                line, line_empty = newline + 1, True
            place = end

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

    def _theory(self) -> str:
        if self._language == "isabelle":
            for place, token in enumerate(self._tokens):
                if token.text == "theory" and token.indent >= 0:
                    return self._text_at(place + 1)
        return ""

    def _follow(self, place: int, namespaces: list[str]) -> None:
        word, after = self._text_at(place), self._text_at(place + 1)
        if word == "namespace":
            namespaces.append(after)
        elif word == "end" and namespaces and after == namespaces[-1]:
            namespaces.pop()

    def _begins_command(self, place: int) -> bool:
        """Whether a keyword is the first of its line, but for modifiers and attributes."""
        while self._tokens[place].indent < 0:
            place -= 1
            if self._text_at(place) == "]":
                while place > 0 and self._text_at(place) != "@":
                    place -= 1
            elif self._text_at(place) not in _MODIFIERS:
                return False
        return True

    def _name(self, place: int) -> tuple[str, int]:
        """The name, empty for a declaration without one, and where the statement begins."""
        if self._language == "isabelle":
            if self._text_at(place) == "(":  # lemma (in locale) name: "..."
                place = self._behind(place, ")")
            name, ahead = self._text_at(place), place + 1
            if self._text_at(ahead) == "[":  # lemma name [simp]: "..."
                ahead = self._behind(ahead, "]")
            return (name, ahead + 1) if self._text_at(ahead) == ":" else ("", place)
        name = self._text_at(place)
        if self._text_at(place - 1) == "example" or not re.match(r"[^\W\d]|«", name):
            return "", place
        return name, place + 1

    def _behind(self, place: int, closing: str) -> int:
        while place < len(self._tokens) and self._text_at(place) != closing:
            place += 1
        return place + 1

    def _statement_end(self, place: int) -> int:
        quoted = False
        begin = place
        while place < len(self._tokens):
            token = self._tokens[place]
            if token.text == self._syntax.quote:
                quoted = not quoted
            elif place > begin and token.text in self._syntax.ends and not quoted:
                break
            if token.indent == 0 and self._is_command(token):
                break
            place += 1
        return place

    def _command_end(self, place: int, indent: int) -> int:
        """Where the next command begins, or its doc comment."""
        blocks = 0
        while place < len(self._tokens):
            token = self._tokens[place]
            if token.text == "begin":  # Lean 3
                blocks += 1
            elif token.text == "end" and blocks:
                blocks -= 1
            elif 0 <= token.indent <= indent and self._is_command(token):
                return self._lead(token.start)
            place += 1
        return len(self._text)

    def _is_command(self, token: _Token) -> bool:
        return token.text in self._syntax.keywords or token.text in self._syntax.commands

    def _lead(self, start: int) -> int:
        """Where the lines before a command begin that belong to it: attributes, a doc comment."""
        text = self._text
        opening, closing = self._syntax.comment
        line = text.rfind("\n", 0, start) + 1
        while line > 0:
            previous = text.rfind("\n", 0, line - 1) + 1
            content = text[previous : line - 1].strip()
            if content.startswith("@["):
                line = previous
            elif content.endswith(closing) and (opened := text.rfind(opening, 0, line)) >= 0:
                return text.rfind("\n", 0, opened) + 1
            else:
                break
        return line
