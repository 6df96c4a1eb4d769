"""Model cards: what a model was made of, how it was made, how it does."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from pipelines.run_directory import file_sha256
from pipelines.training.pages import Page

__all__ = ["ModelCard", "SourceUse", "describe_sources", "write_card"]


@dataclass(frozen=True, slots=True)
class SourceUse:
    """What of a source was used.

    Attributes:
        name: Its short name.
        licence: As its holder states it.
        home: Where it comes from.
        texts: Texts used, by label.
        sha256: Digest over the digests of the files that the texts are from, sorted.
    """

    name: str
    licence: str
    home: str
    texts: dict[str, int]
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is written beside a model.

    Attributes:
        name: The model's name.
        summary: What it is for, in a sentence.
        sha256: Digest of the model's file.
        bytes: Its size.
        command: The command that makes it.
        settings: Every setting that decides its bytes.
        software: Versions of what made it.
        data_sha256: Digest over the texts that it learnt, with their labels, in their order.
        sources: What it was made of.
        counts: Texts, words, origins.
        measures: How it does on texts that it wasn't made of.
        thresholds: Suggested thresholds and what each costs.
        limits: What it isn't good for.
    """

    name: str
    summary: str
    sha256: str
    bytes: int
    command: str
    settings: dict[str, Any]
    software: dict[str, str]
    data_sha256: str
    sources: list[SourceUse]
    counts: dict[str, int]
    measures: dict[str, Any]
    thresholds: dict[str, Any]
    limits: list[str] = field(default_factory=list)

    @classmethod
    def of_file(cls, model: Path, **content: Any) -> Self:
        """The card of a model's file: its name, digest and size are taken from there."""
        return cls(
            name=model.stem, sha256=file_sha256(model), bytes=model.stat().st_size, **content
        )

    def markdown(self, picture: str = "") -> str:
        """The card for people, with the picture that lies beside it."""
        lines = [f"# {self.name}", "", self.summary, ""]
        lines += [f"- sha256 `{self.sha256}`, {self.bytes:,} bytes", f"- made by `{self.command}`"]
        lines += [f"- {name} {version}" for name, version in self.software.items()]
        lines += [f"- learnt texts, sha256 `{self.data_sha256}`"]
        lines += [
            "",
            "No text of the sources is in this repository; the model holds counts only.",
            "",
        ]
        if picture:
            lines += [f"![How {self.name} does on held-out texts]({picture})", ""]
        lines += ["## Thresholds", "", *_listed(self.thresholds), ""]
        lines += ["## Measures on held-out texts", "", *_listed(self.measures), ""]
        lines += ["## Limits", "", *(f"- {limit}" for limit in self.limits), ""]
        lines += ["## Counts", "", *_listed(self.counts), ""]
        lines += ["## Settings", "", *_listed(self.settings), "", "## Sources", ""]
        labels = sorted({label for source in self.sources for label in source.texts})
        lines += [
            f"| source | licence | {' | '.join(labels)} | from |",
            f"|---|---|{'---|' * len(labels)}---|",
        ]
        for source in self.sources:
            counts = " | ".join(f"{source.texts.get(label, 0):,}" for label in labels)
            lines.append(f"| {source.name} | {source.licence} | {counts} | {source.home} |")
        return "\n".join(lines) + "\n"


def _listed(values: Mapping[str, Any]) -> list[str]:
    lines: list[str] = []
    for name, value in values.items():
        label = name.replace("_", " ")
        if isinstance(value, Sequence) and value and isinstance(value[0], Mapping):
            lines += ["", f"{label}:", "", *_table(value), ""]
        elif isinstance(value, Mapping):
            inner = ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
            lines.append(f"- {label}: {inner}")
        else:
            lines.append(f"- {label}: {_plain(value)}")
    return lines


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    heads = list(rows[0])
    lines = ["| " + " | ".join(head.replace("_", " ") for head in heads) + " |"]
    lines.append("|" + "---|" * len(heads))
    lines += ["| " + " | ".join(_plain(row[head]) for head in heads) + " |" for row in rows]
    return lines


def _plain(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.5g}"


def describe_sources(labelled: Iterable[tuple[Page, str]]) -> list[SourceUse]:
    """What of each source was used, in the order of names."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    files: dict[str, set[str]] = defaultdict(set)
    known = {}
    for page, label in labelled:
        known[page.source.name] = page.source
        counts[page.source.name][label] += 1
        files[page.source.name].add(page.sha256)
    return [
        SourceUse(
            name,
            known[name].licence,
            known[name].home,
            dict(sorted(counts[name].items())),
            hashlib.sha256("\n".join(sorted(files[name])).encode()).hexdigest(),
        )
        for name in sorted(known)
    ]


def write_card(card: ModelCard, model: Path) -> None:
    """Writes the card beside the model, as JSON and as Markdown."""
    text = json.dumps(asdict(card), indent=1, ensure_ascii=False)
    model.with_suffix(".json").write_text(text + "\n", "utf-8")
    picture = model.with_suffix(".png").name
    model.with_suffix(".md").write_text(card.markdown(picture), "utf-8")
