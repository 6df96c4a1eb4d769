"""A page of the open web made harmless: what it says is left, whatever it could do is gone.

Three walls stand one behind the other. This one takes out all that runs, loads, submits or leads
elsewhere; the second is the Content-Security-Policy that the result is served under (``access``);
the third is the frame without permissions that it's shown in.
"""

from __future__ import annotations

import re
from collections import Counter

import nh3

__all__ = ["TooEntangled", "harmless_html"]

MAX_CHARS = 3_000_000
"""The longest page that is drawn; a longer one is shown as its source."""

_MAX_DEPTH = 3_000
"""The sanitiser's parser takes time that grows with the square of the depth: 0.02 s at this one,
142 s at 200,000 elements. Browsers give up at 512."""

_TAGS = frozenset(
    """
    a abbr acronym address article aside b bdi bdo big blockquote body br caption center cite code
    col colgroup data dd del details dfn dir div dl dt em figcaption figure font footer h1 h2 h3 h4
    h5 h6 head header hgroup hr html i img ins kbd li main mark menu nav ol p pre q rp rt ruby s
    samp section small span strike strong sub summary sup table tbody td tfoot th thead time tr tt u
    ul var wbr
    math annotation maction menclose merror mfenced mfrac mi mmultiscripts mn mo mover mpadded
    mphantom mprescripts mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr
    munder munderover none semantics
    """.split()
)
"""Elements that carry content. Nothing that loads, runs, embeds, submits or styles."""

_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"dir", "lang", "title"},
    "img": {"alt"},
    "math": {"alttext", "display"},
    "annotation": {"encoding"},
    "mfenced": {"close", "open", "separators"},
    "mo": {"fence", "stretchy", "separator", "form"},
    "mstyle": {"displaystyle", "scriptlevel"},
    "mi": {"mathvariant"},
    "mfrac": {"linethickness"},
    "mtable": {"columnalign"},
    "mspace": {"width"},
    "ol": {"start", "type", "reversed"},
    "li": {"value"},
    "td": {"colspan", "rowspan", "align"},
    "th": {"colspan", "rowspan", "align", "scope"},
    "details": {"open"},
    "time": {"datetime"},
}
"""What they may say. No ``href`` and no ``src``: a frame without permissions still follows a link
that a person clicks. No ``style``, ``class`` or ``id``: nothing needs them here."""

_DROPPED_WITH_CONTENT = {
    "script", "style", "template", "noscript", "iframe", "object", "embed", "applet", "svg",
    "audio", "video", "canvas", "title", "frameset", "noframes", "xmp", "noembed", "plaintext",
    "select", "textarea",
}  # fmt: skip

_OPENING = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)")
# They never nest by themselves: void elements, and those whose end the next one implies.
_FLAT = frozenset(
    "area base br col embed hr img input link meta source track wbr param p li dt dd td th tr "
    "option optgroup tbody thead tfoot colgroup rp rt".split()
)
_MATHJAX_SCRIPT = re.compile(
    r"<script\b[^>]*?\btype\s*=\s*[\"']?\s*math/[^>]*>(.*?)</script\s*>", re.IGNORECASE | re.DOTALL
)
_IMAGE = re.compile(r"<img(?: [a-z]+=\"[^\"]*\")*>")
_ALT = re.compile(r" alt=\"([^\"]*)\"")


class TooEntangled(ValueError):
    """The page is too long or too deeply nested to be drawn; the message says which."""


def harmless_html(page: str) -> str:
    """A page's content as HTML that does nothing.

    Formulas in MathJax's scripts are shown as their source, images as their descriptions, links as
    their text.

    Args:
        page: The page as it was captured.

    Raises:
        TooEntangled: It isn't drawn because that would take too long.
    """
    if len(page) > MAX_CHARS:
        raise TooEntangled(f"{len(page):,} characters; pages up to {MAX_CHARS:,} are drawn")
    depth = _deepest_possible(page)
    if depth > _MAX_DEPTH:
        raise TooEntangled(f"elements nested up to {depth:,} deep; up to {_MAX_DEPTH:,} are drawn")
    shown = _MATHJAX_SCRIPT.sub(r"<code>\1</code>", page)
    clean = nh3.clean(
        shown,
        tags=set(_TAGS),
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        strip_comments=True,
        link_rel=None,
        generic_attribute_prefixes=set(),
        url_schemes=set(),
    )
    return _IMAGE.sub(_described, clean)


def _described(image: re.Match[str]) -> str:
    """An image's alternative text, which for a formula is often its source."""
    alt = _ALT.search(image[0])
    words = alt[1].strip() if alt else ""
    return f'<span class="image">{words or "image"}</span>'


def _deepest_possible(page: str) -> int:
    """A bound on how deep a parser's tree can be, from the tags alone."""
    unclosed: Counter[str] = Counter()
    depth = deepest = 0
    for tag in _OPENING.finditer(page):
        name = tag[2].lower()
        if name in _FLAT:
            continue
        if not tag[1]:
            unclosed[name] += 1
            depth += 1
            deepest = max(deepest, depth)
        elif unclosed[name]:
            unclosed[name] -= 1
            depth -= 1
    return deepest
