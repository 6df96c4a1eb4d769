"""Files cut into parts: every row once, with its number, and the same bytes as searched whole."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from filters.overlap import editions_named
from pipelines.engine import Engine
from pipelines.errors import EngineFailed
from pipelines.overlap import parts, phase
from pipelines.overlap.corpus import Columns, CorpusFile, Row, read_rows, resolve_corpus
from pipelines.overlap.parts import parts_of
from pipelines.overlap.problem_sets import read_set
from pipelines.overlap.report import OverlapReport, Report

PROBLEM = "A farmer who has seven white goats and nine black ones sells three of the white goats."
ROWS = 1100
LINES = st.lists(
    st.sampled_from(
        [b"", b" ", b"\t\r", b"{broken", b"null", b'{"text": "a\\u2028b"}', b'{"a": 1}']
    )
)


def rows_by_parts(file: CorpusFile) -> list[Row]:
    return [
        row
        for part in parts_of([file])
        for row in read_rows(file, Columns(), part.first, part.end, part.row)
    ]


@given(LINES, st.booleans(), st.integers(min_value=1, max_value=60))
def test_lines_are_read_in_parts_as_in_one(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], ends: bool, part_bytes: int
) -> None:
    path = tmp_path_factory.mktemp("lines") / "a.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n" * ends)
    file = CorpusFile("a.jsonl", str(path), path.stat().st_size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "_PART_BYTES", part_bytes)
        cut = parts_of([file])
        assert rows_by_parts(file) == list(read_rows(file, Columns()))
    assert sum(part.size for part in cut) == file.size
    assert len(cut) > 1 or file.size <= part_bytes + max(map(len, [b"", *lines])) + 1


def test_row_groups_are_cut_where_they_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [f"text {n}" for n in range(50)]}), path, row_group_size=8)
    file = CorpusFile("a.parquet", str(path), path.stat().st_size)
    assert [part.end for part in parts_of([file])] == [None]
    monkeypatch.setattr(parts, "_PART_BYTES", 1)
    assert [(part.first, part.row) for part in parts_of([file])] == [(n, 8 * n) for n in range(7)]
    assert rows_by_parts(file) == list(read_rows(file, Columns()))
    assert sum(part.size for part in parts_of([file])) == file.size


def test_packed_lines_stay_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_PART_BYTES", 1)
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(zstandard.compress(b'{"text": "a"}\n' * 9))
    (part,) = parts_of(resolve_corpus([str(path)]))
    assert part.end is None


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More hits in each file than Parquet has in one row group, ids or none, rows unread."""
    folder = tmp_path_factory.mktemp("corpus")
    texts = [f"Text {n}. {PROBLEM if n % 50 else 'No goats.'}" for n in range(ROWS)]
    pq.write_table(pa.table({"text": texts}), folder / "a.parquet", row_group_size=100)
    rows = [{"document_id": f"d{n}", "text": text} for n, text in enumerate(texts)]
    lines = [json.dumps(row if n % 2 else {"text": row["text"]}) for n, row in enumerate(rows)]
    for n in range(0, ROWS, 40):
        lines[n] += "\n\n{broken"
    (folder / "b.jsonl").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("problems") / "own.jsonl"
    path.write_text(json.dumps({"problem": PROBLEM}))
    return path


def report_of(corpus: Path, problems: Path, output: Path, workers: int = 1) -> Report:
    return OverlapReport(
        resolve_corpus([str(corpus)]),
        Columns(),
        [read_set(f"rows={problems}")],
        editions_named(["normalised-13"]),
        output,
        Engine(workers),
        display="quiet",
    ).execute()


def digests(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "work" not in path.parts and path.name not in (".lock", "plan.json")
    }


@pytest.fixture(scope="module")
def whole(corpus: Path, problems: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return report_of(corpus, problems, tmp_path_factory.mktemp("whole") / "r")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_report_by_parts_is_the_same_bytes(
    whole: Report,
    corpus: Path,
    problems: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    workers: int,
) -> None:
    monkeypatch.setattr(phase, "_PARALLEL_BYTES", 0)
    monkeypatch.setattr(parts, "_PART_BYTES", 20_000)
    report_of(corpus, problems, tmp_path / "r", workers)
    assert len(list((tmp_path / "r" / "work" / "search").glob("??????.json"))) > 6
    assert digests(tmp_path / "r") == digests(whole.root)
    assert whole.content["counts"]["unread"] == 28
    assert whole.content["counts"]["with_problems"] == 2 * (ROWS - 22)


def test_a_search_goes_on_at_the_part_where_it_ended(
    whole: Report, corpus: Path, problems: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "_PART_BYTES", 20_000)
    run = Engine.run
    calls: list[int] = []

    def dying(self: Engine, label: str, elements: Any, *rest: Any, **options: Any) -> Any:
        calls.append(len(elements))
        if len(calls) > 1:
            return run(self, label, elements, *rest, **options)
        run(self, label, elements[:3], *rest, **options)
        raise EngineFailed("killed")

    monkeypatch.setattr(Engine, "run", dying)
    with pytest.raises(EngineFailed):
        report_of(corpus, problems, tmp_path / "r")
    # What counts the parts that are done stays, though files would be cut otherwise now.
    monkeypatch.setattr(parts, "_PART_BYTES", 70_000)
    report_of(corpus, problems, tmp_path / "r")
    assert calls[1] == calls[0] - 3
    assert digests(tmp_path / "r") == digests(whole.root)
