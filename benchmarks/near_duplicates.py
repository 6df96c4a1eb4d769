"""Near-duplicates: what is found against brute force, and how fast against others.

Run from the repository's root, over a corpus that ``benchmarks.near_duplicates_corpus`` wrote::

    python -m benchmarks.near_duplicates recall corpus.parquet
    python -m benchmarks.near_duplicates signatures corpus.parquet --datatrove-python PYTHON
    python -m benchmarks.near_duplicates run corpus.parquet --datatrove-python PYTHON
    python -m benchmarks.near_duplicates growth corpus.parquet
    python -m benchmarks.near_duplicates skew corpus.parquet
    python -m benchmarks.near_duplicates banding

Every part prints a Markdown table. Times are CPU seconds of all processes, so that what else a
machine does weighs little. ``datasketch`` comes with the package; ``rensa``, ``duckdb`` and
``polars`` take part where they're installed, datatrove through a Python of its own.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from datasketch import MinHash as DatasketchMinHash
from datasketch import MinHashLSH
from scipy.sparse import csr_array

from benchmarks.measuring import Sample, machine, run_command, versions
from benchmarks.near_duplicates_corpus import composed, edited, write
from filters.minhash import candidate_probability
from filters.near_duplicates import NearDuplicates
from pipelines.deduplication.candidates import PAIR
from pipelines.deduplication.components import components

_PEER = Path(__file__).with_name("datatrove_minhash.py")
_BINS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0001)
_WORDS = re.compile(r"\w+")


def texts_of(path: Path, count: int | None = None) -> list[str]:
    """The texts of a corpus, or the first so many."""
    texts: list[str] = pq.read_table(path, columns=["text"])["text"].to_pylist()
    return texts[:count]


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


# ---- recall -------------------------------------------------------------------------------------


def similar_pairs(near: NearDuplicates, texts: Sequence[str], least: float) -> dict[Any, float]:
    """Brute force: the exact similarity of every pair that reaches a least one."""
    sets = []
    for start in range(0, len(texts), 256):
        shingles = near.minhash.shingler.shingles(texts[start : start + 256])
        sets += [shingles.of(number) for number in range(len(shingles))]
    sizes = np.array([len(values) for values in sets])
    _, columns = np.unique(np.concatenate(sets), return_inverse=True)
    starts = np.concatenate(([0], np.cumsum(sizes)))
    matrix = csr_array((np.ones(len(columns), np.int32), columns, starts))
    found: dict[Any, float] = {}
    for first in range(0, len(texts), 256):
        common = (matrix[first : first + 256] @ matrix.T).tocoo()
        a, b = common.coords[0] + first, common.coords[1]
        similarity = common.data / (sizes[a] + sizes[b] - common.data)
        wanted = (a < b) & (similarity >= least)
        found.update(
            zip(
                zip(a[wanted].tolist(), b[wanted].tolist(), strict=True),
                similarity[wanted].tolist(),
                strict=True,
            )
        )
    return found


def datasketch_pairs(near: NearDuplicates, texts: Sequence[str]) -> set[tuple[int, int]]:
    """The pairs that datasketch's index finds, over the same shingles and the same bands."""
    lsh = MinHashLSH(
        num_perm=near.signature_length, params=(near.band_count, near.row_count), threshold=0.8
    )
    found = set()
    for start in range(0, len(texts), 256):
        shingles = near.minhash.shingler.shingles(texts[start : start + 256])
        for number in range(len(shingles)):
            values = shingles.of(number)
            if not len(values):
                continue
            signature = DatasketchMinHash(
                num_perm=near.signature_length, hashfunc=lambda value: value
            )
            signature.update_batch([int(value) for value in values])
            found.update((other, start + number) for other in lsh.query(signature))
            lsh.insert(start + number, signature, check_duplication=False)
    return found


def our_pairs(
    near: NearDuplicates, corpus: Path, folder: Path
) -> tuple[set[Any], npt.NDArray[Any]]:
    """The pairs that a run of ours finds, and the cluster of each document."""
    settings = [f"--set=near_duplicates.{name}={value}" for name, value in (
        ("bands", near.bands), ("rows", near.rows), ("verify", near.verify),
        ("threshold", near.threshold),
    )]  # fmt: skip
    off = [f"--set={stage}.enabled=false" for stage in ("url_duplicates", "exact_duplicates")]
    run_command(_dedup(corpus, folder, *settings, *off, "--keep-work"), 0, 0)
    work = folder / "work" / "deduplication"
    edges = [np.load(path) for path in sorted((work / "edges" / "similar").glob("*.npy"))]
    pairs = {(int(a), int(b)) for block in edges for a, b in block.tolist()}
    return pairs, np.load(work / "labels.npy")


