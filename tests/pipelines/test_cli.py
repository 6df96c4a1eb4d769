"""The command, as a person or a machine runs it."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.sample import sample_warc_path

COMMAND = str(Path(sys.executable).with_name("proofmill"))


def proofmill(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "COLUMNS": "120", **environment},
        check=False,
    )


@pytest.fixture(scope="module")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The main job on the embedded sample, and what it printed."""
    root = tmp_path_factory.mktemp("sample") / "run"
    done = proofmill("run", "open-web-math", "--output", str(root))
    assert done.returncode == 0, done.stderr
    return root, done.stdout


def test_the_sample_has_something_to_keep_and_to_drop_at_every_stage(
    sample_run: tuple[Path, str],
) -> None:
    root, printed = sample_run
    manifest = json.loads((root / "manifest.json").read_text())
    for stage in ("read", *(stage["name"] for stage in manifest["stages"])):
        assert manifest["drops"].get(stage), f"{stage} drops nothing"
        assert stage in printed
    assert manifest["counts"]["kept"] > 80
    assert "funnel.png" in printed and "verify" in printed
    for name in ("funnel.png", "funnel.svg", "recipe.yaml", "log.jsonl"):
        assert (root / name).stat().st_size > 100
    assert not (root / "work").exists()


def test_a_kept_document_reads_well(sample_run: tuple[Path, str]) -> None:
    root, _ = sample_run
    documents = {row["url"]: row for row in pq.read_table(root / "documents").to_pylist()}
    note = next(row for url, row in documents.items() if "lecture07" in url)
    assert note["text"].count("$") % 2 == 0
    assert "\\lim" in note["text"] or "\\frac" in note["text"]
    assert note["language"] == "en"


def test_the_run_is_verified_and_known_to_be_complete(sample_run: tuple[Path, str]) -> None:
    root, _ = sample_run
    assert proofmill("verify", str(root)).returncode == 0
    answer = json.loads(proofmill("verify", str(root), "--json").stdout)
    assert answer["faults"] == [] and len(answer["checked"]) >= 3
    again = proofmill("run", "open-web-math", "--output", str(root))
    assert again.returncode == 0 and "already complete" in again.stdout


def test_machines_get_json_and_quiet_is_quiet(tmp_path: Path) -> None:
    arguments = ("run", "open-web-math", "--output")
    done = proofmill(*arguments, str(tmp_path / "a"), "--progress", "json")
    summary = json.loads(done.stdout)
    assert summary["finished"] is True and summary["counts"]["records"] > 100
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert lines[-1]["records"] == summary["counts"]["records"]
    assert {"phase", "bytes", "total_bytes", "eta_seconds", "drops"} <= lines[-1].keys()
    quiet = proofmill(*arguments, str(tmp_path / "b"), "--progress", "quiet")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "no-such", "--output", "OUT"], 2, "open-web-math"),
        (["run", "open-web-math", "--output", "OUT", "--input", "nowhere.warc"], 2, "nowhere.warc"),
        (["run", "open-web-math", "--output", "OUT", "--set", "language.modle=x"], 2, "did you mean model"),
        (["run", "open-web-math", "--output", "OUT", "--set", "math_score.model=/no/such.bin"], 2,
         "/no/such.bin"),
        (["run", "open-web-math", "--output", "OUT", "--", "--no_such_flag"], 2, "no_such_flag"),
        (["verify", "OUT"], 2, "manifest"),
        (["extract", "SAMPLE"], 2, "--url"),
        (["extract", "SAMPLE", "--url", "https://not.there/"], 2, "no record"),
        (["extract", "/no/such/file"], 74, "No such file"),
        (["train", "math-score", "--output", "OUT"], 2, "give --warc, --pages or --sources"),
        (["calibrate", "math_score", "--labels", "no.tsv"], 2, "no.tsv"),
    ],
)  # fmt: skip
def test_mistakes_are_named_before_any_work(
    tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    names = {"OUT": str(tmp_path / "run"), "SAMPLE": str(sample_warc_path())}
    done = proofmill(*(names.get(argument, argument) for argument in arguments))
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run" / "work").exists()


def test_one_page_is_explained(tmp_path: Path, sample_run: tuple[Path, str]) -> None:
    root, _ = sample_run
    row = next(
        row for row in pq.read_table(root / "trails").to_pylist() if row["dropped_by"] == "language"
    )
    done = proofmill("extract", str(sample_warc_path()), "--url", row["url"])
    assert done.returncode == 0, done.stderr
    assert row["document_id"] in done.stdout
    assert "language" in done.stdout and "(shadow)" in done.stdout
    by_offset = proofmill(
        "extract", str(sample_warc_path()), "--offset", str(row["warc_offset"]), "--json"
    )
    assert json.loads(by_offset.stdout)["trail"]["url"] == row["url"]
    page = tmp_path / "page.html"
    page.write_text("<html><p>Let $x^2 = \\frac{1}{2}$ be given.</p></html>")
    assert "$x^2 = \\frac{1}{2}$" in proofmill("extract", str(page), "--text").stdout


def test_recipes_are_listed_shown_and_compared() -> None:
    assert "open-web-math-published" in proofmill("recipes", "list").stdout
    assert "threshold: 0.5" in proofmill("recipes", "show", "open-web-math").stdout
    shown = proofmill("recipes", "diff", "open-web-math", "open-web-math-published").stdout
    assert "extract.edition" in shown


def test_a_damaged_download_is_reported_and_its_rest_is_read(tmp_path: Path) -> None:
    data = bytearray(sample_warc_path().read_bytes())
    data[len(data) // 2] ^= 0xFF
    path = tmp_path / "damaged.warc.gz"
    path.write_bytes(bytes(data))
    done = proofmill("run", "open-web-math", "--input", str(path), "--output", str(tmp_path / "r"))
    assert done.returncode == 0
    assert "damage:gzip_corrupt" in done.stdout.replace("\n", "")
    whole = gzip.decompress(sample_warc_path().read_bytes()).count(b"WARC/1.0\r\nWARC-Type")
    manifest = json.loads((tmp_path / "r" / "manifest.json").read_text())
    assert manifest["counts"]["records"] == whole


def test_all_real_archives_in_one_run(tmp_path: Path, shared_data: Path) -> None:
    """Malformed ones included; counts are held against warcio's."""
    from collections import Counter

    from warcio.archiveiterator import ArchiveIterator

    folder = shared_data / "warc"
    root = tmp_path / "run"
    done = proofmill(
        "run", "open-web-math", "--input", str(folder), "--output", str(root), "--progress", "quiet"
    )
    assert done.returncode == 0, done.stderr
    rows = pq.read_table(root / "trails", columns=["warc_file", "record_type"]).to_pylist()
    manifest = json.loads((root / "manifest.json").read_text())
    assert len(rows) == manifest["counts"]["records"]
    ours: dict[str, Counter[str]] = {}
    for row in rows:
        ours.setdefault(row["warc_file"], Counter())[row["record_type"]] += 1
    compared = 0
    for entry in manifest["inputs"]:
        path = Path(entry["uri"])
        if ".arc" in path.name or "jhove" in path.parts:
            continue
        try:
            with path.open("rb") as file:
                theirs = Counter((r.rec_type or "").lower() for r in ArchiveIterator(file))
        except Exception:
            continue
        found = ours.get(entry["name"], Counter())
        if not found["damage"]:
            assert found == theirs, entry["name"]
            compared += 1
    assert compared > 40
