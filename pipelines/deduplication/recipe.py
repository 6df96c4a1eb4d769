"""Recipes for deduplication: what is compared, how, and whose documents stay."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import pydantic

from filters.exact_duplicates import ExactDuplicates
from filters.near_duplicates import NearDuplicates
from filters.repeated_paragraphs import RepeatedParagraphs
from filters.url_duplicates import UrlDuplicates
from pipelines.deduplication.index import Stages
from pipelines.errors import RecipeError
from pipelines.recipe import (
    Part,
    assign,
    build_settings,
    plain_settings,
    read_recipe_file,
    sentences,
)

__all__ = ["Columns", "DeduplicationRecipe", "load_deduplication_recipe"]

# In the order in which they judge.
_STAGES: Mapping[str, type[Any]] = {
    UrlDuplicates.name: UrlDuplicates,
    ExactDuplicates.name: ExactDuplicates,
    NearDuplicates.name: NearDuplicates,
    RepeatedParagraphs.name: RepeatedParagraphs,
}


class Columns(Part):
    """Names of the columns in the documents' Parquet files.

    All but ``text`` may be missing in a file: a document without an id gets one from its address
    and text; without an address it has no URL duplicates; without a date it's never the earliest.

    Attributes:
        text: The text.
        document_id: A name that no other document has.
        url: The address.
        date: ISO 8601.
        licence: SPDX identifier.
        subset: The subset, unless the input names one.
    """

    text: str = "text"
    document_id: str = "document_id"
    url: str = "url"
    date: str = "date"
    licence: str = "licence"
    subset: str = "subset"


class DuplicatesAudit(Part):
    """What is kept of dropped documents.

    Attributes:
        dropped_text: ``none``, a hash-chosen ``share``, or ``all``.
        dropped_text_share: The share, 0 to 1.
    """

    dropped_text: Literal["none", "share", "all"] = "share"
    dropped_text_share: float = pydantic.Field(default=0.05, ge=0, le=1)


class DeduplicationRecipe(Part):
    """A recipe for deduplication, checked.

    Attributes:
        name: Its name.
        summary: One sentence.
        precedence: Subsets, the one whose documents stay first; others come after them all.
        columns: Names of the input's columns.
        stages: ``url_duplicates``, ``exact_duplicates``, ``near_duplicates``,
            ``repeated_paragraphs``, in this order, each with its settings; any may be missing or
            have ``enabled: false``.
        audit: What is kept of dropped documents.
    """

    name: str
    summary: str = ""
    precedence: tuple[str, ...] = ()
    columns: Columns = Columns()
    stages: tuple[dict[str, dict[str, Any] | None], ...]
    audit: DuplicatesAudit = DuplicatesAudit()

    @functools.cached_property
    def _built(self) -> dict[str, Any]:
        return dict(_built(self.stages))

    @property
    def deduplication(self) -> Stages:
        """The stages that are switched on."""
        built = self._built
        return Stages(
            *(built.get(name) for name in _STAGES),
        )

    @property
    def resolved(self) -> dict[str, Any]:
        """The recipe with every default spelled out, as plain data."""
        plain = self.model_dump(mode="json")
        plain["stages"] = [{name: plain_settings(value)} for name, value in self._built.items()]
        return plain

    @property
    def digest(self) -> str:
        """SHA-256 of the resolved recipe."""
        text = json.dumps(self.resolved, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def changed(self, assignments: Sequence[str]) -> DeduplicationRecipe:
        """The recipe with settings replaced, as ``stage.setting=value``.

        Raises:
            RecipeError: An assignment is malformed or names nothing.
        """
        plain = self.model_dump(mode="json")
        for assignment in assignments:
            assign(plain, assignment, ("columns", "audit"))
        return _validated(plain, self.name)


def load_deduplication_recipe(name: str = "deduplicate") -> DeduplicationRecipe:
    """Reads a packaged recipe by name, or a recipe file by path.

    Raises:
        RecipeError: There is none, or it isn't valid.
    """
    return _validated(read_recipe_file(name, "pipelines.deduplication.recipes"), name)


def _validated(plain: Mapping[str, Any], name: str) -> DeduplicationRecipe:
    try:
        recipe = DeduplicationRecipe.model_validate(plain)
    except pydantic.ValidationError as error:
        raise RecipeError(sentences(name, error)) from error
    if not recipe.deduplication:
        raise RecipeError(f"{name}: every stage is switched off, there is nothing to do")
    return recipe


def _built(entries: Sequence[Mapping[str, Mapping[str, Any] | None]]) -> Iterator[tuple[str, Any]]:
    order = list(_STAGES)
    last = -1
    for entry in entries:
        if len(entry) != 1:
            raise RecipeError(f"a stage is one name with its settings, not {dict(entry)!r}")
        ((name, given),) = entry.items()
        if name not in _STAGES:
            raise RecipeError(f"stages: {name!r} is unknown; known: {', '.join(order)}")
        if order.index(name) <= last:
            raise RecipeError(f"stages: the order is {', '.join(order)}, each once")
        last = order.index(name)
        settings = dict(given or {})
        enabled = settings.pop("enabled", True)
        if not isinstance(enabled, bool):
            raise RecipeError(f"{name}.enabled is {enabled!r}, expected true or false")
        value = build_settings(name, _STAGES[name], settings)
        if enabled:
            yield name, value
