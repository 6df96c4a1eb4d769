"""Runs over papers: arXiv's layout, hostile sources, the same bytes however they're made."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer

from extractors.latex.archive import archive_members
from pipelines.engine import Engine
from pipelines.errors import InputError, InputFilesFailed
from pipelines.inputs import open_source
from pipelines.object_store import s3_client
from pipelines.paper_inputs import resolve_papers
from pipelines.recipe import Recipe, load_recipe
from pipelines.runs import Outcome, Run
from pipelines.sample import sample_papers_path
from pipelines.sample.papers_build import build_papers
from pipelines.subsets import InputNames
from pipelines.verify import verify_run
from tests.extractors.latex.papers import document, packed, single

PROSE = (
    "Let $f$ be a continuous function on the interval and let its integral be finite. Then the "
    "function is bounded on every closed part of the interval, and the limit of its means exists. "
) * 3
CATALOGUE = str(sample_papers_path() / "catalogue.jsonl")


def tar(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def run(recipe: Recipe, names: list[str], output: Path, workers: int = 1) -> Outcome:
    files = resolve_papers(InputNames(names))
    return Run(recipe, files, output, Engine(workers), display="quiet").execute()


def rows(root: Path, table: str) -> list[dict[str, Any]]:
    return [
        row
        for path in sorted((root / table).glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]


def fates(root: Path) -> dict[str, str]:
    """What became of each member, by the last part of its name."""
    return {
        row["member"].rpartition("/")[2]: row["reason"] or "kept" for row in rows(root, "trails")
    }


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return load_recipe("arxiv").changed(
        [f"metadata.file={CATALOGUE}", "near_duplicates.enabled=false"]
    )


@pytest.fixture(scope="module")
def sample(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("papers") / "run"
    run(recipe, [str(sample_papers_path())], output)
    return output


def test_the_sample_is_what_its_sources_give(tmp_path: Path) -> None:
    build_papers(tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (sample_papers_path() / path.name).read_bytes()


def test_every_member_has_its_trail(sample: Path) -> None:
    assert fates(sample) == {
        "math0309136.gz": "kept",
        "2401.00001.gz": "kept",
        "2401.00002.gz": "kept",
        "2401.00003.pdf": "no-source",
        "2401.00004.gz": "kept",
        "2401.00005.gz": "withdrawn",
        "2401.00006.gz": "other_language",
        "2401.00007.gz": "duplicate",
        "2401.00008.gz": "kept",
        "2401.00009.gz": "too_short",
        "2401.00010.gz": "error:damaged",
    }


def test_a_document_says_what_it_is(sample: Path) -> None:
    papers = {row["arxiv_id"]: row for row in rows(sample, "documents")}
    paper = papers["2401.00001"]
    assert paper["version"] == 2
    assert paper["categories"] == ["math.CA", "math.HO"]
    assert paper["licence"] == "CC-BY-4.0"
    assert paper["date"] == "2024-01-02T12:00:00Z"
    assert paper["url"] == "https://arxiv.org/abs/2401.00001"
    assert paper["title"] == "The inequality of means, and when it is an equation"
    assert paper["archive"] == "arXiv_src_2401_001.tar"
    assert dict(paper["formulas_kept"]) == dict(paper["formulas_found"])
    source = open_source(str(sample_papers_path() / paper["archive"]))
    member = next(m for m in archive_members(source, 0, source.size) if m.name == paper["member"])
    assert member.offset == paper["member_offset"]
    raw = source.read_at(member.start, member.size)
    assert hashlib.sha256(raw).hexdigest() == paper["source_digest"]
    assert papers["math/0309136"]["version"] == 3
    assert papers["2401.00002"]["encoding"] == "latin-1"


def test_fields_and_licences_are_chosen_by_the_catalogue(recipe: Recipe, tmp_path: Path) -> None:
    chosen = recipe.changed(["categories.allow=[math]", "licences.allow=[CC-BY-4.0]"])
    run(chosen, [str(sample_papers_path())], tmp_path / "run")
    reasons = fates(tmp_path / "run")
    assert reasons["2401.00001.gz"] == "kept"
    assert reasons["2401.00002.gz"] == "licence_not_allowed"
    assert reasons["2401.00004.gz"] == "other_categories"
    assert reasons["2401.00008.gz"] == "unknown_licence"
    assert reasons["2401.00009.gz"] == "unknown_categories"


def test_redpajama_loses_what_it_lost(tmp_path: Path) -> None:
    run(load_recipe("arxiv-redpajama"), [str(sample_papers_path())], tmp_path / "run")
    reasons = fates(tmp_path / "run")
    assert reasons["2401.00002.gz"] == "error:not_utf8"
    assert reasons["2401.00008.gz"] == "empty_text"
    assert reasons["2401.00006.gz"] == "kept"
    text = next(
        row["text"]
        for row in rows(tmp_path / "run", "documents")
        if row["arxiv_id"] == "2401.00001"
    )
    assert "The case of two numbers" not in text.partition("\\section{Introduction}")[2]
    assert "\\title" not in text


def test_a_newline_of_two_files_without_header_is_a_document(tmp_path: Path) -> None:
    (tmp_path / "2401.00011.gz").write_bytes(packed({"a.tex": "x", "b.tex": "y"}))
    run(load_recipe("arxiv-redpajama"), [str(tmp_path / "2401.00011.gz")], tmp_path / "run")
    assert [row["text"] for row in rows(tmp_path / "run", "documents")] == ["\n"]


def test_one_and_two_workers_and_ranges_give_the_same_bytes(recipe: Recipe, tmp_path: Path) -> None:
    members = {
        f"2402/2402.{n:05d}.gz": single(document(f"\\section{{Number {n}}} {PROSE} It is {n}."))
        for n in range(40)
    }
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "arXiv_src_2402_001.tar").write_bytes(tar(members))
    cut = recipe.changed(["input.task_bytes=8192"])
    run(cut, [str(folder)], tmp_path / "one", 1)
    run(cut, [str(folder)], tmp_path / "two", 2)
    run(recipe, [str(folder)], tmp_path / "whole", 1)
    contents = [
        {p.name: p.read_bytes() for p in sorted((tmp_path / name / "trails").iterdir())}
        for name in ("one", "two")
    ]
    assert contents[0] == contents[1]
    texts = [
        sorted(row["text"] for row in rows(tmp_path / name, "documents"))
        for name in ("one", "whole")
    ]
    assert len(texts[0]) == 40
    assert texts[0] == texts[1]
    assert not verify_run(tmp_path / "one", regenerate=False).faults


_HOSTILE: dict[str, bytes] = {
    "2403.00001.gz": gzip.compress(b"\0" * (64 << 20)),
    "2403.00002.gz": packed({"main.tex": document("x"), "big.dat": b"\0" * (64 << 20)}),
    "2403.00003.gz": single(document("x " * (8 << 20))),
    "2403.00004.gz": packed({"main.tex": document("\\input{main}\\input{a}"), "a.tex": "\\input{a}" + PROSE}),
    "2403.00005.gz": packed({"../../x.tex": PROSE, "main.tex": document("\\section{S} " + PROSE)}),
    "2403.00006.gz": packed({"main.tex": bytes(range(256)) * 400}),
    "2403.00007.gz": single(document("{" * 200_000 + PROSE)),
    "2403.00008.gz": single(document("$" * 100_001 + "\\begin{equation}" * 20_000)),
    "2403.00009.gz": single(document("\\newcommand{\\a}[1]{#1#1#1#1#1#1#1#1}" + "\\a{" * 40 + "x" + "}" * 40)),
    "2403.00010.gz": b"\x1f\x8b\x08\x00" + b"\xff" * 500,
    "2403.00011.gz": b"",
    "2403.00099.gz": single(document(f"\\section{{Last}} {PROSE}")),
}  # fmt: skip


def test_hostile_sources_are_recorded_and_the_run_goes_on(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "arXiv_src_2403_001.tar").write_bytes(tar(_HOSTILE))
    bounded = recipe.changed(
        [
            "limits.unpacked_bytes=33554432",
            "limits.extract_cpu_seconds=5",
            "extract.tex_bytes=4000000",
            "language.languages=[en, de]",
        ]
    )
    run(bounded, [str(tmp_path / "arXiv_src_2403_001.tar")], tmp_path / "run")
    found = fates(tmp_path / "run")
    assert len(found) == len(_HOSTILE)
    assert found["2403.00001.gz"] == "error:too_large"
    assert found["2403.00002.gz"] == "error:too_large"
    assert found["2403.00003.gz"] == "error:too_large"
    assert found["2403.00004.gz"] == "kept"
    assert found["2403.00005.gz"] == "kept"
    assert found["2403.00006.gz"] == "no-source"
    assert found["2403.00010.gz"] == "error:damaged"
    assert found["2403.00011.gz"] == "error:damaged"
    assert found["2403.00099.gz"] == "kept"


def test_a_damaged_tar_loses_one_paper(recipe: Recipe, tmp_path: Path) -> None:
    members = {
        f"2404.{n:05d}.gz": single(document(f"\\section{{S}} {PROSE} {n}")) for n in range(4)
    }
    content = bytearray(tar(members))
    second = next(
        m for m in archive_members(_Held(bytes(content)), 0, len(content)) if "00001" in m.name
    )
    content[second.offset : second.offset + 100] = b"\xff" * 100
    (tmp_path / "x.tar").write_bytes(content)
    run(
        recipe,
        [str(tmp_path / "x.tar")],
        tmp_path / "run",
    )
    trails = rows(tmp_path / "run", "trails")
    assert sorted(row["reason"] for row in trails) == ["", "", "", "damage:tar"]


def test_a_tar_that_is_cut_off_tells_so(recipe: Recipe, tmp_path: Path) -> None:
    members = {
        f"2404.{n:05d}.gz": single(document(f"\\section{{S}} {PROSE} {n}")) for n in range(3)
    }
    content = tar(members)
    last = list(archive_members(_Held(content), 0, len(content)))[-1]
    (tmp_path / "x.tar").write_bytes(content[: last.start + 20])
    run(
        recipe,
        [str(tmp_path / "x.tar")],
        tmp_path / "run",
    )
    assert sorted(row["reason"] for row in rows(tmp_path / "run", "trails")) == [
        "",
        "",
        "damage:tar",
    ]


class _Held:
    def __init__(self, content: bytes) -> None:
        self._content = content

    @property
    def size(self) -> int:
        return len(self._content)

    def read_at(self, offset: int, length: int) -> bytes:
        return self._content[offset : offset + length]


def test_single_papers_and_folders_are_inputs(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "in" / "unpacked").mkdir(parents=True)
    (tmp_path / "in" / "unpacked" / "main.tex").write_text(document("\\section{U} " + PROSE + "U."))
    (tmp_path / "in" / "2405.00001v2.gz").write_bytes(
        single(document("\\section{V} " + PROSE + "V."))
    )
    (tmp_path / "in" / "2405.00002.tex").write_text(document("\\section{W} " + PROSE + "W."))
    (tmp_path / "in" / "2405.00003.pdf").write_bytes(b"%PDF-1.4")
    run(recipe, [str(tmp_path / "in")], tmp_path / "run")
    found = fates(tmp_path / "run")
    assert found == {
        "unpacked": "kept",
        "2405.00001v2.gz": "kept",
        "2405.00002.tex": "kept",
        "2405.00003.pdf": "no-source",
    }
    versions = {row["arxiv_id"]: row["version"] for row in rows(tmp_path / "run", "documents")}
    assert versions == {"": 0, "2405.00001": 2, "2405.00002": 0}


def test_the_manifest_is_believed(tmp_path: Path, recipe: Recipe) -> None:
    for path in sample_papers_path().iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    manifest = str(tmp_path / "arXiv_src_manifest.xml")
    assert [file.name for file in resolve_papers(InputNames([manifest]))] == [
        "arXiv_src_0309_001.tar",
        "arXiv_src_2401_001.tar",
    ]
    first = tmp_path / "arXiv_src_0309_001.tar"
    content = first.read_bytes()
    first.write_bytes(content[:600] + b"!" + content[601:])
    with pytest.raises(InputFilesFailed):
        run(recipe, [manifest], tmp_path / "run")
    first.write_bytes(content[:-512])
    with pytest.raises(InputError, match="manifest says"):
        resolve_papers(InputNames([str(tmp_path)]))
    first.unlink()
    with pytest.raises(InputError, match="1 of the 2 tars"):
        resolve_papers(InputNames([manifest]))


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "reader")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3_client.cache_clear()
    client = boto3.client("s3")
    client.create_bucket(Bucket="arxiv")
    for path in sample_papers_path().iterdir():
        client.put_object(Bucket="arxiv", Key=f"src/{path.name}", Body=path.read_bytes())
    yield client
    s3_client.cache_clear()
    server.stop()


def test_arxivs_bucket_is_read_and_paid_for(
    bucket: Any, recipe: Recipe, sample: Path, tmp_path: Path
) -> None:
    said: list[dict[str, Any]] = []
    s3_client().meta.events.register(
        "provide-client-params.s3.*", lambda params, **_: said.append(dict(params))
    )
    for name in ("s3://arxiv/src/arXiv_src_*.tar", "s3://arxiv/src/arXiv_src_manifest.xml"):
        files = resolve_papers(InputNames([name]))
        assert [file.name.rpartition("/")[2] for file in files] == [
            "arXiv_src_0309_001.tar",
            "arXiv_src_2401_001.tar",
        ]
    run(recipe, ["s3://arxiv/src/arXiv_src_manifest.xml"], tmp_path / "run")
    assert said
    assert all(params["RequestPayer"] == "requester" for params in said)
    assert fates(tmp_path / "run") == fates(sample)


def test_without_credentials_arxivs_bucket_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    s3_client.cache_clear()
    with pytest.raises(InputError, match="paid for by its reader"):
        resolve_papers(InputNames(["s3://arxiv/src/arXiv_src_2401_001.tar"]))
    s3_client.cache_clear()
