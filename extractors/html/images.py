"""Formulas that are images: TeX services that take it in the address, and alternative texts."""

from __future__ import annotations

import html
import re
from urllib.parse import unquote, unquote_plus

from extractors.html.blocks import is_alone, is_centered
from extractors.html.name_sets import names
from extractors.html.tree import Element

__all__ = ["image_formula"]

# Services by a part of the image's address; where the TeX is ("alt", "query", or the name of a
# query parameter). Sources: OpenWebMath's list (codecogs, latex.php, mimetex, mathtex) and the
# services' own documentation for the rest.
_SERVICES: tuple[tuple[str, str, str], ...] = (
    ("latex.php", "latex", "wordpress_image"),
    ("/latex/image.php", "formula", "service_image"),
    ("latex.codecogs.com", "query", "codecogs_image"),
    ("codecogs.com", "query", "codecogs_image"),
    ("/images/math/codecogs", "alt", "codecogs_image"),
    ("mimetex", "query", "mimetex_image"),
    ("mathtex", "query", "mathtex_image"),
    ("chart.googleapis.com", "chl", "google_chart_image"),
    ("chart.apis.google.com", "chl", "google_chart_image"),
    ("www.google.com/chart", "chl", "google_chart_image"),
    ("zhihu.com/equation", "tex", "zhihu_image"),
    ("quicklatex.com", "alt", "service_image"),
    ("math.now.sh", "from", "service_image"),
    ("render.githubusercontent.com/render/math", "math", "service_image"),
    ("tex.s2cms.ru", "path", "service_image"),
    ("i.upmath.me", "path", "service_image"),
    ("latex.vimsky.com", "query", "service_image"),
    ("latex.numberempire.com", "query", "service_image"),
    ("texrendr.com", "eqn", "service_image"),
    ("sciweavers.org/tex2img.php", "eq", "service_image"),
    ("math.vercel.app", "from", "service_image"),
    ("jmp.io/tex", "query", "service_image"),
    ("forkosh.dreamhost.com", "query", "mathtex_image"),
    ("wikimedia.org/api/rest_v1/media/math", "alt", "wikipedia_image"),
    ("upload.wikimedia.org/math/", "alt", "wikipedia_image"),
    ("upload.wikimedia.org/wikipedia/en/math/", "alt", "wikipedia_image"),
    ("/filter/tex/pix.php", "alt", "service_image"),
    ("eq.cgi", "query", "service_image"),
    ("latexrender", "alt", "service_image"),
    ("_images/math/", "alt", "latex_image"),  # Sphinx's imgmath
    ("texdebug", "alt", "service_image"),
)
_SERVICE = re.compile("|".join(re.escape(part) for part, _, _ in _SERVICES))
_BY_PART = {part: (where, encoding) for part, where, encoding in _SERVICES}

_CLASSES = names(
    "latex tex math latexdisplay latexcenter latexblock latexblockcenter ql-img-inline-formula"
    " ql-img-displayed-equation mwe-math-fallback-image-inline mwe-math-fallback-image-display"
    " mwe-math-fallback-png-inline mwe-math-fallback-png-display texrender "
    "teximage tex-image latex_inline latex_block mathimg math-img equation_image equation "
    "formula x-ck12-math x-ck12-block-math x-ck12-mathEditor mathtex mimetex texhtml img-math"
    " latex-img eeimg iemath mathjax"
)
_DISPLAY_CLASSES = names(
    "latexdisplay latexcenter latexblock latexblockcenter ql-img-displayed-equation"
    " mwe-math-fallback-image-display mwe-math-fallback-png-display latex_block x-ck12-block-math"
)
# Alternative texts that are prose or a file name, in spite of the image's class.
_PROSE = re.compile(r"^(?:(?:latex|tex|equation|formula|image|math|img)\d*)?\W*$", re.IGNORECASE)
_FILE_NAME = re.compile(r"\.(?:png|gif|jpe?g|svg|webp|bmp)\s*$", re.IGNORECASE)
_TEX_EVIDENCE = re.compile(r"\\[a-zA-Z]{2,}|[_^]\{|\\[,;:!{}()\[\]]|[A-Za-z0-9)][_^][A-Za-z0-9\\]")
_TEX_COMMAND_FIRST = re.compile(r"[^\\/]{0,40}\\[a-zA-Z]+")
_DELIMITED = re.compile(r"\s*(?:\$.+\$|\\\(.+\\\)|\\\[.+\\\])\s*\Z", re.DOTALL)
_SIZE_PREFIX = re.compile(
    r"^(?:\s|\\(?:dpi|inline|fn_[a-z]+|bg_[a-z]+|fg_[a-z]+|tiny|small|large|Large|LARGE|huge"
    r"|opaque|transparent|png|gif)(?:\{\d*\}|(?![a-zA-Z])))+"
)
# vBulletin sets two spaces after fifty characters without one, in addresses and alt texts too.
_BROKEN_WORD = re.compile(r"(?<!\S)(\S{50})  (?=\S)")
_FRONT_PARAMETER = re.compile(r"^(?:formula|eq|tex|latex|f)=")


_ALIGNED = re.compile(r"(?<!\\)&|\\\\")
_ENVIRONMENTS = re.compile(r"\\begin\{(\w+\*?)\}.*?\\end\{\1\}", re.DOTALL)
_NOT_FORMULAS = re.compile(r"\\begin\{(?:figure|table|tabular)\*?\}|\\includegraphics")


