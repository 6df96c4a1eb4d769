"""Which formulas of a text are formulas of a page: by their TeX, or by what they look like.

Two formulas are the same when their TeX is the same up to spaces, or when they render to the same
signs in the same structure (:func:`skeleton`): a page's macros are expanded by some extractors, and
pages that hold MathML have no TeX to compare with.
"""

from __future__ import annotations

import difflib
import html
import itertools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lxml import etree

from benchmarks.oracle import TrueFormula

__all__ = ["Found", "Match", "Rendering", "delimited", "exact_key", "match", "skeleton"]


@dataclass(frozen=True, slots=True)
class Found:
    """A formula in an extractor's text."""

    tex: str
    display: bool


@dataclass(frozen=True, slots=True)
class Rendering:
    """What renderers make of TeX.

    Attributes:
        parses: Whether KaTeX accepts it.
        error: Why not.
        skeletons: What it looks like, by each renderer that accepts it.
    """

    parses: bool
    error: str
    skeletons: frozenset[str]


LETTERS_ONLY = "static:mathml-text"
"""The oracle's name for MathML elements that hold plain text: TeX, some without backslashes."""

NO_RENDERING = Rendering(False, "not rendered", frozenset())


# --- formulas in a text

_OPENING = re.compile(
    r"\\\\|\\\$|\$\$?|\\\(|\\\[|\\begin\{(?P<name>(?:equation|align|gather|multline|eqnarray|alignat|flalign)\*?)\}"
)
_CODE = re.compile(r"^[> ]*(`{3,})[^`\n]*\n.*?^[> ]*\1`*[ ]*$", re.MULTILINE | re.DOTALL)
_LONGEST = 20_000


def delimited(text: str) -> list[Found]:
    """The formulas of a text, outside fenced code: in dollars, TeX brackets, bare environments."""
    text = _CODE.sub(" ", text)
    found: list[Found] = []
    position = 0
    while match := _OPENING.search(text, position):
        token = match.group()
        position = match.end()
        if token in {"\\\\", "\\$"}:
            continue
        if token in {"\\(", "\\["} and text[match.start() - 1 : match.start()] == "`":
            continue  # code that shows the delimiter
        if match.group("name"):
            close = text.find("\\end{" + match.group("name") + "}", position)
            if close < 0:
                continue
            position = close + len("\\end{}") + len(match.group("name"))
            found.append(Found(text[match.start() : position], display=True))
            continue
        right = {"$": "$", "$$": "$$", "\\(": "\\)", "\\[": "\\]"}[token]
        close = _closing(text, position, right)
        if close < 0:
            continue
        tex = text[position:close]
        position = close + len(right)
        if tex.strip():
            found.append(Found(tex, display=token in {"$$", "\\["}))
    return found


def _closing(text: str, start: int, right: str) -> int:
    """Where a formula ends: outside braces if it can be, as in ``\\text{if $x$}``."""
    depth = 0
    first = -1
    end = min(len(text), start + _LONGEST)
    position = start
    while position < end:
        if text.startswith(right, position):
            if depth <= 0:
                return position
            if first < 0:
                first = position
            position += len(right)
            continue
        character = text[position]
        if character == "\\":
            position += 2
            continue
        if right == "$" and text.startswith("\n\n", position):
            break
        depth += (character == "{") - (character == "}")
        position += 1
    return first


# --- what makes two formulas the same

_COMMENT = re.compile(r"(?<!\\)%[^\n]*\n\s*")
_INNER_FORMULA = re.compile(r"\\[()]")
_NO_EFFECT = re.compile(
    r"\\(?:displaystyle|textstyle|nonumber|notag|limits|begingroup|endgroup)(?![a-zA-Z])|\\(?:label|tag\*?)\s*\{[^{}]*\}|\\(?:begin|end)\{(?:equation\*?|displaymath|split)\}"
    r"|\\(?:dpi|bg_|fg_)[a-z]*\{?\w*\}?|\\inline(?![a-z])|&(?:bg|fg|s)=[0-9a-fA-F]+"
)
_ONE_SIGN = re.compile(r"\{([A-Za-z0-9])\}")
_OUTER_DOLLARS = re.compile(r"^\s*(\$\$?|\\[(\[])(.*?)(\$\$?|\\[)\]])\s*$", re.DOTALL)


