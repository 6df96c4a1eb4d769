"""Earlier runs: their documents are there already, and are known by their signatures alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from filters.minhash import band_hashes
from filters.near_duplicates import NearDuplicates
from pipelines.deduplication.index import IndexedTask, scheme_of, write_index_array
from pipelines.errors import InputError
from pipelines.files import fetched
from pipelines.parquet import write_table
from pipelines.run_directory import RunDirectory
from schemas.signatures import SIGNATURES
from schemas.version import SchemaMismatch, check_schema

__all__ = ["EarlierSignatures", "earlier_signatures", "import_signatures"]


@dataclass(frozen=True, slots=True)
class EarlierSignatures:
    """A file of signatures of an earlier run.

    Attributes:
        sha256: Its digest by that run's manifest.
        path: Where it lies.
    """

    sha256: str
    path: Path


def earlier_signatures(
    runs: Sequence[RunDirectory], near: NearDuplicates | None
) -> list[EarlierSignatures]:
    """The signature files of finished runs.

    Args:
        runs: The runs.
        near: The stage that will compare signatures, if there is one.

    Raises:
        InputError: A run isn't finished, has no signatures, or has others than the stage makes.
    """
    found = []
    for run in runs:
        manifest = run.read_json(run.manifest)
        if manifest is None or "signatures" not in manifest:
            raise InputError(f"{run.root} is no finished run with signatures")
        scheme = manifest["signatures"]["scheme"]
        if near is not None and scheme != scheme_of(near):
            raise InputError(
                f"{run.root} has signatures of scheme {scheme or 'none'}, this recipe makes "
                f"{scheme_of(near)}: they can't be compared"
            )
        found += [
            EarlierSignatures(file["sha256"], run.root / file["path"])
            for file in manifest["files"]
            if file["path"].startswith("signatures/")
        ]
    return found


def import_signatures(
    files: Sequence[EarlierSignatures], folder: Path, near: NearDuplicates | None
) -> list[IndexedTask]:
    """Documents that earlier runs kept, as tasks of an index.

    Args:
        files: Their signatures.
        folder: Where the tasks' files go.
        near: The stage that will compare signatures, if there is one.

    Raises:
        InputError: A file has another schema than this version writes.
    """
    tasks = [_import(file.path, folder, number, near) for number, file in enumerate(files)]
    return [task for task in tasks if task.rows]


def _import(path: Path, folder: Path, number: int, near: NearDuplicates | None) -> IndexedTask:
    table = pq.read_table(fetched(path))
    try:
        check_schema(table.schema, SIGNATURES)
    except SchemaMismatch as error:
        raise InputError(f"{path}: {error}") from error
    table = table.filter(pc.equal(table.column("kept_id"), "")).combine_chunks()
    longest = max((len(i.encode()) for i in table.column("document_id").to_pylist()), default=1)
    task = IndexedTask(str(folder), number, table.num_rows, longest, earlier=True)
    write_table(task.file("parquet"), table)
    if near is not None and table.num_rows:
        packed = b"".join(table.column("signature").to_pylist())
        signatures = np.frombuffer(packed, "<u4").reshape(table.num_rows, near.signature_length)
        write_index_array(task, "signatures", signatures)
        bands = band_hashes(signatures, near.band_count, near.row_count)
        bands[:, (signatures == 0xFFFFFFFF).all(axis=1)] = 0
        write_index_array(task, "bands", bands)
    return task
