"""HTML to text that keeps the mathematics: this project's edition.

:func:`extract_html` is a pure function of its arguments. In order: bytes become text, text a tree;
formulas become placeholders in the tree, those that markup shows first, then those between
delimiters in text; the main content is chosen and written; placeholders become ``$..$`` and
``$$..$$``. A formula that stands in the page twice, once drawn and once as source, is one formula.
"""

from __future__ import annotations

from extractors.extraction import Extraction
from extractors.html.decode import decode_html
from extractors.html.delimiters import Delimiters, Scanner, page_delimiters
from extractors.html.distill import set_footnotes_apart
from extractors.html.encodings import open_web_math_info
from extractors.html.errors import ExtractionError, PageTooLargeError, UnparsablePageError
from extractors.html.formulas import Formulas, unshielded, without_forgeries
from extractors.html.forums import set_quotations_right
from extractors.html.latexml import join_latexml_equations, place_latexml_notes
from extractors.html.macros import (
    Macro,
    expand_macros,
    macros_are_elsewhere,
    page_macros,
    without_definitions,
    without_stray_definitions,
)
from extractors.html.main_content import main_content
from extractors.html.page_formulas import (
    close_open_mathml,
    delimited_in_text,
    take_delimited,
    take_marked,
)
from extractors.html.serialize import Code, serialize, tidy
from extractors.html.tree import Tree, parse_tree

__all__ = [
    "ExtractionError",
    "PageTooLargeError",
    "UnparsablePageError",
    "decode_html",
    "extract_html",
]

_MAX_BYTES = 64 * 1024 * 1024
"""Larger pages are refused; crawls cut theirs at a megabyte or five."""


def extract_html(raw: bytes, *, http_charset: str = "", url: str = "") -> Extraction:
    """Extracts a page's text and formulas.

    Args:
        raw: The page's bytes.
        http_charset: The charset of the HTTP Content-Type header.
        url: The page's address. Part of the interface of extractors; no rule depends on it.

    Raises:
        ExtractionError: The page can't be turned into text.
    """
    if len(raw) > _MAX_BYTES:
        raise PageTooLargeError(f"{len(raw)} bytes, the limit is {_MAX_BYTES}")
    page, encoding = decode_html(raw, http_charset)
    page = without_forgeries(page)
    delimiters = page_delimiters(page)
    macros = page_macros(page)
    method = "main"
    title, text, formulas, untagged = _read(page, delimiters, macros, whole=False)
    if not text and page.strip():
        method = "full"
        title, text, formulas, untagged = _read(page, delimiters, macros, whole=True)
        text = text or title
    if untagged:
        method = "untagged"
    found = formulas.found()
    info = open_web_math_info(found)
    if found and macros_are_elsewhere(page):
        info["macros_elsewhere"] = True
    return Extraction(
        text=text,
        title=title,
        formulas_found=found,
        formulas_kept=formulas.kept(),
        method=method,
        encoding=encoding,
        info=info,
    )


def _read(
    page: str, delimiters: Delimiters, macros: dict[str, Macro], *, whole: bool
) -> tuple[str, str, Formulas, bool]:
    """Title, text and formulas of the page's main content, or of the whole page; and whether the
    tags had to be taken out."""
    tree = parse_tree(page)
    try:
        return *_read_tree(tree, page, delimiters, macros, whole=whole), tree.untagged
    finally:
        tree.dissolve()


def _read_tree(
    tree: Tree, page: str, delimiters: Delimiters, macros: dict[str, Macro], *, whole: bool
) -> tuple[str, str, Formulas]:
    scanner = Scanner(delimiters)
    title = _title(tree, scanner)
    formulas = Formulas()
    if "ltx_" in page:
        join_latexml_equations(tree.root, formulas)
        place_latexml_notes(tree.root)
        tree.renumber()
    if "<d-footnote" in page or "<dt-fn" in page:
        set_footnotes_apart(tree.root)
    if "bbcode_quote" in page or "postcontent" in page:
        set_quotations_right(tree.root)
    close_open_mathml(tree)
    take_marked(tree, formulas, tex_page=delimiters.renderer)
    take_delimited(tree, formulas, scanner)
    root = tree.root if whole else main_content(tree)
    code = Code()
    text = serialize(root, formulas, code)
    text = delimited_in_text(text, formulas, Scanner(delimiters.common()))
    if macros:
        formulas.rewrite(lambda tex: expand_macros(without_definitions(tex), macros))
        text = formulas.without_blank(text)
    text = tidy(without_stray_definitions(unshielded(text)))
    return title, formulas.write(code.write(text)), formulas


def _title(tree: Tree, scanner: Scanner) -> str:
    """The page's title, taken out of the tree."""
    titles = [element for element in tree.root.elements() if element.tag == "title"]
    title = " ".join(titles[0].text().split()) if titles else ""
    for element in titles:
        tree.remove(element)
    formulas = Formulas()
    title = delimited_in_text(title, formulas, scanner)
    return formulas.write(tidy(title))
