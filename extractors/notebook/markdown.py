"""A notebook's JSON to Markdown: formulas of its Markdown cells stay as they are."""

from __future__ import annotations

import functools
import json
import re
import warnings
from typing import Any, Literal, TypeAlias

import nbformat
from nbconvert.exporters import MarkdownExporter
from nbformat import NotebookNode

from extractors.notebook.media import (
    without_elements,
    without_pictures_published,
    without_tags,
)

# Both libraries are without annotations.
Notebook: TypeAlias = Any
_exporter_class: Any = MarkdownExporter
_read: Any = nbformat.reads
_node: Any = NotebookNode

__all__ = ["Edition", "NotebookBroken", "Outputs", "notebook_markdown"]

Edition = Literal["ours", "published"]
# What of a cell's outputs stays: texts, nothing, or what the original kept.
Outputs = Literal["text", "none", "published"]


class NotebookBroken(Exception):
    """What calls itself a notebook is none.

    Args:
        reason: A short stable code: ``not_json``, ``not_a_notebook``, ``conversion``.
        detail: What a person wants to know.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail)
        self.reason = reason


def notebook_markdown(source: str, edition: Edition = "ours", outputs: Outputs = "text") -> str:
    """Converts a notebook.

    Args:
        source: Its JSON.
        edition: ``published`` for the original's cleaning, ours for one that touches no code.
        outputs: What of cells' outputs stays.

    Raises:
        NotebookBroken: It can't be converted.
    """
    notebook = _parsed(source)
    try:
        if outputs == "published":
            _clear_published(notebook)
        else:
            _choose_outputs(notebook, keep=outputs == "text")
        if edition == "ours":
            _mend(notebook)
            _clean_markdown_cells(notebook)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body, _ = _exporter().from_notebook_node(notebook)
    except RecursionError as error:
        raise NotebookBroken("conversion", "nested too deep") from error
    except Exception as error:
        raise NotebookBroken("conversion", f"{type(error).__name__}: {error}"[:300]) from error
    if edition == "published":
        return _without_media_published(str(body))
    return _tidied(str(body))


@functools.cache
def _exporter() -> Any:
    return _exporter_class()


def _parsed(source: str) -> Notebook:
    try:
        plain = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise NotebookBroken("not_json", str(error)[:300]) from error
    if not isinstance(plain, dict) or not ({"cells", "worksheets"} & plain.keys()):
        raise NotebookBroken("not_a_notebook", "neither cells nor worksheets")
    try:
        with warnings.catch_warnings():
            # Missing cell ids and other things that the format has added since.
            warnings.simplefilter("ignore")
            notebook = _read(source, as_version=4)
    except Exception as error:
        raise NotebookBroken("not_a_notebook", f"{type(error).__name__}: {error}"[:300]) from error
    return notebook


# ---- the original's cleaning --------------------------------------------------------------------


def _clear_published(notebook: Notebook) -> None:
    """All outputs of a cell go when one of them has a PNG picture or is an exception."""
    for cell in notebook.cells:
        outputs = cell.get("outputs") or []
        if any(_has_picture(output) or _is_exception(output) for output in outputs):
            cell["outputs"] = []


def _has_picture(output: Any) -> bool:
    return (
        "output_type" in output
        and "data" in output
        and "image/png" in output["data"]
        and len(output["data"]["image/png"]) > 0
    )


def _is_exception(output: Any) -> bool:
    return "ename" in output and "traceback" in output


# Pictures in Markdown, pictures in HTML, then other media (process_stack.py at math-lm 9575d138).
_IMAGE_PUBLISHED = re.compile("<img")
_ELEMENT_PUBLISHED = re.compile("<(?:(?P<video>video)|(?P<script>script)|(?P<iframe>iframe))")
_CLOSING_PUBLISHED = {name: re.compile(f"</{name}>") for name in _ELEMENT_PUBLISHED.groupindex}


def _without_media_published(body: str) -> str:
    body = without_tags(without_pictures_published(body), _IMAGE_PUBLISHED)
    return without_elements(body, _ELEMENT_PUBLISHED, _CLOSING_PUBLISHED)


# ---- ours ---------------------------------------------------------------------------------------

# Outputs that are text: results and what was printed. Formulas come as text/latex.
_TEXTS = ("text/latex", "text/markdown", "text/plain")
# An output of more characters is a dump.
_OUTPUT_CHARS = 4000
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def _choose_outputs(notebook: Notebook, *, keep: bool) -> None:
    for cell in notebook.cells:
        if cell.get("cell_type") == "code":
            outputs = cell.get("outputs") or []
            cell["outputs"] = [o for o in map(_text_output, outputs) if o] if keep else []


def _text_output(output: Notebook) -> Notebook | None:
    """An output as text; None for pictures, HTML, exceptions and dumps."""
    kind = output.get("output_type")
    if kind == "stream" and output.get("name") != "stderr":
        text = _ESCAPES.sub("", _joined(output.get("text")))
        return _stream(text)
    if kind in ("execute_result", "display_data"):
        data = output.get("data") or {}
        if any(str(name).startswith(("image/", "video/", "audio/")) for name in data):
            return None
        for name in _TEXTS:
            text = _joined(data.get(name))
            if text and not _is_repr(text):
                return _display(name, text)
    return None


def _stream(text: str) -> Notebook | None:
    if not text.strip() or len(text) > _OUTPUT_CHARS:
        return None
    return _node(output_type="stream", name="stdout", text=text)


def _display(kind: str, text: str) -> Notebook | None:
    if not text.strip() or len(text) > _OUTPUT_CHARS:
        return None
    return _node(output_type="display_data", data={kind: text}, metadata={})


# What an object is called when it has nothing to say: <matplotlib.axes.Axes at 0x7f...>.
_REPR = re.compile(r"^\[?<[\w.]+(?: object)?(?: at 0x[0-9a-f]+|: )[^\n]*>?\]?$")


def _is_repr(text: str) -> bool:
    return _REPR.match(text.strip()) is not None


def _joined(value: Any) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value or "")


_PICTURE = re.compile(r"!\[([^\]\n]{0,2000})\]\((?:[^()\n]|\([^()\n]*\)){0,2000}\)")
_IMAGE = re.compile(r"<img\b", re.IGNORECASE)
# A picture that is written into its tag has up to so many characters.
_IMAGE_CHARS = 200_000
_ELEMENTS = ("video", "audio", "script", "style", "iframe", "object", "svg")
_ELEMENT = re.compile(
    rf"<(?:{'|'.join(f'(?P<{name}>{name})' for name in _ELEMENTS)})\b", re.IGNORECASE
)
_CLOSING = {name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in _ELEMENTS}


def _mend(notebook: Notebook) -> None:
    """What the format asks for since, and what no reader needs to have the text."""
    notebook.setdefault("nbformat_minor", 4)
    for cell in notebook.cells:
        cell.pop("id", None)


def _clean_markdown_cells(notebook: Notebook) -> None:
    """Takes pictures and scripts out of Markdown cells alone: in code they're what it is about."""
    for cell in notebook.cells:
        if cell.get("cell_type") != "markdown":
            continue
        cell["attachments"] = {}
        text = _joined(cell.get("source"))
        if "](" in text:
            text = _PICTURE.sub(r"\1", text)
        if "<" in text:
            text = without_tags(text, _IMAGE, _IMAGE_CHARS)
            text = without_elements(text, _ELEMENT, _CLOSING)
        cell["source"] = text


_BLANK_LINES = re.compile(r"\n{4,}")


def _tidied(body: str) -> str:
    return _BLANK_LINES.sub("\n\n\n", body).strip("\n") + "\n"
