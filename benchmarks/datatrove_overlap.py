"""datatrove's n-gram decontamination over documents, for ``benchmarks.overlap``.

The Python of an environment with datatrove runs this file; nothing of this project is imported.

Run: ``PYTHON datatrove_overlap.py DOCUMENTS PROBLEMS N FOLDER``, JSON lines with ``text`` each;
prints what it counted as JSON. Its own index builder wants lighteval and a download; the index is
written here, by the same functions.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main(documents: str, problems: str, n: str, folder: str) -> None:
    """Builds the index, then times the filter over the documents, in one process."""
    import numpy as np
    from datatrove.data import Document
    from datatrove.pipeline.decont import NGramsDecontConfig, NGramsDecontFilter
    from datatrove.utils.text import ngrams, simplify_text

    config = NGramsDecontConfig(n_grams=int(n))
    filtering = NGramsDecontFilter(folder, config)
    hashes = set()
    for line in Path(problems).read_text("utf-8").split("\n"):
        if line:
            simple = simplify_text(json.loads(line)["text"], config.norm_config)
            tokens = filtering.tokenizer.word_tokenize(simple)
            hashes.update(map(filtering.hash_func, map(" ".join, ngrams(tokens, config.n_grams))))
    array = np.array(sorted(hashes), dtype=config.hash_config.np_descr)
    array.tofile(Path(folder, "problems.index.hashes"))
    filtering.load_index_hashes()
    found = count = characters = 0
    started = time.process_time()
    with Path(documents).open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            text = json.loads(line)["text"]
            found += filtering.filter(Document(text, str(number))) is not True
            count += 1
            characters += len(text)
    cpu = time.process_time() - started
    print(json.dumps({"documents": count, "characters": characters, "cpu": cpu, "found": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
