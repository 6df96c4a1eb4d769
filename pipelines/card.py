"""A corpus's data card: what is in it by language and split, what was dropped and why, licences.

Everything is counted in the shards and trails that a run leaves, so that a card can be made again
from them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from rich.markup import escape
from rich.table import Table

from pipelines.files import open_parquet
from pipelines.run_directory import RunDirectory, write_atomically
from pipelines.token_counts import TokenCounter, estimated_tokens

__all__ = ["Card", "SplitCounts", "card_markdown", "card_table", "make_card", "write_card"]

_BATCH_ROWS = 512
# Licences that a card names; the others are counted together.
_NAMED_LICENCES = 25
UNKNOWN = "unknown"


@dataclass(slots=True)
class SplitCounts:
    """What of a language is in a split.

    Attributes:
        files: Documents.
        text_bytes: Their texts in UTF-8.
        tokens: Tokens, counted or estimated.
    """

    files: int = 0
    text_bytes: int = 0
    tokens: int = 0

    def add(self, other: SplitCounts) -> None:
        """Adds what is counted elsewhere."""
        self.files += other.files
        self.text_bytes += other.text_bytes
        self.tokens += other.tokens


@dataclass(slots=True)
class Card:
    """What there is to say of a corpus.

    Attributes:
        name: The recipe.
        tokens_by: What counted the tokens.
        group: What the corpus is cut into: ``programming_language``.
        documents: Counts by language and split.
        read: Records read by language.
        drops: Records dropped by language and ``stage: reason``.
        licences: Documents and bytes of text by licence.
        repositories: Repositories that documents come from.
    """

    name: str
    tokens_by: str
    group: str
    documents: dict[str, dict[str, SplitCounts]] = field(default_factory=dict)
    read: Counter[str] = field(default_factory=Counter)
    drops: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    licences: dict[str, list[int]] = field(default_factory=dict)
    repositories: int = 0

    @property
    def languages(self) -> list[str]:
        """All languages that were read, in order of name."""
        return sorted(self.read)

    def total(self, language: str) -> SplitCounts:
        """All splits of a language together."""
        total = SplitCounts()
        for counts in self.documents.get(language, {}).values():
            total.add(counts)
        return total

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "recipe": self.name,
            "tokens_by": self.tokens_by,
            "languages": {
                language: {
                    "read": self.read[language],
                    "splits": {
                        split: {
                            "files": counts.files,
                            "bytes": counts.text_bytes,
                            "tokens": counts.tokens,
                        }
                        for split, counts in sorted(self.documents.get(language, {}).items())
                    },
                    "dropped": dict(sorted(self.drops.get(language, Counter()).items())),
                }
                for language in self.languages
            },
            "licences": {
                name: {"files": files, "bytes": text_bytes}
                for name, (files, text_bytes) in sorted(self.licences.items())
            },
            "repositories": self.repositories,
        }


def make_card(
    run: RunDirectory,
    name: str,
    group: str,
    files: Sequence[Mapping[str, Any]],
    counter: TokenCounter | None = None,
    tokenizer: str = "",
) -> Card:
    """Counts what a run left.

    Args:
        run: The run.
        name: The recipe's name.
        group: The column that documents are told apart by.
        files: The manifest's list of files.
        counter: Counts tokens; they're estimated without one.
        tokenizer: Name of what counts.
    """
    by = (
        f"counted by {tokenizer}"
        if tokenizer
        else "estimated from bytes, by Llama 2's bytes a token in AlgebraicStack"
    )
    card = Card(name, by, group)
    repositories: set[str] = set()
    for file in files:
        path = str(file["path"])
        if path.startswith("documents/"):
            split = run.shard_place(path)[0]
            _count_documents(card, run.root / path, split, counter, repositories)
        elif path.startswith("trails/"):
            _count_trails(card, run.root / path)
    card.repositories = len(repositories - {""})
    return card


def _count_documents(
    card: Card, path: Path, split: str, counter: TokenCounter | None, repositories: set[str]
) -> None:
    for batch in _batches(path, [card.group, "licence", "repo", "text"]):
        sizes = pc.binary_length(batch.column("text")).to_pylist()
        languages = batch.column(card.group).to_pylist()
        if counter is None:
            tokens = [estimated_tokens(*pair) for pair in zip(languages, sizes, strict=True)]
        else:
            tokens = counter(batch.column("text").to_pylist())
        repositories.update(batch.column("repo").unique().to_pylist())
        for language, licence, size, count in zip(
            languages, batch.column("licence").to_pylist(), sizes, tokens, strict=True
        ):
            splits = card.documents.setdefault(language, {})
            splits.setdefault(split, SplitCounts()).add(SplitCounts(1, size, count))
            known = card.licences.setdefault(licence or UNKNOWN, [0, 0])
            known[0] += 1
            known[1] += size


def _count_trails(card: Card, path: Path) -> None:
    for batch in _batches(path, [card.group, "verdict", "dropped_by", "reason"], 65_536):
        counts = (
            pa.Table.from_batches([batch])
            .group_by(batch.schema.names)
            .aggregate([([], "count_all")])
        )
        for row in counts.to_pylist():
            language, count = row[card.group] or UNKNOWN, row["count_all"]
            card.read[language] += count
            if row["verdict"] == "drop":
                card.drops[language][f"{row['dropped_by']}: {row['reason']}"] += count


def _batches(
    path: Path, columns: Sequence[str], rows: int = _BATCH_ROWS
) -> Iterator[pa.RecordBatch]:
    with open_parquet(path) as file:
        yield from file.iter_batches(rows, columns=list(columns))


def card_markdown(card: Card) -> str:
    """The card for people."""
    lines = [f"# {card.name}", "", f"Tokens are {card.tokens_by}.", ""]
    splits = sorted({split for of in card.documents.values() for split in of})
    lines += _table(
        ["language", "read", "files", "bytes", "tokens", *(f"{s} files" for s in splits)],
        [_language_row(card, language, splits) for language in card.languages]
        + [_sum_row(card, splits)],
    )
    lines += ["", "## Splits", ""]
    lines += _table(
        ["language", "split", "files", "bytes", "tokens"],
        [
            [language, split, *map(_number, (counts.files, counts.text_bytes, counts.tokens))]
            for language in card.languages
            for split, counts in sorted(card.documents.get(language, {}).items())
        ],
    )
    lines += ["", "## Dropped, by language and reason", ""]
    lines += _table(
        ["language", "stage: reason", "files"],
        [
            [language, reason, _number(count)]
            for language in card.languages
            for reason, count in sorted(
                card.drops.get(language, Counter()).items(), key=lambda item: (-item[1], item[0])
            )
        ],
    )
    lines += ["", f"## Licences, of {card.repositories:,} repositories", ""]
    lines += _table(["licence", "files", "bytes"], _licence_rows(card))
    return "\n".join(lines) + "\n"


def card_table(plain: Mapping[str, Any]) -> Table:
    """A card, as ``to_json`` gives it, for the terminal: a row a language."""
    table = Table(
        title="\nBy language", title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    table.add_column("language")
    for heading in ("read", "kept", "MB", "tokens"):
        table.add_column(heading, justify="right")
    table.add_column("dropped most by", style="dim", overflow="fold")
    for language, row in plain["languages"].items():
        kept = [
            sum(split[name] for split in row["splits"].values())
            for name in ("files", "bytes", "tokens")
        ]
        reasons = sorted(row["dropped"].items(), key=lambda item: (-item[1], item[0]))[:2]
        table.add_row(
            language,
            f"{row['read']:,}",
            f"{kept[0]:,}",
            f"{kept[1] / 1e6:,.2f}",
            f"{kept[2]:,}",
            escape(", ".join(f"{reason} {count:,}" for reason, count in reasons)),
        )
    return table


def _language_row(card: Card, language: str, splits: Sequence[str]) -> list[str]:
    total = card.total(language)
    own = card.documents.get(language, {})
    return [
        language,
        *map(_number, (card.read[language], total.files, total.text_bytes, total.tokens)),
        *(_number(own.get(split, SplitCounts()).files) for split in splits),
    ]


def _sum_row(card: Card, splits: Sequence[str]) -> list[str]:
    total = SplitCounts()
    by_split: Counter[str] = Counter()
    for language in card.languages:
        total.add(card.total(language))
        for split, counts in card.documents.get(language, {}).items():
            by_split[split] += counts.files
    return [
        "all",
        *map(_number, (card.read.total(), total.files, total.text_bytes, total.tokens)),
        *(_number(by_split[split]) for split in splits),
    ]


def _licence_rows(card: Card) -> list[list[str]]:
    ordered = sorted(card.licences.items(), key=lambda item: (-item[1][0], item[0]))
    rows = [
        [name, _number(files), _number(text_bytes)]
        for name, (files, text_bytes) in ordered[:_NAMED_LICENCES]
    ]
    rest = ordered[_NAMED_LICENCES:]
    if rest:
        sums = (sum(counts[place] for _, counts in rest) for place in (0, 1))
        rows.append([f"{len(rest)} others", *map(_number, sums)])
    return rows


def _number(value: int) -> str:
    return f"{value:,}"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    marks = ["---" if heading in ("language", "split", "licence", "stage: reason") else "--:"
             for heading in headings]  # fmt: skip
    return [
        f"| {' | '.join(cells)} |"
        for cells in (headings, marks, *([cell.replace("|", "\\|") for cell in r] for r in rows))
    ]


def write_card(run: RunDirectory, card: Card) -> None:
    """Writes ``card.json`` and ``card.md`` beside the shards."""
    run.write_json(run.card, card.to_json())
    with write_atomically(run.card.with_suffix(".md")) as temporary:
        temporary.write_text(card_markdown(card), encoding="utf-8")
