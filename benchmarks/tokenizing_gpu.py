"""How fast does Parquet in memory become packed sequences on a GPU, beside the host's libraries?

    python -m benchmarks.tokenizing_gpu --parquet corpus.parquet --repeat 4 \
        --tokenizer tokenizer.json --kernels --json gpu.json

Needs a GPU and the extras `pack` and `gpu`; the Parquet should hold some gigabytes of text, and
`--repeat` reads it several times where it doesn't (what is read again is known then, so that the
first pass is shown apart). Measured end to end, a row group at a time: decompression and decoding
on host threads, copying, encoding, EOD, the plan of rows on the host, rows with position ids and
bounds on the device, and a synchronisation at the end. The ids of the first row groups are compared
with the reference library's. Beside it, on the same machine and texts: Hugging Face tokenizers and
our compiled path on all cores, the former on so much text as `--reference-megabytes` says.

`--device cpu` goes through the same steps without a GPU, to see that they work; its speed says
nothing. NO GPU HAS RUN THIS YET: no figure of it is in the tables.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from benchmarks.measuring import machine, versions
from packing.gpu.encoding import DeviceTokenizer
from packing.gpu.rows import gather_rows, stream_of
from packing.packers import best_fit
from packing.tokenizers import Texts, load


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parquet", type=Path, nargs="+", required=True)
    parser.add_argument("--column", default="text")
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--kernels", action="store_true", help="Triton instead of torch's steps")
    parser.add_argument("--length", type=int, default=4096, help="tokens of a sequence")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--readers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--reference-megabytes", type=float, default=50)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("needs a GPU; --device cpu goes through the steps without one")
    files = [path.read_bytes() for path in options.parquet]
    tokenizer = DeviceTokenizer(options.tokenizer, device=options.device, kernels=options.kernels)
    found = {
        "machine": machine(),
        "versions": versions("torch", "tokenizers"),
        "device": _device_name(options.device),
        "kernels": options.kernels,
        "passes": [_pass(files, tokenizer, options) for _ in range(options.repeat)],
        "host": _host(files, options),
        "differing": _differing(files, tokenizer, options),
    }
    shown = json.dumps(found, indent=1)
    print(shown)
    if options.json:
        options.json.write_text(shown, encoding="utf-8")


def _pass(
    files: list[bytes], tokenizer: DeviceTokenizer, options: argparse.Namespace
) -> dict[str, float | dict[str, float]]:
    """All row groups once, end to end; the seconds that this thread spent in each step."""
    seconds: dict[str, float] = defaultdict(float)
    size = tokens = filled = 0
    begun = time.perf_counter()
    for texts in _clocked(_row_groups(files, options), seconds, "waiting for the readers"):
        size += int(texts.byte_lengths().sum())
        with _Step(seconds, "encoding", options.device):
            encoded = tokenizer.encode(texts)
        with _Step(seconds, "separating documents", options.device):
            stream = stream_of(encoded, bos=None, eod=0)
        with _Step(seconds, "planning rows", options.device):
            offsets = stream.offsets.cpu().numpy()
            starts, lengths = _pieces(offsets, options.length)
            pieces = best_fit(starts, lengths, options.length)
        with _Step(seconds, "gathering rows", options.device):
            rows = gather_rows(stream.ids, pieces, options.length, pad=0)
        tokens += len(stream.ids)
        filled += rows.input_ids.numel()
    wall = time.perf_counter() - begun
    return {
        "gigabytes": size / 1e9,
        "seconds": wall,
        "gigabytes_per_second": size / 1e9 / wall,
        "million_tokens_per_second": tokens / 1e6 / wall,
        "utilisation": tokens / max(filled, 1),
        "steps": dict(seconds),
    }


class _Step:
    """Adds the time of a step, the device's work with it."""

    def __init__(self, seconds: dict[str, float], name: str, device: str) -> None:
        self._seconds, self._name, self._device = seconds, name, device

    def __enter__(self) -> None:
        self._begun = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        if self._device.startswith("cuda"):
            torch.cuda.synchronize()
        self._seconds[self._name] += time.perf_counter() - self._begun


def _clocked(groups: Iterator[Texts], seconds: dict[str, float], name: str) -> Iterator[Texts]:
    while True:
        begun = time.perf_counter()
        texts = next(groups, None)
        seconds[name] += time.perf_counter() - begun
        if texts is None:
            return
        yield texts


def _row_groups(files: list[bytes], options: argparse.Namespace) -> Iterator[Texts]:
    """Row groups in order, decoded ahead by threads (Arrow gives the lock free)."""
    wanted = [
        (content, number)
        for content in files
        for number in range(pq.ParquetFile(io.BytesIO(content)).num_row_groups)
    ]

    def decode(content: bytes, number: int) -> Texts:
        file = pq.ParquetFile(pa.BufferReader(content))
        table = file.read_row_group(number, columns=[options.column], use_threads=False)
        return Texts.of(table[options.column].drop_null().cast(pa.large_string()))

    with ThreadPoolExecutor(options.readers) as pool:
        waiting: list[Future[Texts]] = []
        for content, number in wanted:
            waiting.append(pool.submit(decode, content, number))
            if len(waiting) > 2 * options.readers:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()


def _pieces(offsets: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Documents, those longer than a sequence cut where it is full."""
    counts = np.diff(offsets)
    parts = -(-counts // length)
    document = np.repeat(np.arange(len(counts)), parts)
    part = np.arange(len(document)) - np.repeat(np.cumsum(parts) - parts, parts)
    starts = offsets[:-1][document] + part * length
    return starts, np.minimum(offsets[1:][document] - starts, length)


def _host(files: list[bytes], options: argparse.Namespace) -> dict[str, float]:
    """GB/s of the host's libraries on all cores, from texts in memory to flat ids."""
    cores = len(os.sched_getaffinity(0))
    groups = list(_row_groups(files, options))
    ours = load(options.tokenizer, backend="cpu", threads=cores)
    rates = {}
    for name in ("ours compiled, first pass", "ours compiled, second pass"):
        begun = time.perf_counter()
        size = 0
        for texts in groups:
            ours.encode_batch(texts)
            size += int(texts.byte_lengths().sum())
        rates[name] = size / 1e9 / (time.perf_counter() - begun)
    reference = load(options.tokenizer, backend="reference")
    begun, size = time.perf_counter(), 0
    for texts in groups:
        if size > options.reference_megabytes * 1e6:
            break
        reference.encode_batch(texts)
        size += int(texts.byte_lengths().sum())
    rates[reference.engine] = size / 1e9 / (time.perf_counter() - begun)
    return rates


def _differing(
    files: list[bytes], tokenizer: DeviceTokenizer, options: argparse.Namespace
) -> dict[str, int]:
    """Documents of the first row groups whose ids aren't the reference library's."""
    reference = load(options.tokenizer, backend="reference")
    size = documents = differing = 0
    for texts in _row_groups(files, options):
        if size > options.reference_megabytes * 1e6:
            break
        size += int(texts.byte_lengths().sum())
        encoded, expected = tokenizer.encode(texts), reference.encode_batch(texts)
        ids, offsets = encoded.ids.cpu().numpy(), encoded.offsets.cpu().numpy()
        for row in range(len(texts)):
            found = ids[offsets[row] : offsets[row + 1]]
            differing += not np.array_equal(found, expected.document(row))
        documents += len(texts)
    return {"documents": documents, "differing": differing}


def _device_name(device: str) -> str:
    return torch.cuda.get_device_name() if device.startswith("cuda") else device


if __name__ == "__main__":
    main()