def recall(corpus: Path, count: int, planted: int) -> None:
    """Recall and precision by similarity, beside theory and datasketch."""
    near, as_it_is = NearDuplicates(), NearDuplicates(verify="none", threshold=0.0)
    generator = random.Random(1)
    texts = texts_of(corpus, count)
    for number in generator.sample(range(len(texts)), planted):
        texts.append(edited(texts[number], generator.uniform(0.0, 0.13), generator))
    truth = similar_pairs(near, texts, _BINS[0])
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "corpus.parquet"
        write(path, iter(texts))
        candidates, _ = our_pairs(as_it_is, path, Path(scratch) / "none")
        verified, labels = our_pairs(near, path, Path(scratch) / "exact")
    others = datasketch_pairs(near, texts)
    other_labels = components(
        iter([np.array(sorted(others), PAIR)]) if others else iter([]), len(texts)
    )
    rows = []
    for low, high in pairwise(_BINS):
        pairs = [pair for pair, similarity in truth.items() if low <= similarity < high]
        if not pairs:
            continue
        curve = [candidate_probability(truth[p], near.band_count, near.row_count) for p in pairs]
        first, second = np.array(pairs).T
        rows.append(
            (
                f"{low:.2f} to {min(high, 1.0):.2f}",
                f"{len(pairs):,}",
                f"{np.mean(curve):.3f}",
                f"{np.mean([p in candidates for p in pairs]):.3f}",
                f"{np.mean([p in others for p in pairs]):.3f}",
                f"{np.mean([p in verified for p in pairs]):.3f}",
                f"{np.mean(labels[first] == labels[second]):.3f}",
                f"{np.mean(other_labels[first] == other_labels[second]):.3f}",
            )
        )
    headings = (
        "Jaccard similarity", "pairs", "S-curve", "our candidates", "datasketch's candidates",
        "ours, verified", "ours, one cluster", "datasketch, one cluster",
    )  # fmt: skip
    print(f"{len(texts):,} documents, {planted:,} of them planted copies; {near.bands} bands of "
          f"{near.rows} rows; every pair's similarity by brute force\n")  # fmt: skip
    print(table(headings, rows))
    wrong = sum(truth.get(pair, 0.0) < near.least_similarity for pair in verified)
    wrong_others = sum(truth.get(pair, 0.0) < near.least_similarity for pair in others)
    print(f"\nof {len(verified):,} pairs of ours {wrong:,} are below {near.threshold}; of "
          f"{len(others):,} of datasketch's {wrong_others:,}")  # fmt: skip


# ---- signatures ---------------------------------------------------------------------------------


def signatures(corpus: Path, count: int, peer: Path | None, runs: int) -> None:
    """Documents signed a CPU second, one process."""
    texts = texts_of(corpus, count)
    near = NearDuplicates(bands=16, rows=8)
    lines: dict[str, Callable[[], float]] = {
        "ours, text to signature": lambda: _timed(lambda: _ours(near, texts)),
        "ours, text to shingles": lambda: _timed(lambda: _shingled(near, texts)),
        "word 5-grams in Python (`\\w+`, join, set)": lambda: _timed(lambda: _joined(texts)),
        "datasketch, text to signature (xxh32, bulk)": lambda: _timed(lambda: _datasketch(texts)),
    }
    if find_spec("rensa"):
        lines["rensa, text to signature (strings)"] = lambda: _timed(lambda: _rensa(texts))
    if peer is not None:
        some = min(len(texts), 400)
        lines["datatrove, text to signature (112)"] = lambda: (
            _peer_signatures(peer, corpus, some) * len(texts) / some
        )
    seconds: dict[str, list[float]] = {title: [] for title in lines}
    for _ in range(runs):
        for title, measure in lines.items():
            seconds[title].append(measure())
    ours = seconds["ours, text to signature"]
    rows = [
        (
            title,
            f"{len(texts) / median(took):,.0f}",
            f"{median(a / b for a, b in zip(took, ours, strict=True)):.1f}",
        )
        for title, took in seconds.items()
    ]
    size = sum(map(len, texts)) / len(texts)
    print(f"{len(texts):,} documents of {size:,.0f} characters, 128 permutations, "
          f"median of {runs} rounds; {versions('datasketch')}\n")  # fmt: skip
    print(table(("", "documents a CPU second", "ours is so many times as fast"), rows))


