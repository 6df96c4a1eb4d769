"""The Stack's Parquet, both versions and broken."""

from __future__ import annotations

import gzip
import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from extractors.sources import SourceFile, Unread, row_group_starts, stack_files

FIRST = {
    "hexsha": "ab12", "size": 7, "ext": "py", "lang": "Python", "max_stars_repo_path": "src/a.py",
    "max_stars_repo_name": "o/r", "max_stars_repo_head_hexsha": "c" * 40,
    "max_stars_repo_licenses": ["MIT", "Apache-2.0"], "max_stars_count": 5.0,
    "max_stars_repo_stars_event_min_datetime": "2020-01-02T03:04:05.000Z",
    "content": "import x", "avg_line_length": 8.0, "max_line_length": 8, "alphanum_fraction": 0.9,
}  # fmt: skip
SECOND = {
    "blob_id": "ef34", "path": "/src/b.py", "repo_name": "o/s", "revision_id": "d" * 40,
    "detected_licenses": ["MIT"], "license_type": "permissive", "language": "Python",
    "star_events_count": 9, "src_encoding": "UTF-8", "length_bytes": 8, "is_vendor": True,
    "is_generated": False, "extension": "py",
}  # fmt: skip


def parquet(rows: list[dict[str, Any]], group: int = 1000) -> io.BytesIO:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer, row_group_size=group)
    buffer.seek(0)
    return buffer


def test_first_version() -> None:
    missing = {**FIRST, "max_stars_count": None, "max_stars_repo_licenses": []}
    one, other = stack_files(parquet([FIRST, missing]), [0])
    assert one.content() == b"import x"
    assert (one.offset, one.path, one.repo, one.commit) == (0, "src/a.py", "o/r", "c" * 40)
    assert (one.blob, one.language, one.stars) == ("ab12", "Python", 5)
    assert (one.licence, one.date) == ("Apache-2.0 AND MIT", "2020-01-02T03:04:05Z")
    assert one.url == f"https://github.com/o/r/blob/{'c' * 40}/src/a.py"
    assert (other.offset, other.stars, other.licence) == (1, None, "")


def test_second_version_fetches_contents() -> None:
    asked: list[str] = []

    def fetch(blob: str) -> bytes:
        asked.append(blob)
        return gzip.compress(b"import y")

    [file] = stack_files(parquet([SECOND]), [0], fetch)
    assert asked == []
    assert (file.path, file.repo, file.stars, file.licence) == ("src/b.py", "o/s", 9, "MIT")
    assert file.hints == ("vendored",)
    assert file.content() == b"import y"
    assert asked == ["ef34"]


def test_contents_that_cant_be_fetched() -> None:
    def fetch(blob: str) -> bytes:
        raise OSError("403 Forbidden")

    [file] = stack_files(parquet([SECOND]), [0], fetch)
    with pytest.raises(Unread) as missing:
        file.content()
    assert missing.value.reason == "contents_missing"
    [file] = stack_files(parquet([SECOND]), [0])
    with pytest.raises(Unread):
        file.content()


def test_row_groups_are_told_by_their_first_byte() -> None:
    file = parquet([{**FIRST, "hexsha": str(n)} for n in range(10)], group=4)
    starts = row_group_starts(file)
    assert starts == sorted(starts)
    assert len(starts) == 3
    file.seek(0)
    assert [f.offset for f in stack_files(file, [1])] == [4, 5, 6, 7]


def test_broken_files() -> None:
    data = parquet([FIRST] * 50).getvalue()
    with pytest.raises((pa.ArrowException, OSError)):
        row_group_starts(io.BytesIO(data[:-20]))
    damaged = bytearray(data)
    damaged[4:200] = bytes(196)
    found = list(stack_files(io.BytesIO(bytes(damaged)), [0]))
    assert [file.problem for file in found][-1] == "row_group_broken"
    [nothing] = stack_files(parquet([{"a": 1}]), [0])
    assert nothing.problem == "no_contents"


def test_a_cell_of_200_mb_is_one_file() -> None:
    rows = [{**FIRST, "content": "x" * 200_000_000}, FIRST]
    files: list[SourceFile] = []
    sizes = []
    for file in stack_files(parquet(rows), [0]):
        files.append(file)
        sizes.append(len(file.content()))
    assert sizes == [200_000_000, 8]
