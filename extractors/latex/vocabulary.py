"""The table of what commands and environments are to the text of a paper."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml

__all__ = ["Vocabulary", "vocabulary"]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What commands and environments are to the text of a paper; see ``vocabulary.yaml``.

    Attributes:
        formulas: Environments of mathematics.
        dropped: Commands that go, by group, with their arguments.
        affiliations: Commands that say more of the authors than their names.
        head: Commands of a paper's head by what they hold: title, authors, abstract.
        unwrapped: Commands of which the last argument stays.
        dropped_environments: Environments that go whole, by group.
        unwrapped_environments: Environments whose content stays, with the arguments of their tag.
        floats: Floats with the arguments of their tag that go.
        protected: Commands that no definition may change: structure that the cleaner relies on.
        protected_environments: Environments of which the same is true.
        layout: Names that definitions of style and class files may not change either; a paper's
            own file may, and means it.
    """

    formulas: frozenset[str]
    dropped: Mapping[str, Mapping[str, str]]
    affiliations: Mapping[str, str]
    head: Mapping[str, Mapping[str, str]]
    unwrapped: Mapping[str, str]
    dropped_environments: Mapping[str, frozenset[str]]
    unwrapped_environments: Mapping[str, str]
    floats: Mapping[str, str]
    protected: frozenset[str]
    protected_environments: frozenset[str]
    layout: frozenset[str]


@functools.cache
def vocabulary() -> Vocabulary:
    """The table, read once a process."""
    text = resources.files("extractors.latex").joinpath("vocabulary.yaml").read_text("utf-8")
    rows: dict[str, Any] = yaml.safe_load(text)
    formulas = frozenset(_flat(rows["formula_environments"]))
    head = rows["head"]
    layout = {
        *rows["affiliations"],
        *rows["unwrapped"],
        *(name for group in rows["dropped"].values() for name in group),
    }
    structure = frozenset(_flat(rows["structure"]))
    protected = {
        *structure,
        *(
            name
            for group in ("pages", "spacing", "fonts", "notes")
            for name in rows["dropped"][group]
        ),
        *("title", "subtitle", "author", "authors", "abstract", "keywords"),
    }
    environments = {
        *structure,
        *formulas,
        *rows["unwrapped_environments"],
        *rows["floats"],
        *(name for group in rows["dropped_environments"].values() for name in group),
    }
    return Vocabulary(
        formulas,
        rows["dropped"],
        rows["affiliations"],
        head,
        rows["unwrapped"],
        {name: frozenset(group) for name, group in rows["dropped_environments"].items()},
        rows["unwrapped_environments"],
        rows["floats"],
        frozenset(protected),
        frozenset(environments),
        frozenset(layout),
    )


def _flat(rows: list[list[str]]) -> Iterator[str]:
    for row in rows:
        yield from row