def exact_key(tex: str) -> str:
    """TeX without spaces, comments, braces around one sign, and commands that show nothing."""
    tex = html.unescape(tex) if "&" in tex and ";" in tex else tex
    outer = _OUTER_DOLLARS.match(tex)
    if outer:
        tex = outer.group(2)
    tex = _INNER_FORMULA.sub("$", _NO_EFFECT.sub("", _COMMENT.sub("", tex)))
    tex = re.sub(r"\s+", "", unicodedata.normalize("NFC", tex))
    while tex.startswith("{") and tex.endswith("}") and _is_one_group(tex):
        tex = tex[1:-1]
    return _ONE_SIGN.sub(r"\1", tex)


def _is_one_group(tex: str) -> bool:
    depth = 0
    for index, character in enumerate(tex):
        if tex[index - 1 : index] == "\\":
            continue
        depth += (character == "{") - (character == "}")
        if depth == 0 and index < len(tex) - 1:
            return False
    return True


_INVISIBLE = re.compile("[\\s\u00ad\u200b-\u200f\u2060-\u206f\ufe00-\ufe0f\ufeff]")
_ALIKE = str.maketrans(
    {
        sign: alike
        for alike, signs in {
            "-": "−‐‑–—", "*": "∗⋆", "'": "′’", "''": "″", "'''": "‴", "`": "‵", "⋅": "·•∙",
            "|": "∣", "‖": "∥", "⊥": "⟂", "¯": "ˉ‾_\u0305", "^": "ˆ\u0302",
            "~": "˜∼", "→": "⟶\u20d7",
            ".": "˙", "〈": "⟨", "〉": "⟩", "φ": "ϕ", "ε": "ϵ", "θ": "ϑ", "Δ": "∆△", "Ω": "Ω",
            "μ": "µ", "ħ": "ℏ", "≤": "⩽", "≥": "⩾", "⇒": "⟹", "⇔": "⟺", "\\": "∖⧵", "°": "∘",
            ":": "∶", "...": "…⋯",
        }.items()
        for sign in signs
    }
)  # fmt: skip
_LEAVES = frozenset({"mi", "mn", "mo", "mtext", "ms"})
_NOTHING = frozenset(
    {"annotation", "annotation-xml", "mspace", "mphantom", "maligngroup", "malignmark",
     "mprescripts", "none", "maction-alt"}
)  # fmt: skip


def skeleton(mathml: str) -> str:
    """The signs of a formula in their structure, whichever renderer wrote the MathML.

    Spaces, sizes, styles and invisible signs don't count; signs that look alike are one sign; a
    limit under a sum and one beside it are the same.
    """
    if not mathml:
        return ""
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True)
    tree = etree.fromstring(f"<div>{mathml}</div>".encode(), parser)
    if tree is None:
        return ""
    math = next((node for node in tree.iter() if _name(node) == "math"), None)
    return _signs(math) if math is not None else ""


def _name(node: etree._Element) -> str:
    return node.tag.rpartition(":")[2] if isinstance(node.tag, str) else ""


def _leaf(text: str) -> str:
    text = text.replace("¯", "\ue100").replace("˙", "\ue101").replace("…", "...")
    text = unicodedata.normalize("NFKC", text).replace("\ue100", "¯").replace("\ue101", ".")
    return _INVISIBLE.sub("", text.translate(_ALIKE))


def _signs(node: etree._Element) -> str:
    name = _name(node)
    if not name or name in _NOTHING:
        return ""
    if name in _LEAVES:
        if name == "mo" and len(node) == 0 and not (node.text or "").strip():
            return ""
        return _leaf("".join(node.itertext()))
    parts = [_signs(child) for child in node if _name(child)]
    if name in {"msup", "mover"} and len(parts) >= 2:
        raised = "".join(parts[1:])
        if raised and not raised.strip("'"):
            return parts[0] + raised
        return f"{parts[0]}^({raised})" if raised else parts[0]
    if name in {"msub", "munder"} and len(parts) >= 2:
        return f"{parts[0]}_({parts[1]})" if parts[1] else parts[0]
    if name in {"msubsup", "munderover"} and len(parts) >= 3:
        lower = f"_({parts[1]})" if parts[1] else ""
        raised = parts[2]
        if raised and not raised.strip("'"):
            return parts[0] + raised + lower if not lower else f"{parts[0]}{lower}{raised}"
        return parts[0] + lower + (f"^({raised})" if raised else "")
    if name == "mfrac" and len(parts) >= 2:
        return f"({parts[0]})/({parts[1]})"
    if name == "mroot" and len(parts) >= 2:
        return f"√({parts[0]};{parts[1]})"
    if name == "menclose" and node.get("notation") == "top":
        return f"{''.join(parts)}^(¯)"
    if name == "msqrt":
        return f"√({''.join(parts)})"
    if name == "mfenced":
        separators = node.get("separators", ",").strip() or ""
        inner = (separators[:1]).join(parts)
        return _leaf(node.get("open", "(")) + inner + _leaf(node.get("close", ")"))
    if name == "mtable":
        return ";".join(row for row in parts if row)
    if name == "mlabeledtr":
        return "".join(parts[1:])
    if name == "mtr":
        return "".join(parts)
    return "".join(parts)


