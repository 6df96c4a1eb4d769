"""Problem sets, read from local files in the formats in which they are published."""

from __future__ import annotations

import functools
import gzip
import hashlib
import io
import json
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pydantic
import yaml
import zstandard

from filters.overlap.declarations import Language, declarations, language_of
from filters.overlap.problems import Problem
from pipelines.errors import InputError
from schemas.overlap import PROBLEMS

__all__ = ["ProblemSet", "SetKind", "problems_of", "problems_table", "read_set", "set_kinds"]


class SetKind(pydantic.BaseModel):
    """How a kind of problem set is published; a row of ``problem_sets.yaml``."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    title: str
    source: str
    licence: str
    reader: Literal["rows", "declarations", "pairs"]
    suffixes: tuple[str, ...]
    fields: dict[Literal["item", "input", "output", "formal", "group"], tuple[str, ...]] = {}
    language: Language | None = None
    names: Literal["bare", "module", "none"] = "none"


@dataclass(frozen=True, slots=True)
class ProblemSet:
    """A problem set that was read.

    Attributes:
        name: Its name in the report.
        kind: Its kind's name.
        about: What its kind says of it.
        path: Where it was read from.
        sha256: SHA-256 over the names and bytes of its files.
        problems: Its items.
    """

    name: str
    kind: str
    about: SetKind
    path: str
    sha256: str
    problems: tuple[Problem, ...]


@functools.cache
def set_kinds() -> dict[str, SetKind]:
    """The kinds of problem sets by name."""
    text = resources.files("pipelines.overlap").joinpath("problem_sets.yaml").read_text("utf-8")
    return {name: SetKind.model_validate(row) for name, row in yaml.safe_load(text).items()}


def read_set(spec: str) -> ProblemSet:
    """Reads a problem set.

    Args:
        spec: ``KIND=PATH`` or ``NAME:KIND=PATH``. The path is a file (``.gz`` and ``.zst`` too), a
            folder, or a tar archive.

    Raises:
        InputError: The kind is unknown, the path holds nothing, or a file isn't what it should be.
    """
    label, equals, path = spec.partition("=")
    name, _, kind = label.rpartition(":")
    kind = kind.strip()
    if not equals or not path:
        raise InputError(f"--problems {spec}: expected KIND=PATH or NAME:KIND=PATH")
    about = set_kinds().get(kind)
    if about is None:
        raise InputError(f"--problems {spec}: no kind {kind!r}; there are {', '.join(set_kinds())}")
    digest = hashlib.sha256()
    problems: list[Problem] = []
    for file, data in _files(Path(path), about.suffixes):
        digest.update(f"{file}\0{len(data)}\0".encode())
        digest.update(data)
        try:
            problems += _problems(name or kind, about, file, data, first=len(problems))
        except (ValueError, KeyError, TypeError, pa.ArrowException) as error:
            raise InputError(f"--problems {spec}: can't read {file}: {error!r}") from error
    if not problems:
        raise InputError(f"--problems {spec}: no problems there ({', '.join(about.suffixes)})")
    _refuse_empty(spec, problems)
    return ProblemSet(name or kind, kind, about, path, digest.hexdigest(), tuple(problems))


def problems_table(sets: Iterable[ProblemSet]) -> pa.Table:
    """The problems of all sets, in their order, as a table of schema ``PROBLEMS``."""
    rows = [
        {
            **{name: getattr(problem, name) for name in PROBLEMS.names},
            "language": problem.language or "",
        }
        for problem_set in sets
        for problem in problem_set.problems
    ]
    return pa.Table.from_pylist(rows, schema=PROBLEMS)


def problems_of(table: pa.Table) -> list[Problem]:
    """What ``problems_table`` made a table of."""
    return [
        Problem(**{**row, "language": row["language"] or None, "names": tuple(row["names"])})
        for row in table.to_pylist()
    ]


def _refuse_empty(spec: str, problems: Sequence[Problem]) -> None:
    empty = [p.item for p in problems if not (p.input or p.output or p.formal)]
    if empty:
        raise InputError(
            f"--problems {spec}: {len(empty)} items have no text, the first is {empty[0]}; "
            "fields are named otherwise: choose another kind"
        )
    item, count = Counter(p.item for p in problems).most_common(1)[0]
    if count > 1:
        raise InputError(f"--problems {spec}: {count} items are called {item}")


def _files(path: Path, suffixes: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """Files by their path below ``path``, in an order of their own, unpacked."""
    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            if _plain_name(file.name).endswith(suffixes):
                yield file.relative_to(path).as_posix(), _unpacked(file.name, file.read_bytes())
    elif path.is_file() and tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            # In the archive's order: going back means unpacking it again from its start.
            members = {
                member.name: cast(IO[bytes], archive.extractfile(member)).read()
                for member in archive
                if member.isfile() and _plain_name(member.name).endswith(suffixes)
            }
        for name, data in sorted(members.items()):
            yield name, _unpacked(name, data)
    elif path.is_file():
        yield path.name, _unpacked(path.name, path.read_bytes())
    else:
        raise InputError(f"no problem set: {path} is no file and no folder")


def _plain_name(name: str) -> str:
    """The name without the suffix of its compression."""
    return name.removesuffix(".gz").removesuffix(".zst")


def _unpacked(name: str, data: bytes) -> bytes:
    if name.endswith(".gz"):
        return gzip.decompress(data)
    if name.endswith(".zst"):
        return zstandard.ZstdDecompressor().stream_reader(data).read()
    return data


def _problems(
    name: str, about: SetKind, file: str, data: bytes, *, first: int
) -> Iterator[Problem]:
    if about.reader == "declarations":
        yield from _declared(name, about, file, data)
    elif about.reader == "pairs":
        yield from _pairs(name, about, file, data)
    else:
        rows = _rows(file, data)
        alone = len(rows) == 1 and _plain_name(file).endswith(".json")
        for number, row in enumerate(rows, first):
            default = str(PurePosixPath(file).with_suffix("")) if alone else str(number)
            yield _row(name, about, row, default)


def _row(name: str, about: SetKind, row: dict[str, Any], default: str) -> Problem:
    values: dict[str, str] = {}
    for part, columns in about.fields.items():
        value = next((row[column] for column in columns if row.get(column) is not None), "")
        values[part] = value if isinstance(value, str) else json.dumps(value)
    item = values.pop("item", "") or default
    formal = values.pop("formal", "")
    language = about.language if formal else None
    return Problem(
        name, item, **values, formal=formal, language=language, names=_names(about, item, formal)
    )


def _names(about: SetKind, item: str, formal: str) -> tuple[str, ...]:
    """The qualified names by which a row's statement is known."""
    if not formal or about.names == "none" or about.language is None:
        return ()
    if about.names == "bare":
        return (item,)
    module, _, _ = item.partition("|")
    found = next(declarations(formal, about.language, module), None)
    return found.names[-1:] if found is not None else ()


