"""Object stores: S3 through boto3, Google Cloud Storage through its own client.

Credentials, region and endpoint come from the chains that their clients document (environment,
configuration files, instance roles); none is ever taken from a recipe or written anywhere.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import tenacity

from pipelines.errors import EngineMissing

__all__ = ["REQUESTER_PAYS", "LockTaken", "ObjectStore", "StoredObject", "s3_client", "store_of"]

_ATTEMPTS = 10
# Set, also for workers elsewhere, when the reader pays for what is read from S3.
REQUESTER_PAYS = "PROOFMILL_REQUESTER_PAYS"
# Buckets of which that's known: https://info.arxiv.org/help/bulk_data_s3.html
_READER_PAYS = frozenset(("arxiv",))
# The most that one DeleteObjects request takes (S3's API reference).
_DELETED_AT_ONCE = 1000


class LockTaken(Exception):
    """An object that was to be made new is there already."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What a store says of an object.

    Attributes:
        key: Its key.
        size: Bytes.
        modified: When it was written last, in seconds since 1970.
    """

    key: str
    size: int
    modified: float


class ObjectStore(Protocol):
    """A bucket. Every method raises ``OSError`` when the store can't be reached or refuses."""

    def head(self, key: str) -> StoredObject | None:
        """What is known of an object; None when there is none."""

    def listed(self, prefix: str) -> Iterator[StoredObject]:
        """The objects whose keys begin so, in order of key."""

    def download(self, key: str, path: Path) -> None:
        """Writes an object to a file."""

    def upload(self, path: Path, key: str) -> None:
        """Makes an object of a file; it appears whole or not at all."""

    def create(self, key: str, content: bytes) -> None:
        """Makes an object that must not be there yet; raises ``LockTaken`` when it is."""

    def replace(self, key: str, content: bytes) -> None:
        """Makes an object, whether it's there or not."""

    def read(self, key: str) -> bytes:
        """An object's bytes."""

    def read_range(self, key: str, first: int, last: int) -> bytes:
        """Its bytes from the first to the last, both included."""

    def delete(self, keys: Sequence[str]) -> None:
        """Removes objects; those that aren't there are none."""


@functools.cache
def store_of(scheme: str, bucket: str) -> ObjectStore:
    """The store of a bucket, one a process.

    Args:
        scheme: ``s3`` or ``gs``.
        bucket: Its name.

    Raises:
        EngineMissing: The client of Google's store isn't installed.
    """
    return _S3Store(bucket) if scheme == "s3" else _GoogleStore(bucket)


# ---- S3 -----------------------------------------------------------------------------------------


@functools.cache
def s3_client() -> Any:
    """One client a process; anonymous when no credentials are found, as for Common Crawl.

    It tries ten times, unless AWS_MAX_ATTEMPTS says otherwise, with backoff and jitter, on
    throttling, server errors and timeouts, and slows down when it's throttled (botocore's
    ``adaptive`` mode).
    """
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    options: dict[str, Any] = {
        "retries": {
            "max_attempts": int(os.environ.get("AWS_MAX_ATTEMPTS", _ATTEMPTS)),
            "mode": os.environ.get("AWS_RETRY_MODE", "adaptive"),
        },
        "connect_timeout": 30,
        "read_timeout": 120,
    }
    session = boto3.session.Session()
    region = session.region_name or "us-east-1"
    if session.get_credentials() is None:
        options["signature_version"] = UNSIGNED
    return session.client("s3", config=Config(**options), region_name=region)


@contextlib.contextmanager
def _s3_errors(address: str) -> Iterator[None]:
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise OSError(f"{address}: {error}") from error


def _cut_short(error: BaseException) -> bool:
    """Whether an answer ended in the middle, which botocore doesn't try again by itself."""
    from botocore.exceptions import IncompleteReadError, ReadTimeoutError, ResponseStreamingError

    return isinstance(error, (IncompleteReadError, ReadTimeoutError, ResponseStreamingError))


@tenacity.retry(
    retry=tenacity.retry_if_exception(_cut_short),
    wait=tenacity.wait_random_exponential(multiplier=0.5, max=30),
    stop=tenacity.stop_after_attempt(8),
    reraise=True,
)
def _s3_body(**request: Any) -> bytes:
    content: bytes = s3_client().get_object(**request)["Body"].read()
    return content


def _payer(bucket: str) -> dict[str, str]:
    """Who pays for a request: the reader, of arXiv's bucket, and of others when the user said so.

    Raises:
        OSError: The reader pays, and nothing says who that is.
    """
    from botocore import UNSIGNED

    if bucket not in _READER_PAYS and not os.environ.get(REQUESTER_PAYS):
        return {}
    if s3_client().meta.config.signature_version is UNSIGNED:
        raise OSError(
            f"s3://{bucket} is paid for by its reader: set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or a profile"
        )
    return {"RequestPayer": "requester"}


