"""Parquet in the Stack's layout out of a folder of source files, repeated to a size.

``python -m benchmarks.code_corpus FOLDER OUTPUT --megabytes 200``: each repetition has repositories
of its own, so that nothing is a copy by name, and the same contents.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from extractors.sources import git_blob_id
from filters.code.source_files import language_of_path
from filters.code.tables import language_tables

_SCHEMA = pa.schema(
    [
        ("hexsha", pa.string()),
        ("size", pa.int64()),
        ("ext", pa.string()),
        ("lang", pa.string()),
        ("max_stars_repo_path", pa.string()),
        ("max_stars_repo_name", pa.string()),
        ("max_stars_repo_head_hexsha", pa.string()),
        ("max_stars_repo_licenses", pa.list_(pa.string())),
        ("max_stars_count", pa.int64()),
        ("max_stars_repo_stars_event_min_datetime", pa.string()),
        ("content", pa.string()),
        ("avg_line_length", pa.float64()),
        ("max_line_length", pa.int64()),
        ("alphanum_fraction", pa.float64()),
    ]
)
# Rows of a group, as the Stack's files have them.
_GROUP_ROWS = 1000


def corpus_rows(folder: Path) -> list[dict[str, object]]:
    """A row a source file that is UTF-8, as the Stack's are."""
    rows = []
    for path in sorted(folder.rglob("*")):
        language = language_of_path(path.name) if path.is_file() else ""
        if not language:
            continue
        try:
            text = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            continue
        lines = text.split("\n")
        rows.append(
            {
                "hexsha": git_blob_id(text.encode()),
                "size": len(text.encode()),
                "ext": path.suffix.lstrip("."),
                "lang": language_tables()[language].name,
                "max_stars_repo_path": path.relative_to(folder).as_posix(),
                "max_stars_repo_head_hexsha": "0" * 40,
                "max_stars_repo_licenses": ["MIT"],
                "max_stars_count": len(rows) % 50,
                "max_stars_repo_stars_event_min_datetime": "2020-01-01T00:00:00.000Z",
                "content": text,
                "avg_line_length": len(text) / len(lines),
                "max_line_length": max(map(len, lines)),
                "alphanum_fraction": sum(map(str.isalnum, text)) / max(len(text), 1),
            }
        )
    return rows


def write_corpus(folder: Path, output: Path, megabytes: int) -> int:
    """Writes files of about 100 MB of text; returns the bytes of all contents."""
    rows = corpus_rows(folder)
    output.mkdir(parents=True, exist_ok=True)
    total, part = 0, 0
    while total < megabytes * 1_000_000:
        path = output / f"data-{part:05d}.parquet"
        with pq.ParquetWriter(path, _SCHEMA, compression="snappy") as writer:
            for repetition in range(2):
                named = [{**row, "max_stars_repo_name": f"o{part}/r{repetition}"} for row in rows]
                table = pa.Table.from_pylist(named, _SCHEMA)
                writer.write_table(table, row_group_size=_GROUP_ROWS)
                total += sum(len(str(row["content"]).encode()) for row in rows)
        part += 1
    return total


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--megabytes", type=int, default=200)
    given = parser.parse_args()
    print(write_corpus(given.folder, given.output, given.megabytes), "bytes of contents")


if __name__ == "__main__":
    _main()
