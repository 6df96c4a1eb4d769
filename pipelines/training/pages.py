"""The rows of a training corpus: one a page, in Parquet files, and how pages are chosen from them.

Choosing reads small columns only (keys, origins, labels, counts); texts are read afterwards, of
the chosen pages, one column of one file at a time.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.run_directory import RunDirectory
from pipelines.training.sources import Source
from schemas.version import check_schema, versioned

__all__ = [
    "PAGES",
    "Corpus",
    "Page",
    "PageRow",
    "cap_per_origin",
    "distinct",
    "pages_file",
    "pages_table",
]

_KEY_BYTES = 16

PAGES = versioned(
    "training_pages",
    1,
    [
        pa.field("key", pa.binary(_KEY_BYTES), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("role", pa.string(), nullable=False),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("place", pa.string(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("encodings", pa.list_(pa.string()), nullable=False),
        pa.field("english", pa.bool_(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("words", pa.int32(), nullable=False),
        pa.field("prose_words", pa.int32(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
        pa.field("line", pa.large_string(), nullable=False),
        pa.field("prose", pa.large_string(), nullable=False),
    ],
)
_TEXTS = ("text", "line", "prose")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What is known of a page besides its text.

    Attributes:
        key: Equal for pages of equal normalised text.
        origin: What it must not share between training and testing.
        file: The file that it is from, relative to the data folder.
        place: Where in the file: URL, document_id, or the number of the piece.
        sha256: Digest of the file, or of the archive record.
        encodings: How its formulas were written, by the extractor's names or the file's format.
        english: Whether its prose is English, or too short to tell.
        label: ``positive``, ``negative``, or empty for a page that teaches neither.
        words: Words of the text between spaces.
        prose_words: Words of ``prose``.
    """

    key: bytes
    origin: str
    file: str
    place: str
    sha256: str
    encodings: tuple[str, ...]
    english: bool
    label: str
    words: int
    prose_words: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRow(_Facts):
    """One page as it is written; the columns of ``PAGES``.

    Attributes:
        source, role: The source's name and role.
        text: The text, formulas between dollar signs.
        line: The text as models read it, formulas as placeholders.
        prose: Its words alone, formulas and commands taken out, as MathScore reads it; empty for a
            page without a label.
    """

    source: str
    role: str
    text: str
    line: str
    prose: str


def pages_table(rows: Sequence[PageRow]) -> pa.Table:
    """Rows as an Arrow table of schema ``PAGES``."""
    columns = [pa.array(list(map(attrgetter(field.name), rows)), field.type) for field in PAGES]
    return pa.Table.from_arrays(columns, schema=PAGES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(_Facts):
    """A page as choosing sees it, its text left in the file.

    Attributes:
        source: Its source.
        task, row: Where its text is.
    """

    source: Source
    task: int
    row: int

    @property
    def order(self) -> tuple[bytes, str, str, str]:
        """Places pages in an order that doesn't depend on how the corpus was read."""
        return self.key, self.sha256, self.file, self.place


class Corpus:
    """A built corpus.

    Args:
        run: Its folder.
        tasks: How many tasks it was made in.
        sources: Its sources by name.
    """

    def __init__(self, run: RunDirectory, tasks: int, sources: dict[str, Source]) -> None:
        self._run = run
        self._tasks = tasks
        self._sources = sources

    def pages(self) -> list[Page]:
        """Every page once: of those with equal normalised texts the first in ``Page.order``."""
        found: list[Page] = []
        for task in range(self._tasks):
            path = pages_file(self._run, task)
            if path.exists():
                found += self._read(task)
        return distinct(found)

    def _read(self, task: int) -> list[Page]:
        path = pages_file(self._run, task)
        check_schema(pq.read_schema(path), PAGES)
        names = [name for name in PAGES.names if name not in (*_TEXTS, "role")]
        columns = pq.read_table(path, columns=names).to_pydict()
        pages = []
        for row, values in enumerate(zip(*(columns[name] for name in names), strict=True)):
            given = dict(zip(names, values, strict=True))
            given["source"] = self._sources[given["source"]]
            given["encodings"] = tuple(given["encodings"])
            pages.append(Page(**given, task=task, row=row))
        return pages

    def texts(self, pages: Sequence[Page], column: Literal["text", "line", "prose"]) -> list[str]:
        """One text column of some pages, in their order."""
        by_task: dict[int, list[int]] = defaultdict(list)
        for number, page in enumerate(pages):
            by_task[page.task].append(number)
        found = [""] * len(pages)
        for task, numbers in by_task.items():
            values = pq.read_table(pages_file(self._run, task), columns=[column]).column(0)
            chosen = values.take(pa.array([pages[number].row for number in numbers]))
            for number, text in zip(numbers, chosen.to_pylist(), strict=True):
                found[number] = text
        return found


def pages_file(run: RunDirectory, task: int) -> Path:
    """The rows that a task wrote."""
    return run.work / "corpus" / f"{task:06d}.parquet"


def distinct(pages: Iterable[Page]) -> list[Page]:
    """The pages without copies of equal normalised text, ordered by key."""
    first: dict[bytes, Page] = {}
    for page in sorted(pages, key=attrgetter("order")):
        first.setdefault(page.key, page)
    return list(first.values())


def cap_per_origin(pages: Sequence[Page], most: int) -> list[Page]:
    """At most so many pages of an origin, drawn by hash, in their given order."""
    by_origin: dict[str, list[tuple[bytes, int]]] = defaultdict(list)
    for number, page in enumerate(pages):
        drawn = hashlib.blake2b(page.sha256.encode() + page.key, digest_size=8).digest()
        by_origin[page.origin].append((drawn, number))
    kept = {number for rows in by_origin.values() for _, number in sorted(rows)[:most]}
    return [page for number, page in enumerate(pages) if number in kept]
