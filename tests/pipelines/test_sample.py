"""The sample archive is what its sources say, and a sound archive for every reader."""

from __future__ import annotations

import io
import re
import zlib
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fastwarc.warc import ArchiveIterator as FastWarcIterator
from warcio.archiveiterator import ArchiveIterator as WarcioIterator

from extractors.warc import ArchiveReader, BytesSource, Damage, WarcRecord, parse_http
from pipelines.sample import sample_warc_path
from pipelines.sample.build import compressor_versions, sample_archive, sample_entries
from pipelines.sample.encodings import ENCODINGS, Formula, encode_formulas, formulas_in
from pipelines.sample.generators import GENERATORS
from pipelines.sample.presentation import UnknownTexError, mathml_of
from pipelines.sample.records import built_with, sample_formulas, sample_records
from pipelines.sample.warc_writer import (
    Container,
    WarcOther,
    WarcResponse,
    archive_bytes,
    cut_inside,
    flip_byte,
    insert_before,
    member_spans,
    revisit,
    warcinfo,
    write_warc,
)

STAGES = {
    "read",
    "responses",
    "math_prefilter",
    "extract",
    "language",
    "math_score",
    "perplexity",
    "word_order",
    "url_rules",
    "quality",
    "url_duplicates",
    "exact_duplicates",
    "near_duplicates",
}
PAGES = Path(sample_warc_path()).parent / "pages"


@pytest.fixture(scope="module")
def archive() -> bytes:
    return sample_warc_path().read_bytes()


def read(archive: bytes) -> list[WarcRecord | Damage]:
    return list(ArchiveReader(BytesSource(archive)))


def test_the_committed_archive_is_what_a_build_makes(archive: bytes) -> None:
    if built_with() != compressor_versions():
        pytest.skip(f"compressors are {compressor_versions()}, not {built_with()}")
    assert sample_archive() == archive


def test_two_builds_are_equal() -> None:
    assert sample_archive() == sample_archive()


def test_the_committed_archive_holds_the_rows_in_order(archive: bytes) -> None:
    found = [(r.target_uri, r.date) for r in read(archive) if isinstance(r, WarcRecord)]
    assert found == [(row.url, row.date) for row in sample_records()]


def test_it_is_small(archive: bytes) -> None:
    assert len(archive) < 1_000_000


def test_readers_agree_on_the_types_of_all_records(archive: bytes) -> None:
    written = Counter(
        entry.record_type if isinstance(entry, WarcOther) else "response"
        for entry in sample_entries()
    )
    warcio = Counter(record.rec_type for record in WarcioIterator(io.BytesIO(archive)))
    blocks = FastWarcIterator(io.BytesIO(archive), parse_http=False)
    fastwarc = Counter(record.headers["WARC-Type"] for record in blocks)
    ours = Counter(r.record_type for r in read(archive) if isinstance(r, WarcRecord))
    assert written == warcio == fastwarc == ours
    types = {"warcinfo", "request", "response", "metadata", "revisit", "resource", "conversion"}
    assert set(written) == types


def test_it_is_undamaged_and_its_digests_are_right(archive: bytes) -> None:
    assert not [item for item in read(archive) if isinstance(item, Damage)]
    for record in FastWarcIterator(io.BytesIO(archive), parse_http=False):
        assert record.verify_block_digest(), record.headers["WARC-Target-URI"]


def test_record_ids_and_hosts(archive: bytes) -> None:
    records = [record for record in read(archive) if isinstance(record, WarcRecord)]
    assert len({record.record_id for record in records}) == len(records)
    for record in records:
        host = urlsplit(record.target_uri).hostname or "none.example"
        # RFC 2606 and RFC 6761: names that will never belong to anybody.
        assert host.rsplit(".", 1)[-1] in ("example", "test", "invalid"), host


def test_every_row_says_what_it_is_for() -> None:
    for row in sample_records():
        verdict, _, stage = row.expect.partition(": ")
        assert (verdict == "keep" and not stage) or (verdict == "drop" and stage in STAGES), row.url
        assert row.why


def test_every_page_chrome_generator_and_encoding_is_used() -> None:
    rows = sample_records()
    assert {page.name for page in PAGES.iterdir()} == {row.page for row in rows} - {""}
    chromes = {f"{row.chrome}.html" for row in rows if row.chrome}
    assert {chrome.name for chrome in (PAGES.parent / "chrome").iterdir()} == chromes
    assert set(GENERATORS) == {row.generator for row in rows} - {""}
    assert set(ENCODINGS) == {row.maths for row in rows} - {""}


def test_every_formula_is_written_in_the_encoding_of_its_row() -> None:
    keep_the_marks = {
        "brackets",
        "parentheses_dollars",
        "pandoc",
        "pretext",
        "sphinx",
        "starred_environments",
    }
    for row in sample_records():
        if row.maths and row.maths not in keep_the_marks:
            text = re.sub(
                r"<script\b.*?</script>",
                "",
                encode_formulas(row.source, row.maths),
                flags=re.DOTALL,
            )
            assert "\\(" not in text, row.url