def image_formula(image: Element) -> tuple[str, bool, str] | None:
    """The formula that an image shows.

    Returns:
        TeX, whether it's displayed, and the encoding; nothing when the image is no formula.
    """
    source = image.get("src")
    if not source or source.startswith("data:"):
        source = (
            image.get("data-src")
            or image.get("data-lazy-src")
            or image.get("data-original")
            or image.get("data-lazyload")
            or source
        )
    alt = _BROKEN_WORD.sub(r"\1", image.get("alt"))
    service = _SERVICE.search(source) if source and not source.startswith("data:") else None
    classes = set(image.get("class").split())
    if service is not None:
        where, encoding = _BY_PART[service.group()]
        if encoding == "google_chart_image" and "cht=tx" not in source:
            return None
        tex = _from_service(where, encoding, source, alt)
        if not tex:
            return None
        if "_images/math/" in source and _ALIGNED.search(_ENVIRONMENTS.sub("", tex)):
            tex = rf"\begin{{split}}{tex}\end{{split}}"  # which Sphinx leaves out of the text
        return tex, _is_display(image, classes, tex), encoding
    if image.get("data-latex") or image.get("data-tex") or image.get("data-equation-content"):
        tex = (
            image.get("data-latex")
            or image.get("data-tex")
            or unquote(image.get("data-equation-content"))
        )
        return tex, _is_display(image, classes, tex), "tex_attribute"
    if image.get("eeimg") and alt:
        return alt, image.get("eeimg") == "2" or is_alone(image), "zhihu_image"
    if source and "%5C" in source and not source.startswith("data:"):
        tex = unquote_plus(source.rpartition("/")[2].rpartition("=")[2])
        if _TEX_COMMAND_FIRST.match(tex) and not _FILE_NAME.search(tex):
            return tex, _is_display(image, classes, tex), "service_image"
    if not alt or len(alt) > 5000 or _NOT_FORMULAS.search(alt):
        return None
    if "mwe-math-fallback" in image.get("class"):
        return alt, _is_display(image, classes, alt), "wikipedia_image"
    if any(name.startswith("x-ck12") for name in classes) and " " not in alt:
        alt = _decoded(alt)  # CK-12 percent-encodes it
    if classes & _CLASSES and not _PROSE.match(alt) and not _FILE_NAME.search(alt):
        if _TEX_EVIDENCE.search(alt) or not _reads_as_prose(alt):
            return alt, _is_display(image, classes, alt), "latex_image"
        return None
    # latex2html and its kin put the source with its dollars into the alternative text.
    if _DELIMITED.match(alt) or (
        alt.lstrip().startswith("\\begin{") and alt.rstrip().endswith("}")
    ):
        display = alt.lstrip().startswith(("$$", "\\[", "\\begin")) or "displaystyle" in alt[:20]
        return alt, display and (is_alone(image) or "\\begin" in alt), "latex_image"
    if _TEX_EVIDENCE.search(alt) and "\\" in alt and not _reads_as_prose(alt):
        return alt, _is_display(image, classes, alt), "latex_image"
    return None


def _from_service(where: str, encoding: str, source: str, alt: str) -> str:
    if where == "alt":
        return _decoded(alt) if "%" in alt and " " not in alt else alt
    _, _, query = source.partition("?")
    if where == "path":
        tex = unquote(source.rpartition("/")[2])
    elif where == "query":
        # A plus is a plus, as in formulas, unless the address writes those as %2B.
        tex = unquote_plus(query) if "%2B" in query.upper() else unquote(query)
        tex = _FRONT_PARAMETER.sub("", tex)
        if not query and source.count("/") > 3:
            tex = ""
        if encoding == "mimetex_image" and not tex:
            tex = alt
    else:
        tex = ""
        for pair in query.replace("&amp;", "&").split("&"):
            name, _, value = pair.partition("=")
            if name == where:
                tex = unquote_plus(value)
                break
        if encoding == "wordpress_image" and alt and not _PROSE.match(alt):
            tex = _decoded(alt) if re.search(r"%[0-9A-F]{2}", alt) and " " not in alt else alt
    if not tex and alt and _TEX_EVIDENCE.search(alt):
        tex = alt
    tex = html.unescape(tex) if "&" in tex else tex
    return _BROKEN_WORD.sub(r"\1", _SIZE_PREFIX.sub("", tex))


def _decoded(text: str) -> str:
    return unquote(text)


def _is_display(image: Element, classes: set[str], tex: str) -> bool:
    if classes & _DISPLAY_CLASSES:
        return True
    start = tex.lstrip()
    if start.startswith(("$$", "\\[")):
        return True
    if start.startswith("\\inline"):
        return False
    return is_alone(image) or ("\\displaystyle" in start[:24] and is_centered(image))


_WORDS = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")
_TEXT_ARGUMENT = re.compile(
    r"\\(?:text|mbox|mathrm|operatorname|begin|end|label|rm)\*?\s*\{[^{}]*\}"
)


def _reads_as_prose(alt: str) -> bool:
    words = _WORDS.findall(_TEXT_ARGUMENT.sub("", alt))
    return len(words) >= 3 or (not _TEX_EVIDENCE.search(alt) and any(len(w) > 3 for w in words))
