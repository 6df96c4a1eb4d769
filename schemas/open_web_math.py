"""OpenWebMath's own columns as a view of our documents.

Source of the layout: the dataset card of open-web-math/open-web-math (columns ``url``, ``text``,
``date``, ``metadata``; the last a JSON string with ``extraction_info``, ``config`` and
``warc_path``). The counters of ``extraction_info`` are the original's 22; they count formulas for
our edition, and for the published edition what the original counted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pyarrow as pa

__all__ = ["COUNTERS", "OPEN_WEB_MATH", "open_web_math_view"]

OPEN_WEB_MATH = pa.schema(
    [
        pa.field("url", pa.string()),
        pa.field("text", pa.large_string()),
        pa.field("date", pa.string()),
        pa.field("metadata", pa.string()),
    ]
)

# The original's counters, in its order.
COUNTERS = (
    "script_math_tex",
    "script_math_asciimath",
    "math_annotations",
    "math_alttext",
    "mathml",
    "mathjax_tag",
    "mathjax_inline_tex",
    "mathjax_display_tex",
    "mathjax_asciimath",
    "img_math",
    "codecogs_latex",
    "wp_latex",
    "mimetex.cgi",
    "/images/math/codecogs",
    "mathtex.cgi",
    "katex",
    "math-container",
    "wp-katex-eq",
    "align",
    "equation",
    "x-ck12",
    "texerror",
)


def open_web_math_view(documents: pa.Table) -> pa.Table:
    """A table with OpenWebMath's four columns, one row a document.

    Args:
        documents: A table of schema ``documents``.
    """
    needed = ("extraction_info", "extraction_config", "formulas_kept", "scores", "warc_file")
    columns = {name: documents.column(name).to_pylist() for name in needed}
    metadata = [_metadata(*row) for row in zip(*(columns[name] for name in needed), strict=True)]
    return pa.Table.from_arrays(
        [
            documents.column("url"),
            documents.column("text"),
            pa.array([_date(date) for date in documents.column("date").to_pylist()], pa.string()),
            pa.array(metadata, pa.string()),
        ],
        schema=OPEN_WEB_MATH,
    )


def _metadata(
    info: str,
    config: str,
    formulas: list[tuple[str, int]],
    scores: list[tuple[str, float]],
    warc_file: str,
) -> str:
    counted = json.loads(info) if info else {}
    measured = dict(scores)
    extraction: dict[str, object] = {
        "found_math": bool(counted.get("found_math", any(count for _, count in formulas))),
        **{name: int(counted.get(name, 0)) for name in COUNTERS},
    }
    for name in ("math_score", "perplexity"):
        if name in measured:
            extraction[name] = measured[name]
    content: Mapping[str, object] = {
        "extraction_info": extraction,
        "config": json.loads(config) if config else {},
        "warc_path": warc_file,
    }
    return json.dumps(content, ensure_ascii=False)


def _date(date: str) -> str:
    """``2023-01-31T10:20:30Z`` as the original writes it, ``2023-01-31 10:20:30``."""
    return date.rstrip("Z").replace("T", " ")
