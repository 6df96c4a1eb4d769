"""A small tokenizer and packed corpora for the tests of packing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import settings

from packing.corpus import PackedCorpus
from packing.recipe import FORMATS, PackingRecipe
from packing.run import PackingRun
from packing.sources import find_files
from packing.stages import TokenizerChoice
from tests.packing.tokenizers.conftest import small_config

Packer = Callable[..., PackedCorpus]

# Machines that are busy with something else aren't slow code.
settings.register_profile("packing", deadline=None)
settings.load_profile("packing")


@pytest.fixture(scope="session")
def tiny_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer of a few hundred pieces in Llama-2's manner, written here."""
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    path.write_text(json.dumps(small_config()), encoding="utf-8")
    return path


def write_documents(
    path: Path, texts: Sequence[str | None], *, group: int = 4, **columns: Any
) -> Path:
    """Documents as Parquet, a few rows a group."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ids = [f"{path.stem}-{number}" for number in range(len(texts))]
    table = pa.table({"document_id": ids, "text": pa.array(texts, pa.string()), **columns})
    pq.write_table(table, path, row_group_size=group)
    return path


def pack_texts(
    folder: Path, tokenizer: Path, sources: Mapping[str, Sequence[str | None]], **settings: Any
) -> PackedCorpus:
    """Packs texts by source in this process."""
    inputs = [
        f"{name}={write_documents(folder / 'in' / f'{name}.parquet', texts)}"
        for name, texts in sources.items()
    ]
    recipe = PackingRecipe(**{"sequence_length": 16, "formats": FORMATS, **settings})
    PackingRun(
        recipe,
        TokenizerChoice(str(tokenizer), specials=recipe.specials),
        find_files(inputs, recipe.columns),
        folder / "out",
        workers=1,
        display="quiet",
    ).execute()
    return PackedCorpus(folder / "out")


@pytest.fixture
def packed(tmp_path: Path, tiny_tokenizer: Path) -> Packer:
    """Packs texts by source with the small tokenizer; each call into a folder of its own."""
    calls = 0

    def pack(sources: Mapping[str, Sequence[str | None]], **settings: Any) -> PackedCorpus:
        nonlocal calls
        calls += 1
        return pack_texts(tmp_path / f"packed-{calls}", tiny_tokenizer, sources, **settings)

    return pack
