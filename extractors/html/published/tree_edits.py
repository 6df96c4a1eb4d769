"""What the original removes from a page, or writes another way, before its text is taken.

Source: keirp/OpenWebMath @98f81d0, text_extraction/text_extract/tree_processing.py, as described in
the project's account of it (spec section 1.3 d), in that order.
"""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser, LexborNode

from extractors.html.published.marks import mark
from extractors.html.published.settings import Settings

__all__ = ["depth_of", "edit_tree"]

# Links of this share of a block's text make it a list of links.
_LINK_RATIO = 0.8
_BLOCKS = frozenset(("ul", "ol", "div", "span", "nav", "table", "p"))
_WIDEST_SPAN = 100


def edit_tree(tree: LexborHTMLParser, settings: Settings) -> None:
    """Edits the tree in place."""
    # Only the spelling without a space counts.
    _remove(tree, '[style*="display:none"]')
    _end_wikipedia(tree)
    _remove(tree, ".btn")
    _remove(tree, "button")
    _image_figures(tree)
    if settings.markdown_code:
        _code(tree)
    _headings(tree, settings)
    _dense_links(tree)
    _tables(tree)
    for node in tree.css("table.fw"):
        node.replace_with("-")


def depth_of(tree: LexborHTMLParser) -> int:
    """How deep the page's elements are nested."""
    deepest = depth = 0
    root = tree.root
    node = root.first_child if root is not None else None
    while node is not None:
        below = node.first_child
        if below is not None:
            depth += 1
            deepest = max(deepest, depth)
            node = below
            continue
        while node is not None and node.next is None:
            depth -= 1
            node = node.parent if depth >= 0 else None
        node = node.next if node is not None else None
    return deepest


def _remove(tree: LexborHTMLParser, selector: str) -> None:
    for node in tree.css(selector):
        if node.parent is not None:
            node.decompose()


def _end_wikipedia(tree: LexborHTMLParser) -> None:
    links = tree.css_first("#External_links")
    if links is not None and links.parent is not None:
        following = links.parent.next
        while following is not None:
            after = following.next
            following.decompose()
            following = after
        links.decompose()
    _remove(tree, ".mw-editsection")


def _image_figures(tree: LexborHTMLParser) -> None:
    """The nearest ancestor of an image whose class is exactly "figure"."""
    for image in tree.css("img"):
        node: LexborNode | None = image
        while node is not None:
            if (node.attributes or {}).get("class") == "figure":
                node.decompose()
                break
            node = node.parent


def _code(tree: LexborHTMLParser) -> None:
    for selector in (".wp_syntax", "code", ".code_responsive", "pre"):
        for node in tree.css(selector):
            text = node.text() or ""
            if text:
                fence = "```" if "\n" in text else "`"
                node.inner_html = _escaped(mark(f"{fence}{text}{fence}", "code"))


def _headings(tree: LexborHTMLParser, settings: Settings) -> None:
    for level in range(1, 7):
        for node in tree.css(f"h{level}"):
            text = (node.text() or "").strip()
            if not text:
                if node.parent is not None:
                    node.decompose()
                continue
            sign = "#" * level + " " if settings.markdown_headings else ""
            node.inner_html = _escaped(mark(f"{sign}{text}\n\n", f"h{level}"))


def _dense_links(tree: LexborHTMLParser) -> None:
    _remove(tree, "nav")
    body = tree.body
    if body is None:
        return
    for node in _dense_blocks(body):
        if node.parent is not None:
            node.decompose()


def _dense_blocks(body: LexborNode) -> list[LexborNode]:
    """Blocks of two or more children whose text is nearly all in links.

    One walk that adds lengths up from the leaves: asking each block for its text is quadratic in
    the depth of the page, and pages of 20,000 nested blocks exist.
    """
    dense = []
    # One frame for each open element: the element, its length of text, of that in links, children.
    stack: list[tuple[LexborNode, list[int]]] = [(body, [0, 0, 0])]
    node = body.first_child
    while stack:
        if node is None:
            element, (total, linked, children) = stack.pop()
            if not stack:
                break
            tag = element.tag
            if tag in _BLOCKS and children > 1 and total and linked / total > _LINK_RATIO:
                dense.append(element)
            above = stack[-1][1]
            above[0] += total
            above[1] += total if tag == "a" else linked
            node = element.next
            continue
        stack[-1][1][2] += 1
        if node.tag == "-text":
            stack[-1][1][0] += len((node.text_content or "").strip())
            node = node.next
        elif node.first_child is None:
            node = node.next
        else:
            stack.append((node, [0, 0, 0]))
            node = node.first_child
    return dense


def _tables(tree: LexborHTMLParser) -> None:
    """Tables without inner tables or headings as columns of text."""
    for table in tree.css("table"):
        if table.css_first("table table, h1, h2, h3, h4, h5, h6") is not None or any(
            inner != table for inner in table.css("table")
        ):
            continue
        rows = [row for row in map(_cells, table.css("tr")) if row]
        if not rows:
            continue
        width = max(map(len, rows))
        rows = [row + [""] * (width - len(row)) for row in rows]
        filled = [column for column in range(width) if any(row[column] for row in rows)]
        headers = [(th.text() or "").strip() for th in table.css("th")]
        lines = [[row[column] for column in filled] for row in rows]
        text = _columns([headers, *lines] if any(headers) else lines)
        if text:
            table.inner_html = _escaped(mark(text, "table"))
        elif table.parent is not None:
            table.decompose()


def _cells(row: LexborNode) -> list[str]:
    cells: list[str] = []
    for cell in row.css("td"):
        for script in cell.css("script"):
            script.decompose()
        cells.append(" ".join((cell.text() or "").split()))
        span = (cell.attributes or {}).get("colspan") or "1"
        if span.isdigit() and int(span) <= _WIDEST_SPAN:
            cells += [""] * (int(span) - 1)
    return cells


def _columns(rows: list[list[str]]) -> str:
    """Rows as aligned columns, two spaces between, as tabulate's format "plain" writes them."""
    count = max((len(row) for row in rows), default=0)
    widths = [max((len(row[i]) for row in rows if i < len(row)), default=0) for i in range(count)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    )
    return "\n".join(line for line in lines if line)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
