"""Folders and checked-out trees."""

from __future__ import annotations

import os
from pathlib import Path

from extractors.sources import tree_files, tree_listing
from extractors.sources.repositories import Repository, checked_out, read_description

COMMIT = "89abcdef0123456789abcdef0123456789abcdef"


def test_links_are_recorded_and_never_followed(tmp_path: Path) -> None:
    (tmp_path / "outside.m").write_text("secret")
    root = tmp_path / "r"
    (root / "a").mkdir(parents=True)
    (root / "a" / "b.m").write_text("y = 1;")
    (root / "a" / "loop").symlink_to(root)
    (root / "link.m").symlink_to(tmp_path / "outside.m")
    os.mkfifo(root / "pipe.m")
    listing = tree_listing(root)
    files = list(tree_files(root, listing, listing, Repository(), 100))
    assert [(file.path, file.problem) for file in files] == [
        ("a/b.m", ""),
        ("a/loop", "symbolic_link"),
        ("link.m", "symbolic_link"),
        ("pipe.m", "not_a_file"),
    ]


def test_large_files_are_not_read(tmp_path: Path) -> None:
    with (tmp_path / "line.py").open("wb") as file:
        file.truncate(200_000_000)
    listing = tree_listing(tmp_path)
    [found] = tree_files(tmp_path, listing, listing, Repository(), 20_000_000)
    assert (found.problem, found.size) == ("too_large", 200_000_000)


def test_offsets_cut_a_folder_without_gaps(tmp_path: Path) -> None:
    for name, size in (("a", 3), ("b", 0), ("c", 5)):
        (tmp_path / name).write_bytes(b"x" * size)
    assert [(f.path, f.offset) for f in tree_listing(tmp_path)] == [("a", 0), ("b", 4), ("c", 5)]


def test_what_git_says(tmp_path: Path) -> None:
    git = tmp_path / ".git"
    (git / "refs/heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "refs/heads/main").write_text(COMMIT + "\n")
    (git / "config").write_text(
        '[core]\n\tbare = false\n[remote "upstream"]\n\turl = https://example.org/x/y\n'
        '[remote "origin"]\n\turl = git@github.com:math-comp/odd-order.git\n'
    )
    known = checked_out(tmp_path)
    assert (known.name, known.commit, known.host) == ("math-comp/odd-order", COMMIT, "github.com")
    (git / "refs/heads/main").unlink()
    (git / "packed-refs").write_text(f"# pack-refs\n{COMMIT} refs/heads/main\n")
    assert checked_out(tmp_path).commit == COMMIT
    # What HEAD names isn't followed out of the folder.
    (tmp_path / "secret").write_text(COMMIT)
    (git / "HEAD").write_text("ref: refs/../../secret\n")
    assert checked_out(tmp_path).commit == ""


def test_descriptions(tmp_path: Path) -> None:
    path = tmp_path / "r.repo.json"
    path.write_text('{"owner": "o", "repo": "r", "stars": 12, "licence": "MIT"}')
    assert read_description(path) == Repository("o/r", "", "MIT", 12, "", "github.com")
    path.write_text("[not, json")
    assert read_description(path) == Repository()


def test_files_that_change_while_they_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.m").write_text("y")
    listing = tree_listing(tmp_path)
    (tmp_path / "a.m").write_text("longer")
    [file] = tree_files(tmp_path, listing, listing, Repository(), 100)
    try:
        file.content()
    except Exception as error:
        assert getattr(error, "reason", "") == "changed"
    else:
        raise AssertionError("read without complaint")
