"""Jupyter notebooks to Markdown.

nbformat reads every version of the format and nbconvert writes Markdown, as in the original; what
is done to outputs before and to pictures after is an edition's choice (spec section 1.3).
"""

from extractors.notebook.markdown import NotebookBroken, notebook_markdown

__all__ = ["NotebookBroken", "notebook_markdown"]