def _timed(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def _shingled(near: NearDuplicates, texts: Sequence[str]) -> None:
    for start in range(0, len(texts), 64):
        near.minhash.shingler.shingles(texts[start : start + 64])


def _ours(near: NearDuplicates, texts: Sequence[str]) -> None:
    for start in range(0, len(texts), 64):
        near.minhash.signatures(near.minhash.shingler.shingles(texts[start : start + 64]))


def _joined(texts: Sequence[str]) -> list[set[str]]:
    made = []
    for text in texts:
        words = _WORDS.findall(text.lower())
        made.append({" ".join(words[i : i + 5]) for i in range(max(len(words) - 4, 1))})
    return made


def _datasketch(texts: Sequence[str]) -> None:
    import xxhash

    sets = [[value.encode() for value in values] for values in _joined(texts)]
    DatasketchMinHash.bulk(sets, num_perm=128, hashfunc=xxhash.xxh32_intdigest)


def _rensa(texts: Sequence[str]) -> None:
    rensa = importlib.import_module("rensa")
    rensa.RMinHash.digest_matrix_from_token_sets(
        [list(values) for values in _joined(texts)], num_perm=128, seed=1
    )


def _peer_signatures(peer: Path, corpus: Path, count: int) -> float:
    command = [str(peer), str(_PEER), "--signatures", str(corpus), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


# ---- whole runs ---------------------------------------------------------------------------------


def _dedup(corpus: Path, output: Path, *more: str) -> list[str]:
    return [
        sys.executable, "-m", "pipelines.cli", "dedup", "--input", str(corpus),
        "--output", str(output), "--progress", "quiet", *more,
    ]  # fmt: skip


def _paragraphs(corpus: Path) -> list[str]:
    found = []
    for text in texts_of(corpus):
        found += [part for part in text.split("\n\n") if 40 <= len(part) <= 2_000]
    return found


def _made(paragraphs: Sequence[str], count: int, path: Path) -> None:
    """Composed documents, a tenth of them copies with edits."""

    def texts() -> Iterator[str]:
        generator = random.Random(count)
        for number, text in enumerate(composed(paragraphs, count - count // 10, 1)):
            yield text
            if number % 9 == 0:
                yield edited(text, generator.uniform(0, 0.05), generator)

    write(path, texts())


def whole(corpus: Path, count: int, peer: Path | None, peer_count: int) -> None:
    """A whole deduplication, beside datatrove's four stages on some of the documents."""
    paragraphs = _paragraphs(corpus)
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for number in sorted({count, peer_count} if peer else {count}):
            path = Path(scratch) / f"{number}.parquet"
            _made(paragraphs, number, path)
            ours, _ = run_command(_dedup(path, Path(scratch) / f"ours-{number}"), number, 0)
            kept = json.loads((Path(scratch) / f"ours-{number}" / "manifest.json").read_text())
            rows.append(
                _run_row(
                    "ours: address, equal and similar texts", number, ours, kept["counts"]["kept"]
                )
            )
        if peer is not None:
            path = Path(scratch) / f"{peer_count}.parquet"
            output = Path(scratch) / "datatrove"
            theirs, _ = run_command([str(peer), str(_PEER), str(path), str(output)], peer_count, 0)
            files = output.rglob("kept/*.parquet")
            kept_rows = sum(pq.read_metadata(file).num_rows for file in files)
            rows.append(_run_row("datatrove, four stages", peer_count, theirs, kept_rows))
    print(table(("", "documents", "CPU s", "documents a CPU second", "s", "peak MB", "kept"), rows))


def _kept(run: Path) -> int:
    return int(json.loads((run / "manifest.json").read_text())["counts"]["kept"])


def _growth_row(count: int, sample: Sample, first: float) -> list[str]:
    each = sample.cpu_seconds / count
    return [
        f"{count:,}", f"{sample.cpu_seconds:.1f}", f"{each * 1e3:.2f}",
        f"{each / (first or each):.2f}", f"{sample.wall_seconds:.1f}",
        f"{sample.peak_bytes / 1e6:,.0f}",
    ]  # fmt: skip


def _run_row(title: str, count: int, sample: Sample, kept: int) -> tuple[object, ...]:
    return (
        title, f"{count:,}", f"{sample.cpu_seconds:.1f}", f"{count / sample.cpu_seconds:,.0f}",
        f"{sample.wall_seconds:.1f}", f"{sample.peak_bytes / 1e6:,.0f}", f"{kept:,}",
    )  # fmt: skip


def growth(corpus: Path, counts: Sequence[int]) -> None:
    """CPU time by number of documents."""
    paragraphs = _paragraphs(corpus)
    rows, first = [], 0.0
    with tempfile.TemporaryDirectory() as scratch:
        for count in counts:
            path = Path(scratch) / f"{count}.parquet"
            _made(paragraphs, count, path)
            sample, _ = run_command(_dedup(path, Path(scratch) / f"run-{count}"), count, 0)
            rows.append(_growth_row(count, sample, first))
            first = first or sample.cpu_seconds / count
            path.unlink()
    headings = ("documents", "CPU s", "CPU ms each", "against the first", "s", "peak MB")
    print(table(headings, rows))


def skew(corpus: Path, counts: Sequence[int]) -> None:
    """Half of the documents are one boilerplate page with noise."""
    paragraphs = _paragraphs(corpus)
    page = next(composed(paragraphs, 1, 99))
    rows, first = [], 0.0
    with tempfile.TemporaryDirectory() as scratch:
        for count in counts:
            path = Path(scratch) / f"{count}.parquet"
            generator = random.Random(count)
            noise = (edited(page, generator.uniform(0, 0.03), generator) for _ in range(count // 2))
            single = composed(paragraphs, count - count // 2, 2)
            write(path, (text for pair in zip(noise, single, strict=False) for text in pair))
            output = Path(scratch) / f"run-{count}"
            sample, _ = run_command(_dedup(path, output), count, 0)
            kept = _kept(output)
            others = f"{count - count // 2:,}"
            rows.append([*_growth_row(count, sample, first), others, f"{kept:,}"])
            first = first or sample.cpu_seconds / count
    headings = ("documents", "CPU s", "CPU ms each", "against the first", "s", "peak MB",
                "others", "kept")  # fmt: skip
    print(table(headings, rows))


# ---- banding ------------------------------------------------------------------------------------


def banding(documents: int, bands: int, memory_mb: int) -> None:
    """Members of equal bands out of files: our waves beside DuckDB and Polars, each its process."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _write_bands(folder, documents, bands)
        for title, name in (
            ("ours: Beam group-by of packed blocks, in waves", "ours"),
            ("DuckDB, group by, with its memory limit", "duckdb"),
            ("Polars, group by, streaming", "polars"),
        ):
            if name != "ours" and not find_spec(name):
                continue
            command = [
                sys.executable, "-m", "benchmarks.near_duplicates", "band-with", name, scratch,
                str(documents), str(bands), str(memory_mb),
            ]  # fmt: skip
            sample, output = run_command(command, documents, 0)
            rows.append(
                (title, output.split()[-1], f"{sample.cpu_seconds:.1f}",
                 f"{sample.wall_seconds:.1f}", f"{sample.peak_bytes / 1e6:,.0f}")
            )  # fmt: skip
    print(f"{documents:,} documents, {bands} bands, a tenth in buckets of two; "
          f"memory limit {memory_mb} MB\n")  # fmt: skip
    print(table(("", "pairs", "CPU s", "s", "peak MB"), rows))


def _write_bands(folder: Path, documents: int, bands: int) -> None:
    generator = np.random.default_rng(1)
    hashes = generator.integers(1, 2**63, (bands, documents), dtype=np.uint64)
    hashes[:, documents - documents // 10 :] = hashes[:, : documents // 10]
    np.save(folder / "bands.npy", hashes)
    for band in range(bands):
        ordinals = pa.array(np.arange(documents))
        pq.write_table(
            pa.table({"hash": hashes[band], "ordinal": ordinals}), folder / f"{band:02d}.parquet"
        )


def band_with(name: str, scratch: str, documents: int, bands: int, memory_mb: int) -> None:
    """Counts the pairs of equal bands in one way; prints how many different ones there are."""
    folder = Path(scratch)
    if name == "duckdb":
        duckdb = importlib.import_module("duckdb")
        connection = duckdb.connect(config={"memory_limit": f"{memory_mb}MB", "threads": 2})
        connection.execute(f"set temp_directory='{folder / 'spill'}'")
        found = connection.execute(
            "select count(*) from (select distinct first, second from ("
            "select min(ordinal) as first, max(ordinal) as second "
            f"from '{folder}/*.parquet' group by hash having count(*) > 1))"
        ).fetchone()
        print(found[0])
        return
    if name == "polars":
        polars = importlib.import_module("polars")
        ordinal = polars.col("ordinal")
        frame = (
            polars.scan_parquet(f"{folder}/*.parquet")
            .group_by("hash")
            .agg(first=ordinal.min(), second=ordinal.max(), size=polars.len())
            .filter(polars.col("size") > 1)
            .select("first", "second")
            .unique()
            .select(polars.len())
        )  # fmt: skip
        print(frame.collect(engine="streaming").item())
        return
    print(_band_with_ours(folder, documents, bands, memory_mb))


def _band_with_ours(folder: Path, documents: int, bands: int, memory_mb: int) -> int:
    from pipelines.deduplication.folder import DeduplicationFolder
    from pipelines.deduplication.index import Index, IndexedTask, write_index_array
    from pipelines.deduplication.stages import Deduplication, Stages
    from pipelines.engine import Engine

    near = NearDuplicates(bands=bands, rows=1, verify="none", threshold=0.0)
    hashes = np.load(folder / "bands.npy", mmap_mode="r")
    tasks = []
    for number, start in enumerate(range(0, documents, 50_000)):
        own = hashes[:, start : start + 50_000]
        tasks.append(IndexedTask(str(folder / "index"), number, own.shape[1], 8))
        write_index_array(tasks[-1], "bands", np.ascontiguousarray(own))
    index = Index(tuple(tasks))
    engine = Engine(1)

    def run(label: str, elements: Any, transform: Any, *, parallel: bool) -> None:
        engine.run(label, elements, transform, log=folder / "log", parallel=False)

    work = DeduplicationFolder(folder / "work")
    found = Deduplication(work.root, Stages(near=near), run, wave_bytes=(memory_mb << 20) // 8)
    found.root.mkdir()
    work.index.write_text(json.dumps(index.to_json()), "utf-8")
    work.write_array(work.dropped, np.zeros(documents, np.bool_))
    found.candidates(work, index, near)
    blocks = [np.load(path) for path in (work.root / "pairs").glob("*.npy")]
    return len(np.unique(np.concatenate(blocks)))


def main() -> int:
    """Runs a part."""
    if sys.argv[1:2] == ["band-with"]:
        name, scratch, *numbers = sys.argv[2:]
        band_with(name, scratch, *map(int, numbers))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "part", choices=["recall", "signatures", "run", "growth", "skew", "banding"]
    )
    parser.add_argument("corpus", type=Path, nargs="?")
    parser.add_argument("--count", type=int, default=0, help="documents, where that's a choice")
    parser.add_argument("--counts", type=int, nargs="+", default=[])
    parser.add_argument("--planted", type=int, default=5_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--datatrove-python", type=Path)
    parser.add_argument("--datatrove-count", type=int, default=5_000)
    parser.add_argument("--memory-mb", type=int, default=1_000)
    chosen = parser.parse_args()
    print(", ".join(machine().values()), "\n")
    if chosen.part == "banding":
        banding(chosen.count or 4_000_000, 16, chosen.memory_mb)
        return 0
    if chosen.corpus is None:
        parser.error("this part needs a corpus")
    peer = chosen.datatrove_python
    if chosen.part == "recall":
        recall(chosen.corpus, chosen.count or 20_000, chosen.planted)
    elif chosen.part == "signatures":
        signatures(chosen.corpus, chosen.count or 2_000, peer, chosen.runs)
    elif chosen.part == "run":
        whole(chosen.corpus, chosen.count or 200_000, peer, chosen.datatrove_count)
    elif chosen.part == "growth":
        growth(chosen.corpus, chosen.counts or [50_000, 100_000, 200_000, 400_000])
    else:
        skew(chosen.corpus, chosen.counts or [25_000, 50_000, 100_000])
    print(f"\npeak of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
