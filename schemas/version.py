"""How a table says which schema, in which version, it was written with."""

from __future__ import annotations

import pyarrow as pa

__all__ = ["SchemaMismatch", "check_schema", "versioned"]

_NAME = b"proofmill.schema"
_VERSION = b"proofmill.schema_version"


class SchemaMismatch(ValueError):
    """A table isn't of the schema, or of the version, that was expected."""


def versioned(name: str, version: int, fields: list[pa.Field[pa.DataType]]) -> pa.Schema:
    """An Arrow schema that carries its name and version in its metadata.

    Args:
        name: The schema's name.
        version: Raised by one whenever a field is added, removed or changes its meaning.
        fields: The columns.
    """
    return pa.schema(fields, metadata={_NAME: name.encode(), _VERSION: str(version).encode()})


def check_schema(found: pa.Schema, expected: pa.Schema) -> None:
    """Raises ``SchemaMismatch`` unless a table's schema is the expected one, version included."""
    have = found.metadata or {}
    want = expected.metadata or {}
    for key in (_NAME, _VERSION):
        if have.get(key) != want.get(key):
            raise SchemaMismatch(
                f"{key.decode()} is {have.get(key, b'missing').decode()}, "
                f"expected {want.get(key, b'missing').decode()}"
            )
    if not found.equals(expected):
        raise SchemaMismatch(f"columns differ from {want.get(_NAME, b'').decode()}")
