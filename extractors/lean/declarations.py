"""A Lean declaration's source taken apart: keyword, name, statement, proof."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

__all__ = ["DeclarationSource", "declaration_source", "namespaces", "proof_style"]

# Source: Lean/Parser/Command.lean, and Mathlib's and Batteries' own commands.
_KEYWORDS = (
    "theorem|lemma|def|abbrev|instance|example|structure|class|inductive|coinductive|opaque|axiom"
    "|proof_wanted|irreducible_def|alias"
)
_MODIFIERS = "private|protected|noncomputable|unsafe|partial|nonrec|local|scoped|public|meta|expose"
_HEAD = re.compile(
    rf"(?P<modifiers>(?:(?:{_MODIFIERS})\s+)*)(?P<keyword>{_KEYWORDS})\b(?:\s+inductive\b)?"
    r"(?:\s*\(\s*priority\s*:=[^)]*\))?"
    r"(?:\s+(?P<name>(?:«[^»\n]*»|[^\W\d][\w'!?]*)(?:\.(?:«[^»\n]*»|[\w'!?]+))*))?"
)
# What comes before it: doc comments, comments, attributes, "open ... in", "set_option ... in".
_BEFORE = re.compile(
    r"\s+|/-(?:[^-]|-(?!/))*-/|--[^\n]*|@\[(?:[^\[\]]|\[[^\[\]]*\])*\]"
    r"|(?:open|set_option|variable|include|omit|attribute|universe)\b[^\n]*?\bin\b(?=\s)"
)
_DOC = re.compile(r"/--(?P<text>(?:[^-]|-(?!/))*)-/")
_OPENING, _CLOSING = "([{⟨⦃", ")]}⟩⦄"
_SKIPPED = re.compile(r"/-(?:[^-]|-(?!/))*-/|--[^\n]*|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\\n]|\\[^\n])'")
_WORD = re.compile(r"[^\W\d][\w'!?]*(?:\.[\w'!?]+)*")
# Words of a statement behind which ``:=`` belongs to a term.
_BINDS = frozenset({"let", "have", "haveI", "letI", "let_fun"})


class DeclarationSource(NamedTuple):
    """The parts of a declaration; offsets count characters from its beginning.

    Attributes:
        keyword: Its keyword; empty when it's no declaration.
        name: Its name as written; empty for none.
        head: Where the keyword, or a modifier before it, begins.
        proof: Where its proof or body begins (``:=``, ``where`` or the first ``|``); its end when
            it has none.
        doc: Its doc comment.
    """

    keyword: str
    name: str
    head: int
    proof: int
    doc: str


def declaration_source(text: str) -> DeclarationSource:
    """Takes a command's source apart."""
    place, doc = 0, ""
    while (found := _BEFORE.match(text, place)) is not None and found.end() > place:
        if (comment := _DOC.fullmatch(found.group())) is not None:
            doc = comment.group("text").strip()
        place = found.end()
    head = _HEAD.match(text, place)
    if head is None:
        return DeclarationSource("", "", place, len(text), doc)
    keyword = head.group("keyword")
    name = head.group("name") or ""
    end = head.end()
    if keyword == "example" or name in {"where", "by"}:
        name, end = "", head.end("keyword")
    return DeclarationSource(keyword, name, place, _proof(text, end, keyword), doc)


def _proof(text: str, place: int, keyword: str) -> int:
    """Where the proof begins: the first ``:=``, ``where`` or ``|`` outside brackets."""
    depth, bound = 0, 0
    while place < len(text):
        skipped = _SKIPPED.match(text, place)
        if skipped is not None:
            place = skipped.end()
            continue
        character = text[place]
        if character in _OPENING:
            depth += 1
        elif character in _CLOSING:
            depth -= 1
        elif depth == 0 and text.startswith(":=", place):
            if not bound:
                return place
            bound -= 1
        elif depth == 0 and character == "|" and _begins_line(text, place):
            return place
        elif (word := _WORD.match(text, place)) is not None:
            if depth == 0 and word.group() == "where":
                return place
            if depth == 0 and word.group() in _BINDS and keyword != "instance":
                bound += 1
            place = word.end()
            continue
        place += 1
    return len(text)


def _begins_line(text: str, place: int) -> bool:
    return not text[text.rfind("\n", 0, place) + 1 : place].strip() and not text.startswith(
        "||", place
    )


def proof_style(proof: str) -> str:
    """``tactic`` for a proof that is one ``by`` block, ``mixed`` with one inside, else ``term``."""
    body = proof.removeprefix(":=").strip()
    if not body:
        return ""
    if re.match(r"by\b", body):
        return "tactic"
    return "mixed" if re.search(r"(?<![\w.'])by(?![\w'])", _SKIPPED.sub(" ", body)) else "term"


_SCOPE = re.compile(
    r"(?:(?:noncomputable|public|meta)\s+)*(?P<word>namespace|section|end)\b[ \t]*"
    r"(?P<name>[^\s]*)"
)


def namespaces(commands: Iterable[str]) -> Iterator[str]:
    """The namespace that each command of a file is in, by what the commands before it say."""
    scopes: list[tuple[str, str]] = []
    for command in commands:
        yield ".".join(name for word, name in scopes if word == "namespace" and name)
        place = 0
        while (before := _BEFORE.match(command, place)) is not None and before.end() > place:
            place = before.end()
        found = _SCOPE.match(command, place)
        if found is None:
            continue
        word, name = found.group("word"), found.group("name")
        if word != "end":
            # "namespace A.B" opens two scopes, and "end B" closes one of them.
            scopes += [(word, part) for part in name.split(".")]
        else:
            del scopes[max(len(scopes) - len(name.split(".")), 0) :]
