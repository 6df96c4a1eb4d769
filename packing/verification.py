"""Proves that a packed corpus is what its manifest says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from packing.corpus import PackedCorpus, SourceEntry
from packing.run import MANIFEST_KIND, OUTPUTS
from pipelines.errors import NotARun
from pipelines.run_directory import RunDirectory, file_sha256
from pipelines.verify import Verification

__all__ = ["verify_packing"]


def verify_packing(root: Path) -> Verification:
    """Checks a finished packing against its manifest.

    Args:
        root: Its folder.

    Returns:
        What holds and what doesn't.

    Raises:
        NotARun: The folder holds no finished packing.
    """
    directory = RunDirectory(root)
    manifest = directory.read_json(directory.manifest)
    if manifest is None or manifest.get("kind") != MANIFEST_KIND:
        raise NotARun(f"{root} holds no finished packing")
    found = Verification()
    _check_files(root, manifest, found)
    if found.faults:
        return found
    corpus = PackedCorpus(root)
    for number, entry in enumerate(corpus.entries):
        faults = list(_source_faults(corpus, number, entry))
        found.faults += [f"{entry.name}: {fault}" for fault in faults]
    if not found.faults:
        found.checked.append(
            f"{sum(entry.documents for entry in corpus.entries):,} documents stand in "
            f"{sum(entry.sequences for entry in corpus.entries):,} sequences as counted"
        )
    _check_mixture(corpus, manifest, found)
    return found


def _check_files(root: Path, manifest: dict[str, Any], found: Verification) -> None:
    digests: dict[int, str] = {}
    listed = set()
    for file in manifest["files"]:
        path = root / file["path"]
        listed.add(file["path"])
        if not path.is_file():
            found.faults.append(f"{file['path']} is missing")
            continue
        stat = path.stat()
        if stat.st_size != file["bytes"]:
            found.faults.append(f"{file['path']} has {stat.st_size} bytes, not {file['bytes']}")
            continue
        # One stream has several names; it is read once.
        if stat.st_ino not in digests:
            digests[stat.st_ino] = file_sha256(path)
        if digests[stat.st_ino] != file["sha256"]:
            found.faults.append(f"{file['path']} has other bytes than the manifest says")
    present = {
        path.relative_to(root).as_posix()
        for name in OUTPUTS
        for path in (root / name).rglob("*")
        if path.is_file()
    }
    found.faults += [f"{path} isn't in the manifest" for path in sorted(present - listed)]
    if not found.faults:
        found.checked.append(f"{len(listed):,} files have the bytes that the manifest says")


def _source_faults(corpus: PackedCorpus, number: int, entry: SourceEntry) -> Iterator[str]:
    source = corpus.sources[number]
    if source.documents != entry.documents:
        yield f"the index has {source.documents} documents, not {entry.documents}"
    if len(source.tokens) != entry.tokens or int(source.offsets[-1]) != entry.tokens:
        yield f"the stream has {len(source.tokens)} tokens, not {entry.tokens}"
    if len(source) != entry.sequences:
        yield f"there are {len(source)} sequences, not {entry.sequences}"
    filled = source.filled()
    if len(filled) and int(filled.max()) > corpus.layout.row:
        yield f"a sequence holds more than {corpus.layout.row} tokens"
    if len(source.tokens) and int(np.max(source.tokens)) >= corpus.vocab_size:
        yield f"a token is above the vocabulary of {corpus.vocab_size}"


def _check_mixture(corpus: PackedCorpus, manifest: dict[str, Any], found: Verification) -> None:
    mixture = corpus.mixture()
    account = mixture.account(corpus.places, [source.read_tokens() for source in corpus.sources])
    told = {key: manifest["mixture"][key] for key in account}
    if account == told:
        found.checked.append(f"the mixture's {account['tokens']:,} tokens are as accounted")
    else:
        found.faults.append("the mixture's account isn't what its order gives")
