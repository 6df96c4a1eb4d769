"""Readers of the training formats, written from their descriptions alone and from no code of ours.

They stand in for the frameworks' own readers where those aren't installed.
"""

from __future__ import annotations

import gzip
import json
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

Tokens = list[list[int]]


def read_megatron(prefix: Path) -> Tokens:
    """Documents of an indexed dataset."""
    index = prefix.with_name(prefix.name + ".idx").read_bytes()
    assert index[:9] == b"MMIDIDX\x00\x00"
    version, code, sequences, documents = struct.unpack_from("<QBQQ", index, 9)
    assert version == 1
    dtype = {1: "u1", 2: "i1", 3: "<i2", 4: "<i4", 5: "<i8", 8: "<u2"}[code]
    place = 9 + 8 + 1 + 16
    lengths = np.frombuffer(index, "<i4", sequences, place)
    pointers = np.frombuffer(index, "<i8", sequences, place + 4 * sequences)
    bounds = np.frombuffer(index, "<i8", documents, place + 12 * sequences)
    assert place + 12 * sequences + 8 * documents == len(index)
    assert bounds.tolist() == list(range(sequences + 1))
    data = prefix.with_name(prefix.name + ".bin").read_bytes()
    return [
        np.frombuffer(data, dtype, length, pointer).tolist()
        for length, pointer in zip(lengths.tolist(), pointers.tolist(), strict=True)
    ]


def read_olmo(prefix: Path, dtype: str) -> Tokens:
    """Documents of raw tokens with OLMo-core's lines of start and end."""
    tokens = np.fromfile(prefix.with_name(prefix.name + ".npy"), dtype)
    with gzip.open(prefix.with_name(prefix.name + ".csv.gz"), "rt") as lines:
        bounds = [tuple(map(int, line.split(","))) for line in lines]
    return [tokens[start:end].tolist() for start, end in bounds]


def read_datatrove(prefix: Path, dtype: str) -> Tokens:
    """Documents of raw tokens with datatrove's document ends."""
    tokens = np.fromfile(prefix.with_name(prefix.name + ".ds"), dtype)
    ends = np.fromfile(prefix.with_name(prefix.name + ".ds.index"), "<u8").astype(np.int64)
    return [part.tolist() for part in np.split(tokens, ends[:-1])] if len(ends) else []


def read_parquet(folder: Path) -> list[dict[str, Any]]:
    """Rows of packed Parquet."""
    return [
        row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path).to_pylist()
    ]


def read_mds(folder: Path) -> list[dict[str, Any]]:
    """Samples of MDS shards."""
    index = json.loads((folder / "index.json").read_text())
    assert index["version"] == 2
    samples = []
    for shard in index["shards"]:
        data = (folder / shard["raw_data"]["basename"]).read_bytes()
        assert len(data) == shard["raw_data"]["bytes"]
        count = struct.unpack_from("<I", data)[0]
        assert count == shard["samples"]
        offsets = struct.unpack_from(f"<{count + 1}I", data, 4)
        assert offsets[-1] == len(data)
        described = json.loads(data[4 + 4 * (count + 1) : offsets[0]])
        assert described["column_names"] == sorted(described["column_names"])
        for start, end in pairwise(offsets):
            samples.append(_mds_sample(data[start:end], described))
    return samples


def _mds_sample(data: bytes, described: dict[str, Any]) -> dict[str, Any]:
    ragged = sum(size is None for size in described["column_sizes"])
    sizes = list(struct.unpack_from(f"<{ragged}I", data))
    place = 4 * ragged
    sample = {}
    for name, encoding, size in zip(
        described["column_names"],
        described["column_encodings"],
        described["column_sizes"],
        strict=True,
    ):
        length = sizes.pop(0) if size is None else size
        sample[name] = _mds_value(encoding, data[place : place + length])
        place += length
    assert place == len(data)
    return sample


def _mds_value(encoding: str, cell: bytes) -> Any:
    kind, _, rest = encoding.partition(":")
    if kind == "str":
        return cell.decode()
    if kind == "json":
        return json.loads(cell)
    if kind == "uint32":
        return struct.unpack("<I", cell)[0]
    dtype, _, shape = rest.partition(":")
    if shape:
        return np.frombuffer(cell, dtype).reshape([int(n) for n in shape.split(",")]).tolist()
    dimensions, code = cell[0] >> 2, cell[0] & 3
    width = 1 << code
    sides = np.frombuffer(cell[1 : 1 + dimensions * width], f"<u{width}").astype(int)
    return np.frombuffer(cell[1 + dimensions * width :], dtype).reshape(sides).tolist()


def read_litdata(folder: Path, row: int) -> Tokens:
    """Blocks of litdata's chunks."""
    index = json.loads((folder / "index.json").read_text())
    (described,) = index["config"]["data_format"]
    kind, _, number = described.partition(":")
    assert kind == "no_header_numpy"
    dtype = {2: "<i4", 5: "<u2"}[int(number)]
    blocks = []
    for chunk in index["chunks"]:
        data = (folder / chunk["filename"]).read_bytes()
        assert len(data) == chunk["chunk_bytes"]
        count = struct.unpack_from("<I", data)[0]
        assert count == chunk["chunk_size"]
        offsets = struct.unpack_from(f"<{count + 1}I", data, 4)
        assert offsets[0] == 4 * (count + 2)
        tokens = np.frombuffer(data, dtype, chunk["dim"], offsets[0])
        assert chunk["dim"] % row == 0
        blocks += tokens.reshape(-1, row).tolist()
    return blocks