def test_formulas_are_known() -> None:
    rows = [row for row in sample_records() if row.page == "fermat-little.html"]
    assert Formula("a^p \\equiv a \\pmod{p}.", True) in sample_formulas(rows[0])
    assert formulas_in(r"\(a &lt; b\) and \[c\]") == [Formula("a < b", False), Formula("c", True)]


def test_a_configuration_holds_no_formulas() -> None:
    script = r"<script>MathJax = {tex: {inlineMath: [['\\(', '\\)']]}};</script>"
    assert formulas_in(script + r"\(a\)") == [Formula("a", False)]
    assert encode_formulas(script + r"\(a\)", "dollars") == script + "$a$"


def test_pages_are_in_the_charset_of_their_row(archive: bytes) -> None:
    rows = {(row.url, row.date): row for row in sample_records() if row.page}
    for record in read(archive):
        assert isinstance(record, WarcRecord)
        row = rows.get((record.target_uri, record.date))
        if row is None or record.record_type != "response":
            continue
        body = parse_http(record.data, record.block_start, record.block_end).body(1 << 24)
        assert "<" in bytes(body).decode(row.bytes_in)


@pytest.mark.parametrize("tex", [r"\frac{a", r"\unheardof x", r"\left( x", r"a }", r"\begin{x}a"])
def test_unknown_tex_is_refused(tex: str) -> None:
    with pytest.raises(UnknownTexError):
        mathml_of(tex, display=False)


def test_mathml_by_hand() -> None:
    assert mathml_of(r"\frac{1}{n}", display=False) == (
        "<mrow><mfrac><mrow><mn>1</mn></mrow><mrow><mi>n</mi></mrow></mfrac></mrow>"
    )
    assert mathml_of("x_1^23", display=False) == (
        "<mrow><msubsup><mi>x</mi><mn>1</mn><mn>2</mn></msubsup><mn>3</mn></mrow>"
    )
    limits = mathml_of(r"\sum_{k}^n", display=True)
    assert limits == (
        "<mrow><munderover><mo>∑</mo><mrow><mi>k</mi></mrow><mi>n</mi></munderover></mrow>"
    )


# -- The writer ------------------------------------------------------------------------------------

RECORDS: list[WarcResponse | WarcOther] = [
    warcinfo([("software", "test")], "test.warc.gz"),
    *(WarcResponse(f"https://writer.example/{n}", b"<p>%d</p>" % n * 40) for n in range(6)),
]


@pytest.mark.parametrize("container", ["gzip", "plain", "single-gzip"])
def test_containers_hold_the_same_records(container: Container, tmp_path: Path) -> None:
    path = tmp_path / "a.warc"
    write_warc(RECORDS, path, container=container)
    assert [r.target_uri for r in read(path.read_bytes()) if isinstance(r, WarcRecord)] == [
        entry.url for entry in RECORDS
    ]
    assert container != "gzip" or len(member_spans(path.read_bytes())) == len(RECORDS)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("encoding", ["", "gzip", "deflate", "br", "zstd"])
def test_bodies_come_back(encoding: str, chunked: bool) -> None:
    body = b"<p>" + bytes(range(32, 127)) * 300
    entry = WarcResponse(
        "https://writer.example/", body, content_encoding=encoding, chunked=chunked
    )
    assert parse_http(entry.message()).body(1 << 20) == body


def test_an_encoding_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="no encoder"):
        WarcResponse("https://writer.example/", b"x", content_encoding="exi").message()


def test_a_revisit_refers_to_its_original() -> None:
    original = WarcResponse("https://writer.example/1", b"<p>1</p>")
    later = revisit(original.url, original, "2023-04-01T00:00:00Z")
    first, second = WarcioIterator(io.BytesIO(archive_bytes([original, later])))
    assert second.rec_headers["WARC-Refers-To"] == first.rec_headers["WARC-Record-ID"]
    assert second.rec_headers["WARC-Payload-Digest"] == first.rec_headers["WARC-Payload-Digest"]


@pytest.mark.parametrize("member", range(len(RECORDS)))
def test_a_flipped_byte_damages_one_member(member: int) -> None:
    whole = archive_bytes(RECORDS)
    broken = flip_byte(whole, member)
    assert len(broken) == len(whole)
    assert sum(a != b for a, b in zip(whole, broken, strict=True)) == 1
    offset, length = member_spans(whole)[member]
    with pytest.raises(zlib.error):
        zlib.decompress(broken[offset : offset + length], zlib.MAX_WBITS | 16)


def test_a_cut_file_ends_inside_a_member() -> None:
    whole = archive_bytes(RECORDS)
    spans = member_spans(whole)
    cut = cut_inside(whole, 3)
    assert spans[3][0] < len(cut) < spans[3][0] + spans[3][1]
    assert whole.startswith(cut)
    assert len(cut_inside(whole, 3, at=0)) == spans[3][0] + 1
    assert len(cut_inside(whole, 3, at=1)) == spans[3][0] + spans[3][1] - 1


@pytest.mark.parametrize("member", [0, 2, len(RECORDS)])
def test_garbage_between_members(member: int) -> None:
    whole = archive_bytes(RECORDS)
    dirty = insert_before(whole, member, b"garbage\x1f\x8b")
    assert dirty.replace(b"garbage\x1f\x8b", b"") == whole
    assert re.search(rb"garbage", dirty)
