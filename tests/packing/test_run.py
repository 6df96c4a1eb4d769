"""Packing as a command: resuming, workers, bad input, verification."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer

from packing.command import app as packed_app
from packing.command import pack
from packing.corpus import PackedCorpus
from packing.token_shards import TokenShard
from packing.tokenizers import load
from packing.verification import verify_packing
from tests.packing.conftest import write_documents
from tests.packing.readers import read_megatron, read_parquet

TEXTS = [f"the lemma {n} then {'proof = ' * (n % 37)}\n\non {n}" for n in range(80)]

_app = typer.Typer()
_app.command("pack")(pack)
_app.add_typer(packed_app, name="packed")


@dataclass(frozen=True)
class Done:
    """What a command left."""

    exit_code: int
    output: str
    errors: str


class Commands:
    """Runs commands in this process."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *arguments: str | Path) -> Done:
        """Any command."""
        code = 0
        try:
            _app([str(argument) for argument in arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        read = self._capture.readouterr()
        return Done(code, read.out, read.err)

    def pack(self, tokenizer: Path, output: Path, *arguments: str | Path) -> Done:
        """``pack`` with one worker and short sequences."""
        return self(
            "pack", *arguments, "--tokenizer", tokenizer, "--output", output, "--progress",
            "quiet", "--sequence-length", "64", "--workers", "1",
        )  # fmt: skip


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Commands:
    return Commands(capfd)


def _files(folder: Path) -> dict[str, bytes]:
    """Everything that decides, by path: all but the lock, the log and when and where it ran."""
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in (".lock", "log.jsonl", "manifest.json")
    }
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["run"]
    return {**found, "manifest.json": json.dumps(manifest, sort_keys=True).encode()}


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    write_documents(tmp_path / "in" / "a.parquet", TEXTS[:50])
    write_documents(tmp_path / "in" / "b.parquet", TEXTS[50:])
    return tmp_path / "in"


def test_one_and_two_workers_write_the_same_bytes(
    run: Commands, tmp_path: Path, tiny_tokenizer: Path, documents: Path
) -> None:
    for workers in ("1", "2"):
        done = run(
            "pack", f"web={documents}", "--tokenizer", tiny_tokenizer, "--format", "all",
            "--output", tmp_path / workers, "--sequence-length", "64", "--workers", workers,
            "--progress", "quiet",
        )  # fmt: skip
        assert done.exit_code == 0, done.errors
    assert _files(tmp_path / "1") == _files(tmp_path / "2")


def test_a_killed_run_goes_on_and_writes_the_same_bytes(
    run: Commands, tmp_path: Path, tiny_tokenizer: Path
) -> None:
    texts = [text * 20 for text in TEXTS]
    for number in range(12):
        write_documents(tmp_path / "in" / f"{number:02}.parquet", texts)
    killed, straight = tmp_path / "killed", tmp_path / "straight"
    options = ["--format", "all", "--sequence-length", "64", "--progress", "quiet"]
    command = [
        sys.executable, "-c", "import typer; from packing.command import pack; typer.run(pack)",
        f"web={tmp_path / 'in'}", "--tokenizer", str(tiny_tokenizer), "--output", str(killed),
        "--workers", "2", *options,
    ]  # fmt: skip
    shards = killed / "work" / "shards"
    process = subprocess.Popen(command, start_new_session=True)
    while process.poll() is None and len(list(shards.glob("*.json"))) < 3:
        time.sleep(0.01)
    assert process.poll() is None, "the run was over before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = {path.name: path.stat().st_mtime_ns for path in shards.glob("*.json")}
    assert 3 <= len(done) < 12
    again = run.pack(tiny_tokenizer, killed, f"web={tmp_path / 'in'}", *options, "--keep-work")
    assert again.exit_code == 0, again.errors
    # What was finished wasn't done again.
    assert {name: (shards / name).stat().st_mtime_ns for name in done} == done
    shutil.rmtree(killed / "work")
    assert run.pack(tiny_tokenizer, straight, f"web={tmp_path / 'in'}", *options).exit_code == 0
    assert _files(killed) == _files(straight)


def test_a_finished_run_is_left_alone_and_another_refused(
    run: Commands, tmp_path: Path, tiny_tokenizer: Path, documents: Path
) -> None:
    out = tmp_path / "out"
    assert run.pack(tiny_tokenizer, out, f"web={documents}").exit_code == 0
    before = _files(out)
    assert run.pack(tiny_tokenizer, out, f"web={documents}").exit_code == 0
    assert _files(out) == before
    other = run.pack(tiny_tokenizer, out, f"web={documents}", "--eod", "unk")
    assert other.exit_code == 4
    fresh = run.pack(tiny_tokenizer, out, f"web={documents}", "--eod", "unk", "--fresh")
    assert fresh.exit_code == 0
    assert _files(out) != before
    assert verify_packing(out).holds


def test_packings_of_the_same_documents_share_their_shards(
    run: Commands,
    tmp_path: Path,
    tiny_tokenizer: Path,
    documents: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shards = tmp_path / "shards"
    first = run.pack(tiny_tokenizer, tmp_path / "1", f"web={documents}", "--shards", shards)
    assert first.exit_code == 0

    def refuse(*_: Any) -> None:
        raise AssertionError("tokenized again")

    monkeypatch.setattr(TokenShard, "write", refuse)
    second = run.pack(
        tiny_tokenizer, tmp_path / "2", f"web={documents}", "--shards", shards, "--eod", "unk",
        "--packer", "concatenate",
    )  # fmt: skip
    assert second.exit_code == 0, second.errors
    assert PackedCorpus(tmp_path / "2").layout.eod == 0


def test_rows_that_are_no_documents_are_listed_with_a_reason(
    run: Commands, tmp_path: Path, tiny_tokenizer: Path
) -> None:
    texts: list[str | None] = ["the lemma", None, "", "proof"]
    path = write_documents(tmp_path / "in" / "web.parquet", texts)
    broken = pa.array([b"then \xff", b"on"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": broken}), tmp_path / "in" / "x.parquet")
    assert run.pack(tiny_tokenizer, tmp_path / "out", f"web={path.parent}").exit_code == 0
    skipped = pa.concat_tables(
        pq.read_table(found) for found in sorted((tmp_path / "out" / "skipped").rglob("*.parquet"))
    ).to_pylist()
    assert [(row["document_id"], row["row"], row["reason"]) for row in skipped] == [
        ("web-1", 1, "null_text"),
        ("web-2", 2, "empty_text"),
        ("x.parquet:0", 0, "invalid_utf8"),
    ]
    statistics = json.loads((tmp_path / "out" / "statistics.json").read_text())["total"]
    assert statistics["documents"] == 3
    assert statistics["skipped"] == {"empty_text": 1, "invalid_utf8": 1, "null_text": 1}
    assert len(read_parquet(tmp_path / "out" / "parquet" / "web")) == 1


def test_a_column_of_subsets_names_the_sources(
    run: Commands, tmp_path: Path, tiny_tokenizer: Path
) -> None:
    subsets = ["web", "code", "web", "arxiv", None]
    write_documents(
        tmp_path / "in.parquet", ["the lemma 1", "on 2", "then 3", "proof 4", "prove 5"],
        subset=pa.array(subsets),
    )  # fmt: skip
    done = run.pack(
        tiny_tokenizer, tmp_path / "out", tmp_path / "in.parquet", "--format", "megatron"
    )
    assert done.exit_code == 0
    corpus = PackedCorpus(tmp_path / "out")
    assert {entry.name: entry.documents for entry in corpus.entries} == {
        "arxiv": 1, "code": 1, "documents": 1, "web": 2,
    }  # fmt: skip
    reference = load(tiny_tokenizer, backend="reference")
    expected = [[*reference.encode_batch([t]).ids.tolist(), 2] for t in ("the lemma 1", "then 3")]
    assert read_megatron(tmp_path / "out" / "megatron" / "web_text_document") == expected


def test_llemmas_edition_is_as_llemma_was_trained(
    run: Commands, tmp_path: Path, tiny_tokenizer: Path
) -> None:
    for name, share in (("arxiv", 30), ("web", 80), ("code", 40)):
        write_documents(tmp_path / f"{name}.parquet", TEXTS[:share])
    done = run(
        "pack", *(f"{name}={tmp_path / name}.parquet" for name in ("arxiv", "web", "code")),
        "--edition", "llemma", "--tokenizer", tiny_tokenizer, "--output", tmp_path / "out",
        "--sequence-length", "32", "--target-tokens", "50000", "--workers", "1", "--progress",
        "quiet",
    )  # fmt: skip
    assert done.exit_code == 0, done.errors
    corpus = PackedCorpus(tmp_path / "out")
    layout = corpus.layout
    assert (layout.length, layout.row, layout.bos, layout.eod) == (32, 33, None, 0)
    for entry, source in zip(corpus.entries, corpus.sources, strict=True):
        documents = read_megatron(tmp_path / "out" / "megatron" / f"{entry.name}_text_document")
        assert all(document[-1] == 0 and 0 not in document[:-1] for document in documents)
        # Windows of length + 1 over the shuffled documents, each beginning with the last's end.
        rows = source.read(np.arange(len(source))).ids
        assert (rows[1:, 0] == rows[:-1, -1]).all()
        assert (source.filled() == 33).all()
    mixture = json.loads((tmp_path / "out" / "mixture.json").read_text())
    draws = {row["source"]: row["drawn_sequences"] for row in mixture["sources"]}
    assert mixture["places"] == -(-50000 // 32)
    assert abs(draws["web"] / draws["code"] - 4) < 0.1
    assert abs(draws["arxiv"] / draws["code"] - 2) < 0.1
    assert len({row["whole_epochs"] for row in mixture["sources"]}) > 1


def test_sources_are_gone_through_as_often_as_told(
    run: Commands, tmp_path: Path, tiny_tokenizer: Path
) -> None:
    for name in ("web", "code", "arxiv"):
        write_documents(tmp_path / f"{name}.parquet", TEXTS)
    done = run.pack(
        tiny_tokenizer, tmp_path / "out", *(f"{n}={tmp_path / n}.parquet" for n in ("web", "code", "arxiv")),
        "--edition", "llemma", "--epochs", "web=3", "--epochs", "code=0.5", "--epochs", "1",
    )  # fmt: skip
    assert done.exit_code == 0, done.errors
    mixture = json.loads((tmp_path / "out" / "mixture.json").read_text())
    epochs = {row["source"]: row["epochs"] for row in mixture["sources"]}
    assert epochs["web"] == 3
    assert epochs["arxiv"] == 1
    assert abs(epochs["code"] - 0.5) < 0.05
    assert mixture["places"] * 64 == mixture["tokens"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{empty}"], "no Parquet files"),
        (["{junk}"], "no readable Parquet"),
        (["{numbers}"], "neither a column 'text'"),
        (["{documents}", "--text-column", "row"], "holds no strings"),
        (["a/b={documents}"], "no Parquet files"),
        (["we b={documents}"], "a source is named by"),
        (["mixed={documents}"], "no source can be called"),
        (["web={documents}", "--weight", "web=-1"], "must be 0 or more"),
        (["web={documents}", "--weight", "web=0"], "nothing would be trained"),
        (["web={documents}", "--weight", "web"], "write NAME=VALUE"),
        (["web={documents}", "--weight", "web=1", "--epochs", "2"], "either weights or epochs"),
        (["web={documents}", "--epochs", "code=2"], "no epochs for web"),
        (["web={documents}", "--epochs", "often"], "is no number"),
        (["web={documents}", "--edition", "llama"], "no edition"),
        (["web={documents}", "--edition", "llemma", "--weight", "web=0"], "weight 0"),
        (["math={documents}", "--edition", "llemma"], "gives no weight to math"),
        (["web={documents}", "--eod", "<|endoftext|>"], "no single token"),
        (["web={documents}", "--eod", "99999"], "no single token"),
        (["web={documents}", "--format", "tfrecord"], "formats"),
        (["web={documents}", "--set", "tail=cut"], "tail"),
        (["web={documents}", "--set", "colour=red"], "there are"),
        (["web={documents}", "--set", "sequence_length=4"], "sequence_length"),
    ],
)
def test_what_cant_be_packed_is_said_before_any_work(
    run: Commands, tmp_path: Path, tiny_tokenizer: Path, arguments: list[str], said: str
) -> None:
    places = {
        "empty": tmp_path / "empty",
        "junk": tmp_path / "junk.parquet",
        "numbers": tmp_path / "numbers.parquet",
        "documents": tmp_path / "documents.parquet",
    }
    places["empty"].mkdir()
    places["junk"].write_bytes(b"PAR1 but no more")
    pq.write_table(pa.table({"row": [1, 2]}), places["numbers"])
    write_documents(places["documents"], TEXTS[:3], row=[1, 2, 3])
    done = run.pack(tiny_tokenizer, tmp_path / "out", *(a.format(**places) for a in arguments))
    assert done.exit_code == 2
    assert said in " ".join(done.errors.split())
    assert not (tmp_path / "out" / "tokens").exists()


def test_a_tokenizer_that_is_none_is_refused(
    run: Commands, tmp_path: Path, documents: Path
) -> None:
    wrong = tmp_path / "tokenizer.json"
    wrong.write_text('{"no": "tokenizer"}')
    for tokenizer in (wrong, tmp_path / "nowhere"):
        done = run.pack(tokenizer, tmp_path / "out", f"web={documents}")
        assert done.exit_code == 2
        assert "--tokenizer" in done.errors


def test_verification_finds_what_was_changed(
    run: Commands, tmp_path: Path, tiny_tokenizer: Path, documents: Path
) -> None:
    out = tmp_path / "out"
    assert run.pack(tiny_tokenizer, out, f"web={documents}", "--format", "mds").exit_code == 0
    assert run("packed", "verify", out).exit_code == 0
    shard = out / "mds" / "web" / "shard.00000.mds"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    (out / "mds" / "web" / "extra.mds").write_bytes(b"")
    found = run("packed", "verify", out, "--json")
    assert found.exit_code == 1
    faults = json.loads(found.output)["faults"]
    assert any("shard.00000.mds has other bytes" in fault for fault in faults)
    assert any("extra.mds isn't in the manifest" in fault for fault in faults)
    assert run("packed", "verify", tmp_path / "in").exit_code == 2


def test_statistics_are_shown_and_told(
    run: Commands, tmp_path: Path, tiny_tokenizer: Path, documents: Path
) -> None:
    out = tmp_path / "out"
    told = run(
        "pack", f"web={documents}", "--tokenizer", tiny_tokenizer, "--output", out,
        "--sequence-length", "64", "--workers", "1", "--progress", "json",
    )  # fmt: skip
    summary = json.loads(told.output.splitlines()[-1])
    web = summary["statistics"]["sources"]["web"]
    reference = load(tiny_tokenizer, backend="reference")
    lengths = [len(reference.encode_batch([text]).ids) for text in TEXTS]
    assert web["documents"] == len(TEXTS)
    assert web["text_tokens"] == sum(lengths)
    assert web["text_bytes"] == sum(len(text.encode()) for text in TEXTS)
    assert web["documents_that_fit"] == sum(length + 1 <= 64 for length in lengths)
    assert web["documents_cut"] == len(TEXTS) - web["documents_that_fit"]
    assert web["documents_that_fit_cut"] == 0
    assert sum(web["lengths"].values()) == len(TEXTS)
    assert web["sequences"] * 64 == web["packed_tokens"] + web["padding"]
    shown = run("packed", "statistics", out).output
    assert "web" in shown
    assert "tokens/byte" in shown
    assert "llemma" in run("packed", "editions").output