def _declared(name: str, about: SetKind, file: str, data: bytes) -> Iterator[Problem]:
    text = data.decode()
    language = language_of(_plain_name(file))
    if language is None:
        raise ValueError("neither a .lean nor a .thy file")
    place = PurePosixPath(_plain_name(file))
    for declaration in declarations(text, language, PurePosixPath(file).stem):
        if declaration.names:
            bare, qualified = declaration.names[0], declaration.names[-1]
            yield Problem(
                name,
                f"{place.with_suffix('')}:{bare}",
                formal=text[declaration.statement_start : declaration.statement_end],
                language=language,
                names=(bare,) if about.names == "bare" else (qualified,),
                group=place.parent.name,
            )


def _pairs(name: str, about: SetKind, file: str, data: bytes) -> Iterator[Problem]:
    for number, (path, statement) in enumerate(json.loads(data)):
        language = about.language or "isabelle"
        found = next(declarations(statement, language, PurePosixPath(path).stem), None)
        yield Problem(
            name,
            f"{PurePosixPath(file).with_suffix('')}:{number}",
            formal=statement,
            language=language,
            names=found.names[-1:] if found is not None else (),
        )


def _rows(file: str, data: bytes) -> list[dict[str, Any]]:
    plain = _plain_name(file)
    if plain.endswith(".parquet"):
        found: list[dict[str, Any]] = pq.read_table(io.BytesIO(data)).to_pylist()
        return found
    if plain.endswith(".json"):
        content = json.loads(data)
        return content if isinstance(content, list) else [content]
    # Only line feeds end a line: a text may hold U+2028.
    return [json.loads(line) for line in data.decode().split("\n") if line.strip()]