# --- matching


@dataclass(slots=True)
class Match:
    """How the formulas of a text and a page's formulas go together.

    Attributes:
        pairs: True formula and found formula, as indices, and whether the TeX is the same.
        missed: True formulas that the text lacks.
        false: Found formulas that the page doesn't have.
        repeated: Found formulas that the page has, but not as often.
        similarities: For each missed formula, how near the nearest false one is, from 0 to 1.
    """

    pairs: list[tuple[int, int, bool]] = field(default_factory=list)
    missed: list[int] = field(default_factory=list)
    false: list[int] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    similarities: dict[int, float] = field(default_factory=dict)


def match(
    true: Sequence[TrueFormula],
    found: Sequence[Found],
    renderings: Mapping[str, Rendering],
    looks: Sequence[frozenset[str]],
) -> Match:
    """Pairs found formulas with true ones: the same TeX first, then the same look.

    Args:
        true: The page's formulas.
        found: The text's formulas.
        renderings: What the renderers make of each found formula's TeX.
        looks: What each true formula looks like.
    """
    result = Match()
    open_found = dict.fromkeys(range(len(found)))
    free = set(range(len(true)))
    has_letters_only = any("\\" not in one.text for one in true if one.oracle == LETTERS_ONLY)
    # Wanted formulas are served first, by their TeX before their look, in their mode if it can be.
    for wanted, exact, any_mode in itertools.product((True, False), (True, False), (False, True)):
        by_key: dict[str, list[int]] = defaultdict(list)
        for index in sorted(free):
            if true[index].is_wanted == wanted:
                for key in _keys(true[index], looks[index], exact=exact):
                    by_key[key].append(index)
        for position in list(open_found):
            one = found[position]
            keys = (
                [exact_key(one.tex)] + [exact_key(one.tex.replace("\\", ""))] * has_letters_only
                if exact
                else sorted(renderings.get(one.tex, NO_RENDERING).skeletons)
            )
            partner = next(
                (
                    index
                    for key in keys
                    if key
                    for index in by_key.get(key, ())
                    if index in free and (any_mode or true[index].display == one.display)
                ),
                None,
            )
            if partner is not None:
                free.discard(partner)
                del open_found[position]
                result.pairs.append((partner, position, exact))
    known_keys = {exact_key(one.text) for one in true if one.format == "tex"}
    known_looks = {look for each in looks for look in each}
    for position in open_found:
        tex = found[position].tex
        shown = renderings.get(tex, NO_RENDERING).skeletons
        if exact_key(tex) in known_keys or shown & known_looks:
            result.repeated.append(position)
        else:
            result.false.append(position)
    result.missed = sorted(index for index in free if true[index].is_wanted)
    rest = [exact_key(found[position].tex) for position in result.false]
    for index in result.missed:
        result.similarities[index] = _nearest(exact_key(true[index].text), rest)
    return result


def _keys(formula: TrueFormula, looks: Iterable[str], *, exact: bool) -> list[str]:
    if exact:
        return [exact_key(formula.text)] if formula.format == "tex" else []
    return [look for look in sorted(looks) if look]


def _nearest(key: str, others: Sequence[str]) -> float:
    best = 0.0
    for other in others[:400]:
        if min(len(key), len(other)) * 2 < best * (len(key) + len(other)):
            continue
        matcher = difflib.SequenceMatcher(None, key[:600], other[:600], autojunk=False)
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best:
            best = max(best, matcher.ratio())
    return best
