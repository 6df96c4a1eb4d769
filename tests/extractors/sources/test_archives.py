"""Repositories as archives, honest and hostile ones."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from extractors.sources import ArchiveLimits, SourceFile, Unread, archive_files
from extractors.sources.compression import SourceUnreadable
from extractors.sources.repositories import Repository
from extractors.warc import BytesSource

MIT = (
    "Permission is hereby granted, free of charge, to any person obtaining a copy ... "
    "The above copyright notice and this permission notice shall be included"
)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def tar(*members: tuple[tarfile.TarInfo, bytes], comment: str = "") -> bytes:
    buffer = io.BytesIO()
    headers = {"comment": comment} if comment else {}
    with tarfile.open(
        fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers=headers
    ) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.mtime = len(content), 1_600_000_000
    for key, value in fields.items():
        setattr(info, key, value)
    return info, content


def read(
    data: bytes, name: str = "a.tar", limits: ArchiveLimits | None = None
) -> list[tuple[SourceFile, bytes]]:
    files = archive_files(BytesSource(data), name, Repository(), limits or ArchiveLimits())
    return [(file, _content(file)) for file in files]


def _content(file: SourceFile) -> bytes:
    if file.problem:
        return b""
    try:
        return file.content()
    except Unread as error:
        file.problem = error.reason
        return b""


def problems(data: bytes, limits: ArchiveLimits | None = None) -> list[tuple[str, str]]:
    return [(file.path, file.problem) for file, _ in read(data, limits=limits)]


def test_a_repository_as_github_packs_it() -> None:
    data = tar(
        member("proofs-main/A.lean", b"theorem a : True := trivial\n"),
        member("proofs-main/LICENSE", MIT.encode()),
        member("proofs-main/contrib/COPYING", b"SPDX-License-Identifier: Apache-2.0"),
        member("proofs-main/contrib/B.lean", b"example : True := trivial\n"),
        comment=COMMIT,
    )
    name = "codeload.github.com/leanprover/proofs/tar.gz/main"
    found = {file.path: file for file, _ in read(gzip.compress(data), name)}
    assert set(found) == {"A.lean", "LICENSE", "contrib/COPYING", "contrib/B.lean"}
    first = found["A.lean"]
    assert (first.repo, first.commit, first.licence) == ("leanprover/proofs", COMMIT, "MIT")
    assert first.date == "2020-09-13T12:26:40Z"
    assert first.url == f"https://github.com/leanprover/proofs/blob/{COMMIT}/A.lean"
    # The nearest licence file counts, and it may come later in the archive.
    assert found["contrib/B.lean"].licence == "Apache-2.0"


@pytest.mark.parametrize(
    ("root", "comment", "repo", "commit"),
    [
        (f"algebra-{COMMIT}", "", "algebra", COMMIT),
        (f"owner-algebra-{COMMIT[:7]}", COMMIT, "owner/algebra", COMMIT),
        ("algebra-1.2.3", "", "algebra", ""),
        ("algebra", "", "algebra", ""),
    ],
)
def test_what_the_root_says(root: str, comment: str, repo: str, commit: str) -> None:
    [(file, _)] = read(tar(member(f"{root}/a.m", b"y=1;"), comment=comment))
    assert (file.path, file.repo, file.commit) == ("a.m", repo, commit)


@pytest.mark.parametrize(
    "pack",
    [
        bytes,
        gzip.compress,
        pytest.param(lambda d: __import__("bz2").compress(d), id="bz2"),
        pytest.param(lambda d: __import__("lzma").compress(d), id="xz"),
        pytest.param(lambda d: __import__("zstandard").compress(d), id="zstd"),
    ],
)
def test_compressions(pack: Callable[[bytes], bytes]) -> None:
    [(file, content)] = read(pack(tar(member("r/a.m", b"y=1;"))))
    assert (file.path, content) == ("a.m", b"y=1;")


def test_hostile_members_are_recorded_and_the_rest_is_read() -> None:
    data = tar(
        member("r/../../etc/passwd.m", b"x"),
        member("/etc/cron.m", b"x"),
        member("r/a\nb.m", b"x"),
        member("r/loop", type=tarfile.SYMTYPE, linkname="."),
        member("r/hard", type=tarfile.LNKTYPE, linkname="../../secret"),
        member("r/pipe", type=tarfile.FIFOTYPE),
        member("r/device", type=tarfile.CHRTYPE),
        member("r/good.m", b"y = 1;"),
    )
    assert problems(data) == [
        ("r/../../etc/passwd.m", "unsafe_path"),
        ("/etc/cron.m", "unsafe_path"),
        ("r/a\nb.m", "unsafe_path"),
        ("r/loop", "symbolic_link"),
        ("r/hard", "hard_link"),
        ("r/pipe", "not_a_file"),
        ("r/device", "not_a_file"),
        ("r/good.m", ""),
    ]


def test_of_members_of_one_name_the_last_counts() -> None:
    data = tar(member("r/a.m", b"old"), member("r/b.m", b"b"), member("r/a.m", b"new"))
    found = read(data)
    assert [(f.path, f.problem, c) for f, c in found] == [
        ("a.m", "replaced_member", b""),
        ("b.m", "", b"b"),
        ("a.m", "", b"new"),
    ]


def test_bombs_end_at_the_bound() -> None:
    data = gzip.compress(tar(member("r/a.m", b"y"), member("r/zeros.m", bytes(30_000_000))))
    assert len(data) < 100_000
    small = ArchiveLimits(unpacked_bytes=1_000_000)
    assert problems(data, small)[-1] == ("", "archive_too_large")
    # Large members are never held.
    assert problems(data)[1] == ("zeros.m", "too_large")
    many = tar(*(member(f"r/{n}.m", b"y") for n in range(20)))
    assert problems(many, ArchiveLimits(members=10))[-1] == ("", "archive_too_large")


def test_a_header_that_asks_for_memory() -> None:
    info = tarfile.TarInfo("long")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1 << 40
    data = info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)
    assert problems(data) == [("", "archive_broken")]


def test_zip_bombs_links_and_lies() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("r/zeros.m", bytes(5_000_000))
        archive.writestr("r/good.m", b"y = 1;")
        link = zipfile.ZipInfo("r/link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "../../etc/passwd")
        archive.writestr("r/../up.m", b"x")
    assert [problem for _, problem in problems(buffer.getvalue())] == [
        "bomb",
        "",
        "symbolic_link",
        "unsafe_path",
    ]


@pytest.mark.parametrize("cut", [200, 700, 1500])
def test_cut_archives_give_what_is_whole(cut: int) -> None:
    data = tar(member("r/a.m", b"a" * 400), member("r/b.m", b"b" * 400))
    found = problems(data[:cut])
    assert found[-1][1] in ("archive_broken", "cut")
    whole = gzip.compress(data)
    assert problems(whole[: len(whole) // 2])[-1] == ("", "archive_broken")


def test_empty_archives() -> None:
    assert problems(tar()) == [("", "empty_archive")]
    assert problems(b"") in ([("", "archive_broken")], [("", "empty_archive")])
    assert problems(b"no archive at all" * 100) == [("", "archive_broken")]


def test_a_source_that_cant_be_read_is_no_broken_archive() -> None:
    class Failing(BytesSource):
        def read_at(self, offset: int, length: int) -> bytes:
            if offset + length > 512:
                raise OSError("connection lost")
            return super().read_at(offset, length)

    source = Failing(tar(member("r/a.m", b"a" * 5000)))
    with pytest.raises(SourceUnreadable):
        list(archive_files(source, "a.tar", Repository(), ArchiveLimits()))


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    info = tarfile.TarInfo("r/caf\udce9.m")
    info.size = 1
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(b"x"))
    [(file, _)] = read(buffer.getvalue())
    assert file.path == "caf\\xe9.m"
