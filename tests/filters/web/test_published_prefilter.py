r"""OpenWebMath's prefilter: keywords, commands as substrings, MathScore where the code asks."""

from __future__ import annotations

import pytest

from filters.web.published_prefilter import PublishedPrefilter
from schemas import Decision, Document

PROSE = (
    b"<p>The quick brown fox jumps over the lazy dog and goes home to sleep until the morning.</p>"
)


def judge(raw: bytes) -> Decision:
    return PublishedPrefilter().judge(Document("0", raw=raw))


@pytest.mark.parametrize(
    "raw",
    [b"MathJax", b"<math>", b"math-container", b"katex.min.css", b"latex.php", b"codecogs", b"tex.cgi",
     b'class="tex"', b"class='tex'"],
)  # fmt: skip
def test_keywords(raw: bytes) -> None:
    assert judge(b"<html>" + raw).reason == "keyword"


def test_dots_of_keywords_match_anything_and_case_matters() -> None:
    assert judge(b"tex-cgi").keeps
    assert not judge(b"KATEX.MIN.CSS").keeps


def test_commands_are_substrings_of_the_text() -> None:
    windows = judge(
        b"<html><body><main>" + PROSE * 3 + PROSE.replace(b"home", rb"C:\Users\intel\bin")
    )
    assert windows.keeps and windows.detail in (r"\in", r"\int")
    in_script = judge(rb"<html><script>'\alpha'</script><body>" + PROSE + b"</body></html>")
    assert not in_script.keeps, "what no reader sees doesn't count"


def test_mathscore_is_asked_only_of_pages_with_a_backslash_command() -> None:
    long = PROSE * 12
    assert judge(b"<body>" + long).score is None
    assert judge(rb"<body><p>\zzz</p>" + long).score is not None


def test_templates_are_opened_and_other_encodings_read_as_windows_1252() -> None:
    inside = judge(b"<body><template>" + PROSE * 3 + rb"<p>Take \alpha as given.</p></template>")
    assert inside.reason == "command"
    assert judge("<body><p>Пусть \\beta дано здесь.</p>".encode("cp1251") + PROSE).keeps


def test_a_page_without_backslash_commands_is_dropped_on_its_bytes() -> None:
    decision = judge(b"<p>no mathematics at all \\ \\X \\a</p>" * 10_000)
    assert (decision.keeps, decision.reason) == (False, "no_math")
