r"""HTML to text as OpenWebMath did it, its defects included.

The order is the original's (spec section 1.3): formulas that markup shows, edits of the tree, the
main text by Resiliparse, formulas between delimiters, filters on lines.

What is otherwise than in the original, and why:

- The original ran Resiliparse 0.14 to 1.1 and edited its tree in place; here Resiliparse 2.0 takes
  the text of a tree that was edited with the same parser and written out once. Its main-content
  detection differs, and it sets cells of tables apart by tabs, where 1.1 let them run together. Of
  1,625 real pages, 74 % have the original's text to the byte and 99 % of all words are the same;
  with Resiliparse 1.1 in the place of 2.0, 99.4 % of the pages have. All counters are equal on all
  pages.
- What isn't followed of MathML and AsciiMath is named in ``mathml`` and ``asciimath``.
- Lines that define several macros are dropped here, and not after the models have judged.
- A page on which the original raised an error by a malformed delimiter is extracted without it.
- Pages too deep for Resiliparse are refused, see ``TooDeep``.

Where a page has content and Resiliparse finds none, the text is empty, as it was (defect 12).
"""

from __future__ import annotations

import functools
import re
from importlib import resources

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str
from resiliparse.parse.html import HTMLTree
from selectolax.lexbor import LexborHTMLParser

from extractors.extraction import Extraction
from extractors.html.published.counts import Counts
from extractors.html.published.delimiters import page_delimiters, replace_delimited
from extractors.html.published.depth import depth_of
from extractors.html.published.errors import TooDeep, TooManyLinks
from extractors.html.published.formulas import replace_formulas
from extractors.html.published.lines import (
    drop_boilerplate,
    drop_chinese_lines,
    drop_empty_headings,
    drop_newcommand_lines,
    write_heading_signs,
)
from extractors.html.published.marks import with_dollars, without_marks
from extractors.html.published.selectors import any_case
from extractors.html.published.settings import settings_for
from extractors.html.published.tree_edits import edit_tree

__all__ = ["TooDeep", "TooManyLinks", "drop_newcommand_lines", "extract_published"]

_MOST_LINKS = 3000
# Resiliparse needs a quarter of a second for 2,000 nested elements and 23 s for 20,000 (measured).
_DEEPEST = 2000
# Tags that the original renames before parsing, any case; the end of a frameset only without space.
_RENAMED = re.compile(r"<(/?)template|<()frameset|<(/)frameset(?=>)", re.IGNORECASE)
_EDIT = re.compile(r"\[[eE]dit\]")
_BLANK_LINES = re.compile(r"\n{3,}")


def extract_published(
    raw: bytes, *, http_charset: str = "", url: str = "", sample_key: str | None = None
) -> Extraction:
    """The text of a page as the published pipeline extracted it.

    Args:
        raw: The page's bytes.
        http_charset: Not used: the original asked no header.
        url: Not used.
        sample_key: What the page's settings are drawn from; None for the most probable ones.

    Returns:
        The extraction; ``info`` has the original's counters, ``config`` the settings.

    Raises:
        TooManyLinks: More than 3,000 links; the original skips such pages.
        TooDeep: More than 2,000 nested elements.
    """
    settings = settings_for(sample_key)
    page, encoding = _decoded(raw)
    page = _RENAMED.sub(lambda tag: f"<{tag[1] or tag[3] or ''}div", page)
    page = page.replace("&lt;math&gt;", "[itex]").replace("&lt;/math&gt;", "[/itex]")
    tree = LexborHTMLParser(page)
    if len(tree.css("a")) > _MOST_LINKS:
        raise TooManyLinks(f"more than {_MOST_LINKS} links")
    if depth_of(tree) > _DEEPEST:
        raise TooDeep(f"nested deeper than {_DEEPEST} elements")
    title = tree.css_first("title")
    name = " ".join(title.text().split()) if title is not None else ""
    delimiters = page_delimiters(tree.html or "")
    counts = Counts()
    replace_formulas(tree, counts)
    edit_tree(tree, settings)
    text: str = extract_plain_text(
        HTMLTree.parse(tree.html or ""),
        main_content=True,
        alt_texts=False,
        skip_elements=_skipped(),
    )
    if delimiters is not None:
        text = replace_delimited(text, delimiters, counts)
    lines = drop_chinese_lines(write_heading_signs(text).split("\n"))
    if settings.boilerplate:
        lines = drop_boilerplate(lines, settings)
    # Stripped lines: the indentation of code is gone (defect 8).
    lines = [line.strip() for line in drop_empty_headings(lines)]
    text = "\n".join(lines)
    kept = counts.kept(drop_newcommand_lines(text))
    # Dollar signs of the page are escaped before formulas get theirs.
    text = with_dollars(text.replace("$", "\\$"))
    # Empty lines are collapsed before the tags go, so that lines of nothing but tags leave more.
    text = without_marks(_BLANK_LINES.sub("\n\n", _EDIT.sub("", text))).strip()
    return Extraction(
        drop_newcommand_lines(text),
        title=name,
        formulas_found=counts.found,
        formulas_kept=kept,
        method="main",
        encoding=encoding,
        info=counts.info,
        config=settings.to_json(),
    )


def _decoded(raw: bytes) -> tuple[str, str]:
    """The page as UTF-8, else as Windows-1252.

    The original would ask Resiliparse for another encoding when UTF-8 fails, but the call that
    should fail falls back to Windows-1252 by itself, so that it never asks: pages in any other
    encoding came in as mojibake (known from running it; not in the spec's list).
    """
    page: str = bytes_to_str(raw, "utf-8")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return page, "cp1252"
    return page, "utf-8"


@functools.cache
def _skipped() -> list[str]:
    folder = resources.files("extractors.html.published")
    text = folder.joinpath("skipped_selectors.txt").read_text("utf-8")
    # A selector may begin with "#"; comments are followed by a space.
    return [any_case(row) for row in text.split("\n") if row and not row.startswith("# ")]
