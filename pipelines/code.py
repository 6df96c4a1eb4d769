"""The code subset: source files in seventeen languages in, AlgebraicStack out.

Tables of the Stack, archives and checked-out trees of repositories and plain folders are read file
by file. What needs no content is judged first: the language, whose project it is. Then a file is
decoded, notebooks are converted, and the recipe's stages ask whether a person wrote it and whether
it is mathematics. Of equal and of similar files one stays, across languages and sources.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import pyarrow as pa
import xxhash

from extractors.sources import (
    ArchiveLimits,
    ContentsFetcher,
    SourceFile,
    TreeFile,
    Unread,
    archive_files,
    row_group_starts,
    stack_files,
    tree_files,
)
from extractors.sources.compression import SourceUnreadable, file_object
from extractors.sources.repositories import Repository, checked_out, read_description
from filters.code.source_files import SourceFiles
from pipelines.errors import SourceFailed
from pipelines.inputs import ReadTask, is_remote, open_source
from pipelines.judge import Judged
from pipelines.recipe import Recipe
from pipelines.sample import sample_sources_path
from pipelines.source_inputs import (
    folder_listing,
    is_archive,
    is_parquet,
    resolve_sources,
    splittable,
)
from pipelines.source_judge import SourceJudge
from pipelines.subsets import Subset
from schemas.code import CODE

__all__ = ["CODE_SUBSET", "SourceTaskReader"]


class SourceTaskReader:
    """Reads ranges of inputs and judges their files.

    Args:
        recipe: The recipe.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._limits = ArchiveLimits(
            unpacked_bytes=recipe.limits.unpacked_bytes, file_bytes=recipe.limits.source_bytes
        )
        self._fetch = _fetcher(recipe.always(SourceFiles).contents)
        self._judge = SourceJudge(recipe)

    def read(self, task: ReadTask, exact_start: int | None) -> _SourceReading:
        """Begins to read a range; see ``TaskReader``."""
        return _SourceReading(task, self._files(task), self._judge)

    def close(self) -> None:
        """Nothing is kept."""

    def _files(self, task: ReadTask) -> Iterator[SourceFile]:
        path = Path(task.uri)
        if not is_remote(task.uri) and path.is_dir():
            return self._tree(task, path)
        if is_parquet(task.uri):
            return self._table(task)
        if is_archive(task.uri):
            return self._archive(task)
        return self._single(task, path)

    def _tree(self, task: ReadTask, root: Path) -> Iterator[SourceFile]:
        listing = folder_listing(task.uri)
        chosen = [file for file in listing if task.start <= file.offset < task.end]
        if not listing:
            yield SourceFile.unreadable(0, "", "empty_repository", "no files in it")
        described = _known(root, checked_out(root))
        yield from tree_files(root, listing, chosen, described, self._limits.file_bytes)

    def _table(self, task: ReadTask) -> Iterator[SourceFile]:
        try:
            with _opened(task.uri) as file:
                starts = row_group_starts(file)
                groups = [n for n, start in enumerate(starts) if task.start <= start < task.end]
                if not starts and task.start == 0:
                    yield SourceFile.unreadable(0, "", "empty_table", "no rows in it")
                if groups:
                    file.seek(0)
                    yield from stack_files(file, groups, self._fetch)
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, (SourceUnreadable, SourceFailed)):
                raise
            # Each range of a file finds that it's broken; one of them says so.
            if task.start == 0:
                yield SourceFile.unreadable(0, "", "parquet_broken", str(error)[:400])

    def _archive(self, task: ReadTask) -> Iterator[SourceFile]:
        known = Repository() if is_remote(task.uri) else _known(Path(task.uri), Repository())
        return archive_files(open_source(task.uri), task.name, known, self._limits)

    def _single(self, task: ReadTask, path: Path) -> Iterator[SourceFile]:
        """A file that is neither table nor archive: a source file by itself."""
        size = path.stat().st_size
        listing: Sequence[TreeFile] = [TreeFile(path.name, size, 0)]
        return tree_files(path.parent, listing, listing, Repository(), self._limits.file_bytes)


class _SourceReading:
    """One range while it's read; see ``TaskReading``."""

    def __init__(self, task: ReadTask, files: Iterator[SourceFile], judge: SourceJudge) -> None:
        self._task = task
        self._files = files
        self._judge = judge
        self._digest = xxhash.xxh3_128()
        self.position = 0
        self.first: int | None = None
        self.next: int | None = None

    def __iter__(self) -> Iterator[Judged]:
        try:
            for file in self._files:
                self._watch(file)
                yield self._judge.judge(file, self._task.name)
                self.position += file.size
        except OSError as error:
            raise SourceFailed(f"{self._task.uri}: {error}") from error

    def _watch(self, file: SourceFile) -> None:
        """Takes what is read of a file into the digest."""
        head = f"{file.offset}\n{file.path}\n{file.size}\n{file.blob}\n{file.problem}\n"
        self._digest.update(head.encode("utf-8", "surrogatepass"))
        read = file.content

        def content() -> bytes:
            data = read()
            self._digest.update(data)
            return data

        file.content = content

    def digest(self) -> str:
        """XXH3-128 of what was read, and of the names and sizes of the rest."""
        return self._digest.hexdigest()


def _opened(uri: str) -> IO[bytes]:
    return file_object(open_source(uri))


def _known(place: Path, found: Repository) -> Repository:
    """What a description beside an input says; what it doesn't, the input itself."""
    said = read_description(place.with_name(f"{place.name}.repo.json"))
    return Repository(
        said.name or found.name,
        said.commit or found.commit,
        said.licence,
        said.stars,
        said.date or found.date,
        said.host or found.host,
    )


def _fetcher(template: str) -> ContentsFetcher:
    """Gets blobs that a table only names."""

    def fetch(blob_id: str) -> bytes:
        if not blob_id.isalnum():
            raise Unread("contents_missing", f"{blob_id[:80]!r} is no blob's id")
        source = open_source(template.replace("{blob_id}", blob_id))
        return source.read_at(0, source.size)

    return fetch


@functools.cache
def _sample() -> list[str]:
    return [str(sample_sources_path())]


CODE_SUBSET = Subset(
    name="code",
    layout=CODE,
    resolve=resolve_sources,
    sample=lambda: list(_sample()),
    splittable=splittable,
    reader=SourceTaskReader,
    reading="Read source files",
)
