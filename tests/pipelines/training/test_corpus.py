"""Building a training corpus: formats, origins, labels, any order, any number of workers."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from filters.normalisation import normalise_for_models
from pipelines.engine import Engine
from pipelines.errors import InputError, InputFilesFailed
from pipelines.inputs import resolve_inputs
from pipelines.training import corpus as building
from pipelines.training.corpus import CorpusInputs, build_corpus
from pipelines.training.corruption import CORRUPTIONS, word_salad
from pipelines.training.detex import detex
from pipelines.training.folds import assign_folds
from pipelines.training.labels import has_popular_command, label_of
from pipelines.training.pages import Corpus, cap_per_origin
from pipelines.training.sources import Role, Source, load_sources, origin_of_file
from tests.pipelines.training.tiny_web import PAGES, SITES, url, write_pages, write_warc


def build(inputs: CorpusInputs, folder: Path, workers: int = 1) -> Corpus:
    return build_corpus(inputs, folder, Engine(workers), "quiet")


def content(corpus: Corpus) -> list[tuple[object, ...]]:
    """Everything of a corpus but where it lies in its files."""
    pages = corpus.pages()
    texts = [corpus.texts(pages, column) for column in ("text", "line", "prose")]
    return [
        (p.key, p.origin, p.file, p.place, p.sha256, p.encodings, p.english, p.label, *found)
        for p, *found in zip(pages, *texts, strict=True)
    ]


def _texts(tmp_path: Path, name: str, raw: bytes, role: Role = "web") -> list[str]:
    (tmp_path / name).write_bytes(raw)
    built = build(CorpusInputs((Source("s", (name,), role=role),), tmp_path), tmp_path / "corpus")
    pages = sorted(built.pages(), key=lambda page: page.place)
    return [text.strip() for text in built.texts(pages, "text")]


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("a.txt", b"plain text", ["plain text"]),
        ("a.html", b"<p>one <b>page</b></p>", ["one page"]),
        ("a.html.gz", gzip.compress(b"<p>one page</p>"), ["one page"]),
        ("a.jsonl", b'{"text": "one"}\n\n{"input": "two"}\n', ["one", "two"]),
        ("a.md", b"---\ntitle: T\n---\nwords\n```{math}\nx\n```\n```python\ny\n```\n",
         ["words\n$$x\n$$\n`code`"]),
        ("a.markdown", b"words", ["words"]),
        ("a.ptx", b"<p>Let <m>x\\lt 1</m> <idx>i</idx>hold.</p><me>y</me>",
         ["Let $x\\lt 1$ hold.\n\n$$y$$"]),
        # No text, each for a reason of its own, which is counted.
        ("a.bin", b"\x00", []),
        ("a.txt", b" \n", []),
        ("a.html.gz", b"not gzip", []),
        ("a.jsonl", b"{not json\n", []),
        ("a.html", b"", []),
    ],
)  # fmt: skip
def test_formats(name: str, raw: bytes, expected: list[str], tmp_path: Path) -> None:
    assert _texts(tmp_path, name, raw) == expected


def test_what_gives_no_text_is_counted_with_its_reason(tmp_path: Path) -> None:
    for name, raw in {"a.bin": b"x", "b.gz": b"no", "c.jsonl": b"{", "d.txt": b" "}.items():
        (tmp_path / name).write_bytes(raw)
    (tmp_path / "e.txt").write_text("Dies ist ein ganz gewöhnlicher deutscher Text. " * 5, "utf-8")
    root = tmp_path / "corpus"
    build(CorpusInputs((Source("s", ("*.*",)),), tmp_path), root)
    tally = json.loads((root / "work" / "corpus" / "000000.json").read_text())["tally"]
    assert tally["records"] == 5 and tally["kept"] == 0
    assert tally["drops"] == {
        "read": {"unknown_format": 1, "error:gzip": 1, "error:json": 1, "empty_text": 1},
        "label": {"other_language": 1},
    }


def test_long_texts_of_works_are_cut_between_paragraphs(tmp_path: Path) -> None:
    raw = b"\n\n".join(b" ".join([b"word%c" % n] * 300) for n in b"abcde")
    assert [len(text.split()) for text in _texts(tmp_path, "a.txt", raw)] == [1500]
    parts = _texts(tmp_path, "a.txt", raw, role="prose")
    assert [len(text.split()) for text in parts] == [600, 600, 300]


@pytest.mark.parametrize(
    ("page", "name", "origin"),
    [
        ('<link href="https://www.shop.example.com/a" rel="canonical">', "x.html", "example.com"),
        ('<meta property="og:url" content="https://a.github.io/b">', "x.html", "a.github.io"),
        ('<link href="https://[bad/" rel="canonical">', "x.html", "s"),
        ("<p>none</p>", "blog.example.net.html", "example.net"),
        ("<p>none</p>", "page.html", "s"),
    ],
)
def test_origins(page: str, name: str, origin: str) -> None:
    raw = page.encode()
    assert origin_of_file(Source("s", ()), Path("folder") / name, raw) == origin
    whole = Source("work", (), origin="source")
    assert origin_of_file(whole, Path("folder") / name, raw) == "work"


def test_a_corpus_is_the_same_for_any_workers_and_any_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "_PARALLEL_BYTES", 0)
    monkeypatch.setattr(building, "_TASK_FILES", 3)
    folder = tmp_path / "pages"
    write_pages(folder)
    write_warc(tmp_path / "a.warc", sites=range(3))
    write_warc(tmp_path / "b.warc", sites=range(2, SITES))
    (folder / "copy.html").write_bytes((folder / "0-0.html").read_bytes())

    def inputs(patterns: tuple[str, ...], warcs: list[str]) -> CorpusInputs:
        return CorpusInputs(
            (Source("pages", patterns),),
            tmp_path,
            tuple(resolve_inputs([str(tmp_path / name) for name in warcs])),
        )

    first = build(inputs(("pages/*.html",), ["a.warc", "b.warc"]), tmp_path / "one")
    backwards = ("pages/[345]*.html", "pages/copy.html", "pages/[012]*.html")
    second = build(inputs(backwards, ["b.warc", "a.warc"]), tmp_path / "two", workers=2)
    assert content(first) == content(second)
    # Each page is there twice and thrice, and counts once.
    assert len(first.pages()) == SITES * PAGES
    assert {page.label for page in first.pages()} == {"positive", "negative"}


def test_pages_of_an_archive_know_where_they_are_from(tmp_path: Path) -> None:
    write_warc(tmp_path / "a.warc")
    built = build(
        CorpusInputs(warcs=tuple(resolve_inputs([str(tmp_path / "a.warc")]))), tmp_path / "corpus"
    )
    pages = {page.place: page for page in built.pages()}
    assert set(pages) == {url(s, p) for s in range(SITES) for p in range(PAGES)}
    page = pages[url(2, 1)]
    assert (page.origin, page.label, page.encodings) == (
        "site2.example", "positive", ("parentheses",),
    )  # fmt: skip
    (prose,) = built.texts([page], "prose")
    assert "induction" in prose and "alpha" not in prose and "\\" not in prose


def test_documents_are_sampled_by_their_ids(tmp_path: Path) -> None:
    rows = [
        {"document_id": f"{n:032x}", "text": f"Text {'abcdefgh'[n % 8] * (n + 1)} here.",
         "subset": "web" if n % 2 else "arxiv", "url": f"https://site{n % 5}.example/{n}"}
        for n in range(400)
    ]  # fmt: skip
    for shard in range(2):
        pq.write_table(pa.Table.from_pylist(rows[shard::2]), tmp_path / f"{shard}.parquet")
    files = tuple(tmp_path.glob("*.parquet"))
    whole = build(CorpusInputs(documents=files), tmp_path / "whole").pages()
    part = build(CorpusInputs(documents=files, share=0.25), tmp_path / "part").pages()
    assert len(whole) == 400
    assert 60 < len(part) < 140
    assert {page.place for page in part} < {page.place for page in whole}
    # A page belongs to its site; a paper is a work of its own.
    origins = {page.place: page.origin for page in whole}
    assert origins[f"{3:032x}"] == "site3.example"
    assert origins[f"{4:032x}"] == f"{4:032x}"


def test_documents_without_text_are_counted(tmp_path: Path) -> None:
    rows = {"document_id": [1, 2, 3], "text": [None, "", "A text."], "url": [None, "x", None]}
    pq.write_table(pa.table(rows), tmp_path / "a.parquet")
    built = build(CorpusInputs(documents=(tmp_path / "a.parquet",)), tmp_path / "corpus")
    assert [(page.place, page.origin) for page in built.pages()] == [("3", "3")]
    marker = tmp_path / "corpus" / "work" / "corpus" / "000000.json"
    assert json.loads(marker.read_text())["tally"]["drops"]["read"] == {"empty_text": 2}


def test_a_broken_file_is_named_and_the_rest_stays(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no more")
    pq.write_table(pa.table({"document_id": ["1"], "text": ["one"]}), tmp_path / "b.parquet")
    inputs = CorpusInputs(documents=(tmp_path / "a.parquet", tmp_path / "b.parquet"))
    with pytest.raises(InputFilesFailed, match=r"a\.parquet"):
        build(inputs, tmp_path / "corpus")
    assert (tmp_path / "corpus" / "work" / "corpus" / "000001.json").exists()
    with pytest.raises(InputError, match="no file"):
        build(CorpusInputs((Source("s", ("none*",)),), tmp_path), tmp_path / "other")


def test_a_build_goes_on_where_it_stopped_and_sees_changes(tmp_path: Path) -> None:
    write_pages(tmp_path / "pages")
    inputs = CorpusInputs((Source("pages", ("pages",)),), tmp_path)
    root = tmp_path / "corpus"
    build(inputs, root)
    rows = root / "work" / "corpus" / "000000.parquet"
    before = rows.stat().st_mtime_ns
    build(inputs, root)
    assert rows.stat().st_mtime_ns == before
    (tmp_path / "pages" / "0-0.html").write_text("<p>another text</p>", "utf-8")
    assert "another text" in " ".join(
        text
        for *_, text, _, _ in content(build(inputs, root))  # type: ignore[misc]
    )


def test_caps_are_drawn_alike_in_any_order(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number}.txt").write_text(f"text of kind {'abcdefghijkl'[number]}", "utf-8")
    pages = build(CorpusInputs((Source("s", ("*.txt",)),), tmp_path), tmp_path / "c").pages()
    capped = cap_per_origin(pages, 5)
    assert len(capped) == 5
    assert set(capped) == set(cap_per_origin(pages[::-1], 5))


def test_packaged_sources_name_their_licences() -> None:
    from pipelines import training

    sources = load_sources(Path(training.__file__).parent / "sources.yaml")
    assert len({source.name for source in sources}) == len(sources)
    assert all(source.licence and source.home and source.files for source in sources)
    # Non-commercial texts are no base for a model that anyone may use.
    learnt = [source for source in sources if source.role != "measured"]
    assert not any("NC" in source.licence for source in learnt)


def test_a_list_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("sources: [{files: []}]")
    with pytest.raises(InputError, match=r"s\.yaml"):
        load_sources(tmp_path / "s.yaml")


@pytest.mark.parametrize(
    ("text", "role", "label"),
    [
        (r"so $\alpha$ is real", "web", "positive"),
        ("so $x$ is real", "web", ""),
        ("so ∑ ∫ ∂ are signs", "web", ""),
        ("nothing of the kind", "web", "negative"),
        ("nothing of the kind", "manual", "negative"),
        (r"a staff with \bar lines", "manual", ""),
        ("nothing of the kind", "reference", ""),
        (r"so $\alpha$ is real", "reference", "positive"),
        ("nothing of the kind", "prose", ""),
        (r"so $\alpha$ is real", "prose", "positive"),
        (r"so $\alpha$ is real", "foreign", ""),
        (r"so $\alpha$ is real", "measured", ""),
        (r"in C:\Users\intel\bin", "web", "negative"),
        ("run `\\in` in the shell", "web", "negative"),
    ],
)
def test_labels(text: str, role: Role, label: str) -> None:
    assert label_of(text, role) == label


def test_commands_in_code_do_not_count() -> None:
    assert has_popular_command(r"the $\frac12$ of it")
    assert not has_popular_command("```tex\n\\frac12\n```")


def test_detex() -> None:
    source = (
        "\\documentclass{article}\\newcommand{\\R}{R}\n\\begin{document}% comment\n"
        "\\section{First}\\label{sec:a} Let $x$ be\n\\begin{equation}\\label{e} y \\end{equation}\n"
        "as in \\cite[p.~3]{key}.\n\n\\begin{figure}caption\\end{figure} 5\\% more.\\end{document}"
    )
    words = normalise_for_models(detex(source), "ours")
    assert words == "first let [EQUATION] be [EQUATION] as in . 0 % more ."


def test_no_origin_is_in_two_folds_and_both_kinds_are_in_each() -> None:
    labelled = [(f"site{n % 20}", n % 20 < 10) for n in range(400)]
    folds = assign_folds(labelled, 5)
    assert set(folds) == {f"site{n}" for n in range(20)}
    for fold in range(5):
        assert {label for origin, label in labelled if folds[origin] == fold} == {True, False}
    assert folds == assign_folds(reversed(labelled), 5)


@pytest.mark.parametrize("name", sorted(CORRUPTIONS))
def test_corruptions_change_texts_always_alike(name: str) -> None:
    text = "Let $x + y$ be the sum of two numbers that are given in advance, both positive. " * 3
    corrupt = CORRUPTIONS[name]
    assert corrupt(text) == corrupt(text)
    assert corrupt(text) != text
    assert corrupt("") == ""


def test_word_salad_is_as_long_as_the_text() -> None:
    salad = word_salad("one two three $x + y$", ["apple", "pear"])
    assert salad == word_salad("one two three $x + y$", ["apple", "pear"])
    assert len(salad.split()) == 4 and set(salad.split()) <= {"apple", "pear"}
