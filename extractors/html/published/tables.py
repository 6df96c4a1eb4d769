"""Tables as text.

Source: keirp/OpenWebMath @98f81d0, text_extraction/text_extract/tree_processing.py, with the
settings of extract_from_cc/configs/randomized_all.yaml (spec section 1.3 d): format "plain", for
tables of any size. The columns are set by tabulate, as they were: it reads cells as numbers and
writes them its own way, so that 1.50 above 2.25 becomes 1.5. The extraction then joins the lines.
"""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser, LexborNode
from tabulate import tabulate

from extractors.html.published.marks import mark

__all__ = ["write_tables"]

_WIDEST_SPAN = 100
_SIMPLE = "table:not(:has(table, h1, h2, h3, h4, h5, h6))"


def write_tables(tree: LexborHTMLParser) -> None:
    """Replaces the contents of tables that hold no other table and no heading by text.

    Tables whose first row has no plain cell, above all those with a row of headers, stay as they
    are: the extraction writes them its own way.
    """
    for table in tree.css(_SIMPLE):
        headers = [cell.text() for cell in table.css("th")]
        rows = [_cells(row) for row in table.css("tr")]
        if not rows or not rows[0]:
            continue
        width = max(map(len, rows))
        rows = [[cell.strip() for cell in row] + [""] * (width - len(row)) for row in rows]
        filled = [column for column in range(width) if any(row[column] for row in rows)]
        if not filled:
            if table.parent is not None:
                table.replace_with("")
            continue
        cells = [[row[column].replace("\n", " ") for column in filled] for row in rows]
        text = tabulate(cells, tablefmt="plain", headers=headers or [""] * len(filled))
        # The text is parsed as HTML, as the original does it: a cell "a<b" ends the table's text.
        table.inner_html = mark(text, "table")
        # In a cell: text directly in a table would be moved out of it when the page is parsed anew.
        table.inner_html = f"<tbody><tr><td>{table.inner_html}</td></tr></tbody>"


def _cells(row: LexborNode) -> list[str]:
    cells: list[str] = []
    for cell in row.css("td"):
        for script in cell.css("script"):
            script.replace_with("")
        cells.append(cell.text())
        try:
            span = int(cell.attributes.get("colspan") or 1)
        except ValueError:
            continue
        if span <= _WIDEST_SPAN:
            cells += [""] * (span - 1)
    return cells
