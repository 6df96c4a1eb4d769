"""The tables of the code subset: what is known of where a source file comes from."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from schemas.tables import Layout

__all__ = ["CODE", "CodeProvenance"]

CODE = Layout(
    "code",
    1,
    [
        # Where the file was found in the input.
        pa.field("input_file", pa.string(), nullable=False),
        pa.field("input_offset", pa.int64(), nullable=False),
        # Where it is from.
        pa.field("repo", pa.string(), nullable=False),
        pa.field("commit", pa.string(), nullable=False),
        pa.field("path", pa.string(), nullable=False),
        pa.field("blob", pa.string(), nullable=False),
        pa.field("licence", pa.string(), nullable=False),
        pa.field("stars", pa.int64()),
        pa.field("programming_language", pa.string(), nullable=False),
    ],
    place=("input_file", "input_offset"),
    licence="licence",
    group="programming_language",
)


@dataclass(slots=True)
class CodeProvenance:
    """Where a source file comes from.

    Attributes:
        input_file: The input's name in the run's manifest.
        input_offset: Its place there: the row of a table, the entry of an archive, the place in a
            folder's listing.
        repo: ``owner/name``; empty for a file of no repository.
        commit: The commit; empty when unknown.
        path: Its path in the repository or folder.
        blob: Git's id of its content; empty when the content wasn't read.
        licence: SPDX expression; empty when unknown.
        stars: Stars of the repository; None when unknown.
        programming_language: Short name of its language; empty when it's none of ours.
    """

    input_file: str
    input_offset: int
    repo: str = ""
    commit: str = ""
    path: str = ""
    blob: str = ""
    licence: str = ""
    stars: int | None = None
    programming_language: str = ""
