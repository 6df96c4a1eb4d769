"""Where a run lies: a folder, or a prefix on S3. DuckDB's own S3 reader is an extension that it
downloads when it's used, so S3 goes through Arrow's."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as pafs

from pipelines.errors import NotARun

__all__ = ["LocalPlace", "Place", "S3Place", "place_of"]


class Place(Protocol):
    """Where a run lies."""

    def read_text(self, name: str) -> str | None:
        """A file below the run; None when there's no such file."""

    def attach(self, database: Any, view: str, paths: Sequence[str]) -> None:
        """Makes Parquet files, named relative to the run, a view of a DuckDB connection."""


class LocalPlace:
    """A folder of this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __str__(self) -> str:
        return str(self.root)

    def read_text(self, name: str) -> str | None:
        """A file below the run; None when there's no such file."""
        try:
            return (self.root / name).read_text("utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None

    def attach(self, database: Any, view: str, paths: Sequence[str]) -> None:
        """Makes Parquet files a view."""
        files = [self.root / path for path in paths]
        missing = next((file for file in files if not file.is_file()), None)
        if missing is not None:
            raise NotARun(f"{missing} is missing, though the manifest lists it")
        listed = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
        database.execute(
            f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT * FROM read_parquet([{listed}])"
        )


class S3Place:
    """A prefix on S3.

    Args:
        uri: ``s3://bucket/prefix``.
    """

    def __init__(self, uri: str) -> None:
        parts = urlsplit(uri)
        self._uri = uri.rstrip("/")
        self._root = f"{parts.netloc}/{parts.path.strip('/')}".rstrip("/")

    def __str__(self) -> str:
        return self._uri

    def read_text(self, name: str) -> str | None:
        """A file below the run; None when there's no such file."""
        try:
            with _s3().open_input_stream(f"{self._root}/{name}") as file:
                return bytes(file.read()).decode()
        except FileNotFoundError:
            return None

    def attach(self, database: Any, view: str, paths: Sequence[str]) -> None:
        """Makes Parquet files a view; filters and columns are pushed down to Arrow's reader."""
        files = [f"{self._root}/{path}" for path in paths]
        try:
            dataset = ds.dataset(files, format="parquet", filesystem=_s3())
        except FileNotFoundError as error:
            raise NotARun(f"{self._uri}: {error}, though the manifest lists it") from error
        except pa.ArrowInvalid as error:
            raise NotARun(f"{self._uri}: {error}") from error
        # What is registered under a name that is taken is sometimes refused (seen).
        database.execute(f"DROP VIEW IF EXISTS {view}")
        database.register(view, dataset)


@functools.cache
def _s3() -> pafs.S3FileSystem:
    """One client a process; anonymous when no credentials are found."""
    import boto3

    session = boto3.session.Session()
    anonymous = session.get_credentials() is None
    region = session.region_name or "us-east-1"
    # boto3 knows every way in which another server than Amazon's can be configured.
    endpoint = urlsplit(session.client("s3", region_name=region).meta.endpoint_url)
    own = "" if (endpoint.hostname or "").endswith(".amazonaws.com") else endpoint.netloc
    return pafs.S3FileSystem(
        anonymous=anonymous,
        region=region,
        endpoint_override=own or None,
        scheme=endpoint.scheme if own else "https",
    )


def place_of(where: str | Path) -> Place:
    """The place that a path or an ``s3://`` address names.

    Raises:
        NotARun: It's neither a folder nor such an address.
    """
    text = str(where)
    if text.startswith("s3://"):
        return S3Place(text)
    path = Path(text)
    if not path.is_dir():
        raise NotARun(f"{text} is no folder")
    return LocalPlace(path.resolve())
