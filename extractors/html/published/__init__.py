r"""HTML to text as OpenWebMath did it, its defects included.

The order is the original's (spec section 1.3): formulas that markup shows, edits of the tree, the
main text by Resiliparse, formulas between delimiters, filters on lines. The original ran
Resiliparse 0.14 to 1.1; this edition runs 2.0, whose main-content detection differs on some pages.
Where a page has content and Resiliparse finds none, the text is empty, as it was (defect 12).
"""

from __future__ import annotations

import functools
import re
from importlib import resources

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str, detect_encoding
from resiliparse.parse.html import HTMLTree
from selectolax.lexbor import LexborHTMLParser

from extractors.extraction import Extraction
from extractors.html.published.errors import TooDeep, TooManyLinks
from extractors.html.published.formulas import (
    Counts,
    page_delimiters,
    replace_delimited,
    replace_formulas,
)
from extractors.html.published.lines import (
    drop_boilerplate,
    drop_chinese_lines,
    drop_empty_headings,
    drop_newcommand_lines,
)
from extractors.html.published.marks import DOLLAR, without_marks, without_private_use
from extractors.html.published.settings import settings_for
from extractors.html.published.tree_edits import depth_of, edit_tree

__all__ = ["TooDeep", "TooManyLinks", "drop_newcommand_lines", "extract_published"]

_MOST_LINKS = 3000
# Resiliparse needs a quarter of a second for 2,000 nested elements and 23 s for 20,000 (measured).
_DEEPEST = 2000
# Tags that the original renames before parsing, any case.
_RENAMED = re.compile(r"(</?)(?:template|frameset)\b", re.IGNORECASE)
_EDIT = re.compile(r"\[[eE]dit\]")
# A whole command: the original's page-level test asks for these, unlike its prefilter.
_COMMAND = re.compile(
    r"\\(?:end|begin|ref|frac|label|bf|right|left|rm|alpha|mu|def|it|pi|sigma|sum|lambda|beta|nu"
    r"|partial|int|delta|rho|phi|gamma|omega|over|nonumber|bar|sqrt|theta|tau|em|rangle|hat|tilde"
    r"|cal|hline|item|psi|vec|langle|epsilon|eta|cdot|in|xi|infty|quad|mathcal|times|emph|mathbf"
    r"|prime|be|mathrm|ee|vspace|pm|chi|ell|text|qquad|noindent|to|varphi|hspace|leq|cos|eqref"
    r"|overline|sin|kappa|hbox|rightarrow|varepsilon|textit|dagger|big|otimes|equiv|zeta|dot|ln)"
    r"(?![a-zA-Z])"
)


def extract_published(
    raw: bytes, *, http_charset: str = "", url: str = "", sample_key: str | None = None
) -> Extraction:
    """The text of a page as the published pipeline extracted it.

    Args:
        raw: The page's bytes.
        http_charset: Not used: the original read UTF-8, else what it detected.
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
    page = _RENAMED.sub(r"\1div", without_private_use(page))
    page = page.replace("&lt;math&gt;", "[itex]").replace("&lt;/math&gt;", "[/itex]")
    tree = LexborHTMLParser(page)
    if len(tree.css("a")) > _MOST_LINKS or len(tree.css("span a")) > _MOST_LINKS:
        raise TooManyLinks(f"more than {_MOST_LINKS} links")
    if depth_of(tree) > _DEEPEST:
        raise TooDeep(f"nested deeper than {_DEEPEST} elements")
    title = tree.css_first("title")
    name = " ".join((title.text() or "").split()) if title is not None else ""
    delimiters = page_delimiters(tree.html or "", _COMMAND)
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
    lines = drop_chinese_lines(text.split("\n"))
    if settings.boilerplate:
        lines = drop_boilerplate(lines, settings)
    # Stripped lines: the indentation of code is gone (defect 8).
    lines = [line.strip() for line in drop_empty_headings(lines)]
    text = "\n".join(lines).replace("$", "\\$").replace(DOLLAR, "$")
    text = re.sub(r"\n{3,}", "\n\n", _EDIT.sub("", text))
    return Extraction(
        drop_newcommand_lines(without_marks(text)).strip(),
        title=name,
        formulas_found=counts.found,
        formulas_kept=counts.kept,
        method="main",
        encoding=encoding,
        info=counts.info,
        config=settings.to_json(),
    )


def _decoded(raw: bytes) -> tuple[str, str]:
    try:
        return raw.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        encoding = detect_encoding(raw) or "utf-8"
        return bytes_to_str(raw, encoding), encoding


@functools.cache
def _skipped() -> list[str]:
    folder = resources.files("extractors.html.published")
    text = folder.joinpath("skipped_selectors.txt").read_text("utf-8")
    # A selector may begin with "#"; comments are followed by a space.
    return [row for row in text.split("\n") if row and not row.startswith("# ")]
