"""datatrove's MinHash over a Parquet file, for ``benchmarks.near_duplicates``.

The Python of an environment with datatrove runs this file; nothing of this project is imported.

Run: ``PYTHON datatrove_minhash.py SOURCE OUTPUT`` for its four stages with two workers, or
``PYTHON datatrove_minhash.py --signatures SOURCE COUNT`` for its signatures alone, which prints the
CPU seconds. Without arguments it tries the imports and prints the versions.
"""

from __future__ import annotations

import sys
import time
from importlib.metadata import version
from pathlib import Path

WORKERS = 2


def run(source: str, output: str) -> None:
    """The four stages: signatures, buckets, clusters, filter."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.pipeline.writers import ParquetWriter

    config = MinhashConfig()
    folder = Path(output)
    reader = ParquetReader(source, id_key="document_id")
    signatures, buckets, removed = (str(folder / name) for name in ("sigs", "buckets", "removed"))
    stages = [
        ([reader, MinhashDedupSignature(signatures, config)], WORKERS),
        ([MinhashDedupBuckets(signatures, buckets, config=config)], config.num_buckets),
        ([MinhashDedupCluster(buckets, removed, config=config)], 1),
        ([reader, MinhashDedupFilter(removed), ParquetWriter(str(folder / "kept"))], WORKERS),
    ]
    for number, (pipeline, tasks) in enumerate(stages):
        LocalPipelineExecutor(
            pipeline, tasks=tasks, workers=WORKERS, logging_dir=str(folder / f"logs{number}")
        ).run()


def signatures(source: str, count: str) -> None:
    """Signs documents in this process and prints the CPU seconds."""
    import pyarrow.parquet as pq
    from datatrove.pipeline.dedup import MinhashDedupSignature

    texts = pq.read_table(source, columns=["text"])["text"].to_pylist()[: int(count)]
    step = MinhashDedupSignature("/tmp/unused-signatures")
    step.get_signature(step.get_shingles(texts[0]))
    begin = time.process_time()
    for text in texts:
        step.get_signature(step.get_shingles(text))
    print(time.process_time() - begin)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        import spacy

        print(f"datatrove {version('datatrove')}, spacy {spacy.__version__}")
    elif sys.argv[1] == "--signatures":
        signatures(*sys.argv[2:])
    else:
        run(*sys.argv[1:])
