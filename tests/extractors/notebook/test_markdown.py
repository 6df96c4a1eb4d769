"""Notebooks to Markdown, in both editions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractors.notebook import NotebookBroken, notebook_markdown

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def markdown_cell(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def code_cell(text: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": {},
        "outputs": list(outputs),
        "source": text,
    }


def notebook(*cells: dict[str, Any], **fields: Any) -> str:
    return json.dumps(
        {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4, **fields}
    )


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def display(**data: str) -> dict[str, Any]:
    named = {kind.replace("__", "/"): value for kind, value in data.items()}
    return {"output_type": "display_data", "metadata": {}, "data": named}


FORMULA = "\\begin{align*}\n  a_{*b} &= c_*d \\\\\n  <x, y> &\\in V\n\\end{align*}"


@pytest.mark.parametrize("edition", ["ours", "published"])
def test_formulas_of_markdown_cells_stay_verbatim(edition: Any) -> None:
    source = notebook(markdown_cell(f"Let $x_1 * y_2$ and\n\n{FORMULA}\n\n$$\\|x\\| < \\alpha$$"))
    text = notebook_markdown(source, edition, "text")
    assert FORMULA in text
    assert "$x_1 * y_2$" in text
    assert "$$\\|x\\| < \\alpha$$" in text


def test_published_clears_all_outputs_of_a_cell_with_a_picture_or_an_exception() -> None:
    error = {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["trace"]}
    source = notebook(
        code_cell("a", stream("first"), display(image__png=PNG)),
        code_cell("b", stream("second"), error),
        code_cell("c", stream("third"), display(image__png="")),
        code_cell("d", stream("fourth", "stderr")),
    )
    text = notebook_markdown(source, "published", "published")
    assert "first" not in text
    assert "second" not in text
    assert "third" in text
    assert "fourth" in text


def test_published_cleans_code_too() -> None:
    source = notebook(
        code_cell("page = '<img src=\"x\">' + '![a](b)'\nscript = '<script>1</script>'")
    )
    text = notebook_markdown(source, "published", "published")
    assert "<img" not in text
    assert "![a]" not in text
    assert "<script>" not in text


def test_published_keeps_what_follows_a_titled_picture() -> None:
    text = notebook_markdown(notebook(markdown_cell('![a](b "c") d')), "published", "published")
    assert text.strip() == "d"


def test_ours_cleans_markdown_cells_alone() -> None:
    source = notebook(
        markdown_cell('![the rod](data:image/png;base64,AAAA) and <img src="x"> here'),
        code_cell("page = '<img src=\"x\">'"),
    )
    text = notebook_markdown(source)
    assert "the rod and  here" in text
    assert "base64" not in text
    assert "page = '<img src=\"x\">'" in text


def test_ours_keeps_texts_of_outputs() -> None:
    source = notebook(
        code_cell("a", stream("printed"), display(image__png=PNG, text__plain="<Figure>")),
        code_cell("b", display(text__plain="x**2", text__latex="$\\displaystyle x^{2}$")),
        code_cell("c", stream("warned", "stderr"), stream("x" * 5000)),
        code_cell("d", display(text__plain="<matplotlib.axes.Axes at 0x7f12>")),
    )
    text = notebook_markdown(source)
    assert "printed" in text
    assert "$\\displaystyle x^{2}$" in text
    assert "Figure" not in text
    assert "warned" not in text
    assert "xxxxx" not in text
    assert "Axes" not in text
    assert "printed" not in notebook_markdown(source, outputs="none")


def test_old_formats_are_read() -> None:
    old = {
        "metadata": {"name": "n"},
        "nbformat": 3,
        "nbformat_minor": 0,
        "worksheets": [{"cells": [markdown_cell("words $x$"), {
            "cell_type": "code", "collapsed": False, "input": "1 + 1", "language": "python",
            "metadata": {}, "outputs": [], "prompt_number": 1}], "metadata": {}}],
    }  # fmt: skip
    text = notebook_markdown(json.dumps(old))
    assert "words $x$" in text
    assert "1 + 1" in text


def test_ours_mends_what_hides_no_text() -> None:
    cell = {**markdown_cell("words"), "id": "no good id!"}
    assert "words" in notebook_markdown(notebook(cell, nbformat_minor=5))
    with pytest.raises(NotebookBroken):
        notebook_markdown(notebook(cell, nbformat_minor=5), "published", "published")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("", "not_json"),
        ("{", "not_json"),
        ("[" * 100_000, "not_json"),
        ("[]", "not_a_notebook"),
        ("{}", "not_a_notebook"),
        ('{"cells": 3, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}', "conversion"),
        ('{"cells": [], "metadata": {}, "nbformat": 99, "nbformat_minor": 4}', "not_a_notebook"),
        ('{"cells": [{"cell_type": "code"}], "nbformat": 4, "nbformat_minor": 4}', "conversion"),
    ],
)
@pytest.mark.parametrize("edition", ["ours", "published"])
def test_broken_notebooks(source: str, reason: str, edition: Any) -> None:
    outputs: Any = "text" if edition == "ours" else "published"
    with pytest.raises(NotebookBroken) as broken:
        notebook_markdown(source, edition, outputs)
    assert broken.value.reason in (reason, "not_a_notebook", "conversion")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)


_KEYS = st.sampled_from(["cell_type", "source", "outputs", "metadata"])


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=50)
@given(st.lists(st.dictionaries(_KEYS, _JSON, max_size=4), max_size=3))
def test_nothing_but_a_notebook_or_a_reason_comes_out(cells: list[Any]) -> None:
    source = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    try:
        assert isinstance(notebook_markdown(source), str)
    except NotebookBroken as error:
        assert error.reason
