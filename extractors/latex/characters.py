r"""Characters that LaTeX writes as commands: accents, letters, signs, dashes and quotes."""

from __future__ import annotations

import unicodedata

__all__ = ["ACCENTS", "LETTERS", "LIGATURES", "accented"]

# Accent commands and the combining characters that they put on a letter (LaTeX2e, OT1 and T1).
ACCENTS = {
    "`": "\u0300",
    "'": "\u0301",
    "^": "\u0302",
    "~": "\u0303",
    "=": "\u0304",
    "u": "\u0306",
    ".": "\u0307",
    '"': "\u0308",
    "r": "\u030a",
    "H": "\u030b",
    "v": "\u030c",
    "d": "\u0323",
    "c": "\u0327",
    "k": "\u0328",
    "b": "\u0331",
    "t": "\u0361",
    "G": "\u030f",
    "U": "\u030e",
}

LETTERS = {
    "ss": "ß",
    "SS": "ẞ",
    "o": "ø",
    "O": "Ø",
    "l": "ł",
    "L": "Ł",
    "ae": "æ",
    "AE": "Æ",
    "oe": "œ",
    "OE": "Œ",
    "aa": "å",
    "AA": "Å",
    "dh": "ð",
    "DH": "Ð",
    "dj": "đ",
    "DJ": "Đ",
    "ng": "ŋ",
    "NG": "Ŋ",
    "th": "þ",
    "TH": "Þ",
    "i": "ı",
    "j": "ȷ",
    "S": "§",
    "P": "¶",
    "dag": "†",
    "ddag": "‡",
    "copyright": "©",
    "pounds": "£",
    "euro": "€",
    "texteuro": "€",
    "ldots": "…",
    "dots": "…",
    "textellipsis": "…",
    "textendash": "–",
    "textemdash": "—",
    "textquoteleft": "‘",
    "textquoteright": "’",
    "textquotedblleft": "“",
    "textquotedblright": "”",
    "textquotesingle": "'",
    "textbackslash": "\\",
    "textasciitilde": "~",
    "textasciicircum": "^",
    "textunderscore": "_",
    "textbar": "|",
    "textless": "<",
    "textgreater": ">",
    "textdegree": "°",
    "degree": "°",
    "textregistered": "®",
    "texttrademark": "™",
    "textsection": "§",
    "textmu": "µ",
    "textbullet": "•",
    "guillemotleft": "«",
    "guillemotright": "»",
    "slash": "/",
    "LaTeX": "LaTeX",
    "TeX": "TeX",
    "LaTeXe": "LaTeX2e",
    "BibTeX": "BibTeX",
    "quad": " ",
    "qquad": " ",
    "enspace": " ",
    "space": " ",
    "qed": "∎",
    "qedhere": "",
    "newline": "\n",
    "linebreak": "\n",
    "and": ", ",
    "AND": ", ",
    "And": ", ",
}

LIGATURES = (
    ("---", "—"),
    ("--", "–"),
    ("``", "“"),
    ("''", "”"),
    ("`", "‘"),
    ("?‘", "¿"),
    ("!‘", "¡"),
)


def accented(accent: str, letter: str) -> str:
    """A letter with an accent, a combining character where there is no such letter."""
    base = {"\\i": "i", "\\j": "j", "ı": "i", "ȷ": "j"}.get(letter.strip(), letter)
    if not base:
        return accent if accent in "^~" else ""
    return unicodedata.normalize("NFC", base[0] + ACCENTS[accent]) + base[1:]
