"""The data card of a run, in the form that the Hugging Face Hub reads: YAML, then Markdown.

The form is that of ``huggingface_hub``'s dataset card template (its sections and the keys of the
metadata); everything in it comes from the manifest, the recipe and the tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any

import jinja2
import yaml

from audit.funnels import funnel, group_keys
from audit.report.contents import contents_of
from audit.run import AuditRun

__all__ = ["data_card"]

# The Hub's names of sizes, by the number of documents that each begins with.
_SIZES = (
    (10**12, "n>1T"),
    (10**11, "100B<n<1T"),
    (10**10, "10B<n<100B"),
    (10**9, "1B<n<10B"),
    (10**8, "100M<n<1B"),
    (10**7, "10M<n<100M"),
    (10**6, "1M<n<10M"),
    (10**5, "100K<n<1M"),
    (10**4, "10K<n<100K"),
    (10**3, "1K<n<10K"),
    (0, "n<1K"),
)
# Where a subset's documents come from, and what holds for their rights.
_SOURCES: Mapping[str, tuple[str, str]] = {
    "web": (
        "Pages of web archives (WARC), such as those of Common Crawl",
        "Each page belongs to its authors; Common Crawl's terms of use hold for what comes from "
        "it. The columns url and date say where and when each was found.",
    ),
    "code": (
        "Source files of public repositories",
        "Each file is under the licence of its repository, which the table of documents names "
        "where it is known.",
    ),
    "papers": (
        "LaTeX sources of papers",
        "Each paper is under the licence that its authors chose.",
    ),
}
_OTHER_SOURCE = ("Documents of other origin", "The rights are those of the sources.")
_LANGUAGES = 20


def data_card(run: AuditRun) -> str:
    """The card, as a ``README.md`` beside the data."""
    contents = contents_of(run, examples=0)
    subset = str(run.manifest.get("subset") or run.plain_recipe.get("subset", ""))
    source, rights = _SOURCES.get(subset, _OTHER_SOURCE)
    environment = jinja2.Environment(
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {"number": "{:,}".format, "cell": _cell}
    template = resources.files("audit.report").joinpath("card.md").read_text("utf-8")
    return environment.from_string(template).render(
        metadata=yaml.safe_dump(
            _metadata(run, contents.funnel.kept.records, subset),
            sort_keys=False,
            allow_unicode=True,
        ).strip(),
        run=contents,
        recipe=run.plain_recipe,
        source=source,
        rights=rights,
        columns=_columns(run),
        manifest=run.manifest,
    )


def _metadata(run: AuditRun, kept: int, subset: str) -> dict[str, Any]:
    name = str(run.manifest.get("recipe", {}).get("name", run.kind))
    languages = _languages(run)
    return {
        "pretty_name": name,
        **({"language": languages} if languages else {}),
        "license": "other",
        "license_name": "rights-of-the-sources",
        "task_categories": ["text-generation"],
        "size_categories": [next(size for least, size in _SIZES if kept >= least)],
        "tags": ["mathematics", "proofmill", *([subset] if subset else [])],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": "train", "path": "documents/**/*.parquet"}],
            }
        ],
    }


def _languages(run: AuditRun) -> list[str]:
    """ISO 639 codes of the documents that were kept, the most frequent first."""
    if "language" not in group_keys(run):
        return []
    groups = funnel(run, "language", limit=_LANGUAGES).groups
    kept = sorted((g for g in groups if g.kept.records), key=lambda g: -g.kept.records)
    return [group.key for group in kept if 2 <= len(group.key) <= 3 and group.key != "und"]


def _columns(run: AuditRun) -> list[tuple[str, str]]:
    if "documents" not in run.tables:
        return []
    return [
        (str(row[0]), str(row[1]).split("(")[0].lower()) for row in run.rows("DESCRIBE documents")
    ]


def _cell(value: object) -> str:
    """A value in a cell of a Markdown table: on one line, no bars, no markup of its own."""
    text = " ".join(str(value).split())
    for sign in "\\|`<>[]*_":
        text = text.replace(sign, f"\\{sign}")
    return text