class _S3Store:
    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    def _errors(self, key: str) -> contextlib.AbstractContextManager[None]:
        return _s3_errors(f"s3://{self._bucket}/{key}")

    def head(self, key: str) -> StoredObject | None:
        from botocore.exceptions import ClientError

        with self._errors(key):
            try:
                found = s3_client().head_object(
                    Bucket=self._bucket, Key=key, **_payer(self._bucket)
                )
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                    return None
                raise
        return StoredObject(key, int(found["ContentLength"]), found["LastModified"].timestamp())

    def listed(self, prefix: str) -> Iterator[StoredObject]:
        with self._errors(prefix):
            pages = s3_client().get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix, **_payer(self._bucket)):
                for item in page.get("Contents", []):
                    yield StoredObject(
                        item["Key"], int(item["Size"]), item["LastModified"].timestamp()
                    )

    def download(self, key: str, path: Path) -> None:
        with self._errors(key):
            s3_client().download_file(self._bucket, key, str(path), ExtraArgs=_payer(self._bucket))

    def upload(self, path: Path, key: str) -> None:
        with self._errors(key):
            s3_client().upload_file(str(path), self._bucket, key)

    def create(self, key: str, content: bytes) -> None:
        from botocore.exceptions import ClientError

        with self._errors(key):
            try:
                s3_client().put_object(Bucket=self._bucket, Key=key, Body=content, IfNoneMatch="*")
            except ClientError as error:
                # Precondition failed, or a conflict with another conditional write.
                if error.response["ResponseMetadata"]["HTTPStatusCode"] in (409, 412):
                    raise LockTaken(key) from error
                raise

    def replace(self, key: str, content: bytes) -> None:
        with self._errors(key):
            s3_client().put_object(Bucket=self._bucket, Key=key, Body=content)

    def read(self, key: str) -> bytes:
        with self._errors(key):
            return _s3_body(Bucket=self._bucket, Key=key, **_payer(self._bucket))

    def read_range(self, key: str, first: int, last: int) -> bytes:
        wanted = f"bytes={first}-{last}"
        with self._errors(key):
            return _s3_body(Bucket=self._bucket, Key=key, Range=wanted, **_payer(self._bucket))

    def delete(self, keys: Sequence[str]) -> None:
        for first in range(0, len(keys), _DELETED_AT_ONCE):
            batch = [{"Key": key} for key in keys[first : first + _DELETED_AT_ONCE]]
            with self._errors(keys[first]):
                s3_client().delete_objects(
                    Bucket=self._bucket, Delete={"Objects": batch, "Quiet": True}
                )


# ---- Google Cloud Storage -----------------------------------------------------------------------


class _GoogleStore:
    """Buckets of Google's, by the client that comes with Beam's parts for Google Cloud."""

    def __init__(self, bucket: str) -> None:
        try:
            from google.api_core import exceptions
            from google.cloud import storage
        except ImportError as error:
            raise EngineMissing(
                "gs:// needs Google's client: install proofmill[dataflow]"
            ) from error
        self._exceptions = exceptions
        self._name = bucket
        self._bucket = storage.Client().bucket(bucket)

    @contextlib.contextmanager
    def _errors(self, key: str) -> Iterator[None]:
        try:
            yield
        except self._exceptions.GoogleAPIError as error:
            raise OSError(f"gs://{self._name}/{key}: {error}") from error

    def head(self, key: str) -> StoredObject | None:
        with self._errors(key):
            blob = self._bucket.get_blob(key)
        return _of_blob(blob) if blob is not None else None

    def listed(self, prefix: str) -> Iterator[StoredObject]:
        with self._errors(prefix):
            for blob in self._bucket.list_blobs(prefix=prefix):
                yield _of_blob(blob)

    def download(self, key: str, path: Path) -> None:
        with self._errors(key):
            self._bucket.blob(key).download_to_filename(os.fspath(path))

    def upload(self, path: Path, key: str) -> None:
        with self._errors(key):
            self._bucket.blob(key).upload_from_filename(os.fspath(path))

    def create(self, key: str, content: bytes) -> None:
        with self._errors(key):
            try:
                self._bucket.blob(key).upload_from_string(content, if_generation_match=0)
            except self._exceptions.PreconditionFailed as error:
                raise LockTaken(key) from error

    def replace(self, key: str, content: bytes) -> None:
        with self._errors(key):
            self._bucket.blob(key).upload_from_string(content)

    def read(self, key: str) -> bytes:
        with self._errors(key):
            content: bytes = self._bucket.blob(key).download_as_bytes()
            return content

    def read_range(self, key: str, first: int, last: int) -> bytes:
        with self._errors(key):
            # Google's client, too, counts the last byte in.
            content: bytes = self._bucket.blob(key).download_as_bytes(start=first, end=last)
            return content

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            with self._errors(key), contextlib.suppress(self._exceptions.NotFound):
                self._bucket.blob(key).delete()


def _of_blob(blob: Any) -> StoredObject:
    return StoredObject(blob.name, int(blob.size), blob.updated.timestamp())
