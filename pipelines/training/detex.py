r"""LaTeX sources as plain text with formulas, good enough to train on.

What is dropped: comments, the preamble, keys of labels and references, what figures and listings
hold. Formulas stay between their delimiters, which ``filters.normalisation`` knows.
"""

from __future__ import annotations

import re

__all__ = ["detex"]

_COMMENT = re.compile(r"(?<!\\)%.*")
_NO_PROSE = re.compile(
    r"\\begin\{(figure|table|tabular|tikzpicture|pspicture|asy|verbatim|lstlisting|minted"
    r"|thebibliography|comment|filecontents)\*?\}.*?\\end\{\1\*?\}",
    re.DOTALL,
)
# Commands whose braces hold keys, lengths or file names and no words.
_KEYS = re.compile(
    r"\\(?:label|ref|eqref|cref|Cref|autoref|pageref|cite[a-z]*|nocite|input|include|includegraphics"
    r"|usepackage|documentclass|bibliography|bibliographystyle|newcommand|renewcommand|def|vspace"
    r"|hspace|index|begin|end|PMlinkname|PMlinkescapeword|pmcanonicalname|pmcreated|pmmodified"
    r"|pmowner|pmmodifier|pmauthor|pmtype|pmclassification|pmrelated|olfileid|olpath|iftag|tagitem"
    r"|DeclareMathOperator|newtheorem|setcounter|addtocounter|href|url|pagestyle|thispagestyle)"
    r"\*?\s*(?:\[[^\]\n]*\])?(?:\{[^{}]*\})?(?:\[[^\]\n]*\])?"
)
_MATH_ENVIRONMENT = re.compile(
    r"\\begin\{(equation|align|gather|multline|eqnarray|displaymath|math|flalign|alignat|xy"
    r"|CD|tikzcd)(\*?)\}.*?\\end\{\1\2\}",
    re.DOTALL,
)
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")


def detex(source: str) -> str:
    """The words and formulas of a LaTeX source; paragraphs end with an empty line."""
    start = source.find("\\begin{document}")
    end = source.rfind("\\end{document}")
    body = source[start + 16 if start >= 0 else 0 : end if end >= 0 else None]
    body = _COMMENT.sub("", body)
    body = _NO_PROSE.sub("\n\n", body)
    body = _MATH_ENVIRONMENT.sub(_as_display, body)
    body = _KEYS.sub("", body).replace("~", " ").replace("``", '"').replace("''", '"')
    return "\n\n".join(p.strip() for p in _PARAGRAPH.split(body) if p.strip())


def _as_display(match: re.Match[str]) -> str:
    inner = match[0].replace("$", "")
    return f"$${inner}$$"
