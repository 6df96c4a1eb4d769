"""Every format read back by the framework that it is for, where that is installed.

``pip install datasets litdata datatrove`` and, without their dependencies, ``megatron-core``,
``ai2-olmo-core`` and ``mosaicml-streaming`` (which needs only a stand-in for torchvision to be
imported): the extra ``formats`` names the versions. ``test_round_trip`` reads the same files by their
descriptions alone.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from packing.corpus import PackedCorpus
from packing.recipe import FORMATS
from tests.packing.conftest import pack_texts
from tests.packing.readers import read_megatron, read_parquet

TEXTS = {
    "web": [f"the lemma {n} then {'proof = ' * (n % 23)}\n\n" for n in range(60)],
    "code": [f"on = {n}\n\n{'prove the ' * (n % 9)}" for n in range(30)],
}


def _framework(name: str) -> Any:
    """A framework's module; skips when it isn't installed or can't be imported."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except Exception as error:  # what a framework raises when parts of it are missing is its own
        pytest.skip(f"{name} can't be imported: {error}")


@pytest.fixture(scope="module", params=["best-fit", "concatenate"])
def corpus(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    tiny_tokenizer: Path,
) -> PackedCorpus:
    chopped = request.param == "concatenate"
    return pack_texts(
        tmp_path_factory.mktemp("frameworks"),
        tiny_tokenizer,
        TEXTS,
        packer=request.param,
        overlap=int(chopped),
        sequence_length=32,
        bos="bos",
        formats=FORMATS,
    )


def _rows(corpus: PackedCorpus, name: str) -> list[list[int]]:
    return [row["input_ids"] for row in read_parquet(corpus.folder.root / "parquet" / name)]


@pytest.mark.parametrize("name", ["web", "code"])
def test_megatron_reads_its_documents(corpus: PackedCorpus, name: str) -> None:
    indexed = _framework("megatron.core.datasets.indexed_dataset")
    prefix = corpus.folder.root / "megatron" / f"{name}_text_document"
    dataset = indexed.IndexedDataset(str(prefix), mmap=True)
    documents = read_megatron(prefix)
    assert [dataset[place].tolist() for place in range(len(dataset))] == documents
    assert dataset.document_indices.tolist() == list(range(len(documents) + 1))
    assert sum(map(len, documents)) == corpus.entry(name).tokens


@pytest.mark.parametrize("name", ["web", "code"])
def test_hugging_face_datasets_reads_packed_parquet(
    corpus: PackedCorpus, name: str, tmp_path: Path
) -> None:
    datasets = _framework("datasets")
    files = sorted(str(path) for path in (corpus.folder.root / "parquet" / name).glob("*.parquet"))
    dataset = datasets.load_dataset(
        "parquet", data_files={"train": files}, split="train", cache_dir=str(tmp_path)
    )
    assert dataset["input_ids"][:] == _rows(corpus, name)
    assert all(len(row) == corpus.layout.row for row in dataset["position_ids"][:])


@pytest.mark.parametrize("name", ["web", "code"])
def test_mosaic_streaming_reads_mds(
    corpus: PackedCorpus, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its package imports torchvision for pictures, which nothing here has.
    for module in ("", ".datasets", ".transforms", ".transforms.functional"):
        name_ = f"torchvision{module}"
        if name_ not in sys.modules:
            stub = types.ModuleType(name_)
            stub.__spec__ = importlib.machinery.ModuleSpec(name_, None)
            stub.__dict__.update({"VisionDataset": object, "CIFAR10": object, "to_tensor": None})
            monkeypatch.setitem(sys.modules, name_, stub)
    streaming = _framework("streaming")
    folder = corpus.folder.root / "mds" / name
    dataset = streaming.StreamingDataset(local=str(folder), shuffle=False, batch_size=1)
    rows = _rows(corpus, name)
    assert [dataset[place]["input_ids"].tolist() for place in range(len(dataset))] == rows
    first = dataset[0]
    assert first["domain"] == name
    assert first["indices"].shape[1] == 2
    assert first["indices"][-1][1] == first["length"]


@pytest.mark.parametrize("name", ["web", "code"])
def test_litdata_reads_its_chunks(corpus: PackedCorpus, name: str) -> None:
    litdata = _framework("litdata")
    folder = corpus.folder.root / "litdata" / name
    dataset = litdata.StreamingDataset(
        input_dir=str(folder),
        item_loader=litdata.TokensLoader(block_size=corpus.layout.row),
        shuffle=False,
    )
    rows = _rows(corpus, name)
    assert [np.asarray(dataset[place]).tolist() for place in range(len(dataset))] == rows


@pytest.mark.parametrize("name", ["web", "code"])
def test_datatrove_reads_the_stream(corpus: PackedCorpus, name: str) -> None:
    datatrove = _framework("datatrove.utils.dataset")
    path = corpus.folder.root / "raw" / f"{name}.ds"
    if datatrove.DatatroveFileDataset is NotImplemented:
        pytest.skip("datatrove's datasets need PyTorch")
    dataset = datatrove.DatatroveFileDataset(str(path), 31, token_size=2, return_positions=True)
    tokens = corpus.sources[corpus.entries.index(corpus.entry(name))].tokens
    items = [dataset[place] for place in range(len(dataset))]
    read = np.concatenate([item["input_ids"].numpy() for item in items])
    assert read.tolist() == tokens[: len(read)].tolist()
    assert len(tokens) - len(read) < 32
    begins = set(np.load(corpus.folder.index(name) / "documents.npy").tolist())
    positions = np.concatenate([item["positions"].numpy() for item in items])
    restarts = set(np.flatnonzero(positions == 0).tolist())
    assert begins & set(range(len(read))) <= restarts


@pytest.mark.parametrize("name", ["web", "code"])
def test_olmo_core_reads_the_stream(corpus: PackedCorpus, name: str) -> None:
    data = _framework("olmo_core.data.utils")
    path = corpus.folder.root / "raw" / f"{name}.npy"
    bounds = list(data.iter_document_indices(str(path), use_array_if_local=False))
    tokens = data.load_array_slice(path, 0, bounds[-1][1], np.uint16)
    assert [tokens[start:end].tolist() for start, end in bounds] == read_megatron(
        corpus.folder.root / "megatron" / f"{name}_text_document"
    )
