"""Makes a large run out of a small one, for measuring questions: every row many times over.

Each copy has ids, URLs and archive offsets of its own, as if the crawl had been so much larger;
what one document says of another (a duplicate's representative) stays within its copy. Scores are
moved by a hair, so that columns don't compress better than a real run's.

    python -m benchmarks.audit_run runs/sample runs/large --trails 100000
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.parquet import GROUP_ROWS, open_writer

__all__ = ["multiply_run"]

_ID = re.compile(r"\b[0-9a-f]{32}\b")
# Tables whose shards are sorted by document_id, as a run writes them.
_SORTED = "documents-"


def multiply_run(source: Path, target: Path, copies: int) -> dict[str, Any]:
    """Writes the run ``target``: ``copies`` times the rows of ``source``.

    Returns:
        Its manifest.
    """
    manifest: dict[str, Any] = json.loads((source / "manifest.json").read_text("utf-8"))
    files = []
    for entry in manifest["files"]:
        if entry["path"].startswith("views/"):
            continue
        path = target / entry["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        table = pq.read_table(source / entry["path"])
        rows = _write(table, path, copies, in_order=path.name.startswith(_SORTED))
        files.append({"path": entry["path"], "rows": rows, "bytes": path.stat().st_size})
    for name in ("records", "kept", "dropped", "duplicates"):
        manifest["counts"][name] *= copies
    for reasons in manifest["drops"].values():
        for reason in reasons:
            reasons[reason] *= copies
    manifest["files"] = files
    (target / "recipe.yaml").write_text((source / "recipe.yaml").read_text("utf-8"), "utf-8")
    (target / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return manifest


def _write(table: pa.Table, path: Path, copies: int, *, in_order: bool) -> int:
    """Writes every row of a table ``copies`` times, in the order of document_id or as it comes."""
    ids = table.column("document_id").to_pylist()
    places = [(copy, row) for copy in range(copies) for row in range(len(ids))]
    if in_order:
        places.sort(key=lambda place: _id_of(ids[place[1]], place[0]))
    plain = table.to_pylist()
    with open_writer(path, table.schema) as writer:
        for start in range(0, len(places), GROUP_ROWS):
            chosen = places[start : start + GROUP_ROWS]
            rows = [_row(plain[row], copy) for copy, row in chosen]
            writer.write_table(pa.Table.from_pylist(rows, schema=table.schema))
    return len(places)


def _row(row: dict[str, Any], copy: int) -> dict[str, Any]:
    if copy == 0:
        return row
    changed = {name: _value(name, value, copy) for name, value in row.items()}
    if "decisions" in changed:
        changed["decisions"] = [_decision(decision, copy) for decision in changed["decisions"]]
    return changed


def _value(name: str, value: Any, copy: int) -> Any:
    match name:
        case "document_id" | "kept_id":
            return _id_of(value, copy) if value else value
        case "url":
            return value.replace("://", f"://c{copy % 97}.") + f"?copy={copy}" if value else value
        case "warc_offset":
            return value + (copy << 24)
        case "warc_record_id":
            return f"{value}-{copy}" if value else value
    return value


def _decision(decision: dict[str, Any], copy: int) -> dict[str, Any]:
    score = decision["score"]
    return {
        **decision,
        "score": score if score is None or score.is_integer() else score * (1 + copy * 1e-9),
        "detail": _ID.sub(lambda found: _id_of(found[0], copy), decision["detail"]),
    }


def _id_of(document_id: str, copy: int) -> str:
    if copy == 0:
        return document_id
    return hashlib.blake2b(f"{copy}\0{document_id}".encode(), digest_size=16).hexdigest()


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--trails", type=int, default=100_000)
    given = parser.parse_args()
    records = json.loads((given.source / "manifest.json").read_text("utf-8"))["counts"]["records"]
    manifest = multiply_run(given.source, given.target, -(-given.trails // records))
    print(f"{given.target}: {manifest['counts']['records']:,} trails")


if __name__ == "__main__":
    main()
