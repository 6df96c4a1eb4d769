"""The chosen part of a page as text: Markdown where Markdown has a form, plain lines elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass

from extractors.html.blocks import BLOCKS
from extractors.html.boilerplate import BOILERPLATE_LINE
from extractors.html.formulas import CLOSE, OPEN, PLACEHOLDER, Formulas
from extractors.html.name_sets import names
from extractors.html.normal_form import nfc
from extractors.html.scripts import script_text
from extractors.html.tree import Element

__all__ = ["Code", "serialize", "tidy"]

_SPACE = re.compile(r"[ \t\r\n\f\v]+")
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_PARAGRAPHS = names(
    "p ul ol dl table blockquote pre figure h1 h2 h3 h4 h5 h6 article section hr details "
    "fieldset header address aside main"
)
_LISTS = names("ul ol")
_SCRIPTS = names("sub sup")
_CODE_INLINE = names("code tt kbd samp")
_WRITTEN_OTHERWISE = _CODE_INLINE | names("br pre div table") | frozenset(_HEADINGS)
_LANGUAGE = re.compile(
    r"(?:^|\s)(?:language|lang|brush|highlight|sourceCode)[-: ]+([A-Za-z0-9+#]+)"
)
_LINE_NUMBERS = re.compile(
    r"(?:^|\s)(?:linenos?|gutter|line-?numbers?|lineno|hljs-ln-numbers)(?:\s|$)"
)
_ZERO_WIDTH = re.compile(
    "[\u00ad\u200b\u2060\ufeff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufff9-\ufffc]"
)
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_ODD_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_INNER_SPACES = re.compile(r"(?<=\S) {2,}")
_TEX_LOGO = re.compile(r"(?:(L\^\{A\})T|T)_?\{?E\}?X(?![A-Za-z])")
_BLANK_LINES = re.compile(r"\n{3,}")
_WAY_BACK = re.compile(r" *(?:↩[\ufe0e\ufe0f]? *)+$", re.MULTILINE)
"""What closes a note and leads back to its mark (Pandoc, kramdown, GitHub)."""

_BARE_DOLLAR = re.compile(r"(?<!\\)\$")
_AFTER_FORMULA = frozenset(".,;:")
"""Punctuation that pages set after a displayed formula; it stays on the formula's line."""

_CODE_MARK = re.compile("\ue003([0-9]+)\ue004")
_JOINER = re.compile("(?<![\u0600-\u0fff\u1000-\u109f])[\u200c\u200d](?![\u0600-\u109f])")


_MAX_PREFIXES = 24
"""Lists and quotations within each other that are marked as such; no text nests as deeply."""

_MAX_IN_SCRIPT = 100
"""Elements in a superscript that is still looked at for a link."""


class Code:
    """Code of a page, out of reach of everything that is done to prose."""

    def __init__(self) -> None:
        self._pieces: list[str] = []

    def add(self, code: str) -> str:
        """Takes a piece in; returns what stands for it."""
        code = nfc(_CONTROLS.sub("", code))
        # Dollars pair without a Markdown parser, so code escapes its own like prose does.
        self._pieces.append(_BARE_DOLLAR.sub(r"\\$", code) if "$" in code else code)
        return f"\ue003{len(self._pieces) - 1}\ue004"

    def write(self, text: str) -> str:
        """The text with the code back in its place."""

        def piece(match: re.Match[str]) -> str:
            index = int(match.group(1))
            return self._pieces[index] if index < len(self._pieces) else ""

        return _CODE_MARK.sub(piece, text)


@dataclass(slots=True)
class _Prefix:
    """What stands before the lines of an item, a quotation or a heading."""

    first: str
    rest: str
    is_item: bool = False
    is_used: bool = False

    def take(self) -> str:
        """The prefix of the next line."""
        prefix = self.rest if self.is_used else self.first
        self.is_used = True
        return prefix


class _Writer:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.buffer: list[str] = []
        self.prefixes: list[_Prefix] = []
        self.flat = 0  # inside headings and table cells line ends are spaces
        self._blank = False

    def text(self, text: str) -> None:
        words = text.split()
        if not words:
            if text and self.buffer:
                self.buffer.append(" ")
            return
        before = " " if self.buffer and text[0].isspace() else ""
        after = " " if text[-1].isspace() else ""
        self.buffer.append(before + " ".join(words) + after)

    def end_line(self) -> None:
        if self.flat:
            if self.buffer:
                self.buffer.append(" ")
            return
        if not self.buffer:
            return
        line = "".join(self.buffer).strip()
        if "  " in line:
            line = _INNER_SPACES.sub(" ", line)
        self.buffer.clear()
        if line in _AFTER_FORMULA and not self._blank and self._ends_in_formula():
            self.lines[-1] += line
        elif line:
            self.raw_line(line)

    def _ends_in_formula(self) -> bool:
        return bool(self.lines) and self.lines[-1].endswith(CLOSE)

    def raw_line(self, line: str) -> None:
        if self._blank and self.lines:
            used = [prefix.rest for prefix in self.prefixes[:_MAX_PREFIXES] if prefix.is_used]
            self.lines.append("".join(used).rstrip())
        self._blank = False
        prefixes = [prefix.take() for prefix in self.prefixes[:_MAX_PREFIXES]]
        self.lines.append("".join(prefixes) + line)

    def blank(self) -> None:
        self.end_line()
        if not self.flat:
            self._blank = True

    def push(self, first: str, rest: str, *, is_item: bool = False) -> None:
        if is_item and self.prefixes:
            outer = self.prefixes[-1]
            if outer.is_item and not outer.is_used:
                outer.first = outer.rest = ""  # an item that holds nothing but a list
        self.prefixes.append(_Prefix(first, rest, is_item))


def serialize(root: Element, formulas: Formulas, code: Code) -> str:
    """Writes an element; formulas and code stay placeholders.

    Args:
        root: What to write.
        formulas: The page's formulas, which know what is displayed.
        code: Takes the code in.
    """
    writer = _Writer()
    _write(root, writer, formulas, code)
    writer.flat = 0
    writer.end_line()
    return "\n".join(writer.lines)


def _write(root: Element, writer: _Writer, formulas: Formulas, code: Code) -> None:
    # What is to write, and what is to close: an element with where the buffer stood before it.
    stack: list[Element | str | tuple[Element, int]] = [root]
    lists: list[tuple[str, int]] = []
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            if OPEN in node:
                _write_text(node, writer, formulas)
            else:
                writer.text(node)
            continue
        if isinstance(node, tuple):
            element, mark = node
            if element.tag in _SCRIPTS:
                _write_script(element, writer, mark)
            else:
                _end_block(element.tag, writer, lists)
            continue
        tag = node.tag
        if tag in _WRITTEN_OTHERWISE:
            if tag == "br":
                _break_line(writer)
                continue
            if tag == "pre" or (tag == "div" and _is_listing(node)):
                _write_pre(node, writer, code)
                continue
            if tag in _CODE_INLINE and _write_code(node, writer, code):
                continue
            if tag == "table" and _write_table(node, writer, formulas, code):
                continue
            if tag in _HEADINGS and _is_displayed(node, formulas):
                node.tag = tag = "p"
        if tag in BLOCKS:
            stack.append((node, 0))
            _begin_block(node, writer, lists)
        elif tag in _SCRIPTS:
            stack.append((node, len(writer.buffer)))
        elif tag == "td" or tag == "th":
            writer.end_line()
        stack.extend(reversed(node.children))


def _break_line(writer: _Writer) -> None:
    if writer.flat:
        writer.text(" ")
    elif writer.buffer:
        writer.end_line()
    else:
        writer.blank()


def _begin_block(element: Element, writer: _Writer, lists: list[tuple[str, int]]) -> None:
    tag = element.tag
    if tag in _PARAGRAPHS and not (lists and tag in _LISTS):
        writer.blank()
    else:
        writer.end_line()
    if tag in _HEADINGS:
        writer.push(_HEADINGS[tag], _HEADINGS[tag])
        writer.flat += 1
    elif tag == "ul":
        lists.append(("-", 0))
    elif tag == "ol":
        start = element.get("start")
        lists.append(("1", int(start) if start.isdigit() and len(start) < 9 else 1))
    elif tag == "li" and lists:
        kind, number = lists[-1]
        bullet = "- " if kind == "-" else f"{number}. "
        lists[-1] = (kind, number + 1)
        writer.push(bullet, " " * len(bullet), is_item=True)
    elif tag == "blockquote":
        writer.push("> ", "> ")


def _end_block(tag: str, writer: _Writer, lists: list[tuple[str, int]]) -> None:
    if tag in _HEADINGS:
        writer.flat -= 1
    writer.end_line()
    if tag in _HEADINGS or tag == "blockquote" or (tag == "li" and lists):
        writer.prefixes.pop()
    elif tag in _LISTS:
        lists.pop()
    if tag in _PARAGRAPHS and not (lists and tag in _LISTS):
        writer.blank()


def _is_displayed(heading: Element, formulas: Formulas) -> bool:
    """Whether what is marked as a heading is a formula of several lines, set large."""
    formula = formulas.of(heading.text().strip())
    if formula is None or "\\\\" not in formula.tex:
        return False
    formula.display = True
    return True


def _write_text(text: str, writer: _Writer, formulas: Formulas) -> None:
    if OPEN not in text:
        writer.text(text)
        return
    position = 0
    for match in PLACEHOLDER.finditer(text):
        writer.text(text[position : match.start()])
        position = match.end()
        formula = formulas.of(match.group())
        if formula is not None and formula.display and not writer.flat:
            writer.end_line()
            writer.buffer.append(match.group())
            writer.end_line()
        else:
            writer.buffer.append(match.group())
    writer.text(text[position:])


def _write_script(element: Element, writer: _Writer, mark: int) -> None:
    if mark > len(writer.buffer):
        return
    content = "".join(writer.buffer[mark:])
    del writer.buffer[mark:]
    base = "".join(writer.buffer[-4:])
    has_link = element.end - element.number < _MAX_IN_SCRIPT and any(
        inner.tag == "a" for inner in element.walk()
    )
    written = script_text(base, content, is_sub=element.tag == "sub", has_link=has_link)
    if written:
        writer.buffer.append(written)


def _is_listing(element: Element) -> bool:
    """Doxygen's and older highlighters' way to show code: a line an element."""
    if element.get("class") not in _LISTING_CLASSES:
        return False
    return any("line" in child.get("class") for child in element.elements())


_LISTING_CLASSES = frozenset({"fragment", "CodeMirror-code", "syntaxhighlighter", "code-block"})


def _write_pre(element: Element, writer: _Writer, code: Code) -> None:
    lines = [line.rstrip() for line in _clean(_verbatim(element)).split("\n")]
    text = _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")
    if not text.strip() or not "".join(_without_line_numbers(text.split("\n"))).strip():
        return
    if writer.flat:
        writer.buffer.append(code.add("`" + " ".join(text.split()) + "`"))
        return
    language = ""
    for candidate in (element, *element.elements()):
        match = _LANGUAGE.search(candidate.get("class"))
        if match:
            language = match.group(1).lower()
            break
    fence = "```"
    while fence in text:
        fence += "`"
    writer.blank()
    rest = "".join(prefix.rest for prefix in writer.prefixes[:_MAX_PREFIXES])
    lines = [fence + language, *text.split("\n"), fence]
    writer.raw_line(code.add(("\n" + rest).join(lines)))
    writer.blank()


def _verbatim(element: Element) -> str:
    parts: list[str] = []
    stack: list[Element | str] = [element]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            parts.append(node)
            continue
        if node.tag == "br":
            parts.append("\n")
            continue
        if _LINE_NUMBERS.search(node.get("class")):
            continue
        if node.tag in BLOCKS and node.tag != "pre" and parts and not parts[-1].endswith("\n"):
            parts.append("\n")
        stack.extend(reversed(node.children))
    return "".join(parts).replace("\r\n", "\n").replace("\r", "\n").expandtabs(8)


def _write_code(element: Element, writer: _Writer, code: Code) -> bool:
    text = element.text()
    if OPEN in text:
        return False
    text = _clean(text)
    stripped = text.strip()
    if not stripped:
        return True
    if "\n" in stripped and element.tag == "code" and not writer.flat:
        lines = [line for line in stripped.split("\n") if line.strip()]
        if len(lines) > 2:
            _write_pre(element, writer, code)
            return True
    stripped = " ".join(stripped.split())
    fence = "`"
    while fence in stripped:
        fence += "`"
    if len(fence) > 1:  # CommonMark takes one space off each end
        stripped = f" {stripped} "
    if text[0].isspace():
        writer.text(" ")
    writer.buffer.append(code.add(f"{fence}{stripped}{fence}"))
    if text[-1].isspace():
        writer.text(" ")
    return True


def _write_table(table: Element, writer: _Writer, formulas: Formulas, code: Code) -> bool:
    """Writes a data table as rows of cells; a table that only lays out is not one."""
    rows = _data_rows(table)
    if rows is None:
        return False
    texts: list[list[str]] = []
    for row in rows:
        cells: list[str] = []
        for cell in row:
            inner = _Writer()
            inner.flat = 1
            _write(cell, inner, formulas, code)
            inner.flat = 0
            cells.append(_INNER_SPACES.sub(" ", "".join(inner.buffer)).strip())
        texts.append(cells)
    texts = [row for row in texts if any(row)]
    filled = [cell for row in texts for cell in row if cell]
    if not filled:
        return True
    width = max(map(len, texts))
    columns = [
        index for index in range(width) if any(row[index : index + 1] > [""] for row in texts)
    ]
    # Few long cells are a page's columns, not data.
    if len(texts) < 2 or len(columns) < 2 or sum(map(len, filled)) > 160 * len(filled):
        return False
    caption = next((e for e in table.elements() if e.tag == "caption"), None)
    writer.blank()
    if caption is not None:
        _write(caption, writer, formulas, code)
        writer.blank()
    if writer.flat:
        writer.text(" ; ".join(" ".join(row) for row in texts))
        return True
    first = True
    for written in texts:
        cells = [written[index] if index < len(written) else "" for index in columns]
        if not any(cells):
            continue
        writer.raw_line("| " + " | ".join(cells) + " |")
        if first:
            writer.raw_line("|" + " --- |" * len(columns))
            first = False
    writer.blank()
    return True


def _data_rows(table: Element) -> list[list[Element]] | None:
    """The cells of a table row by row; nothing when the table only lays out."""
    rows: list[list[Element]] = []
    for element in table.walk():
        if element is not table and element.tag in _NOT_IN_DATA:
            return None
        if element.tag == "tr":
            rows.append([c for c in element.elements() if c.tag in ("td", "th")])
    rows = [row for row in rows if row]
    if len(rows) < 2 or max(map(len, rows)) < 2:
        return None
    return rows


_NOT_IN_DATA = names("table h1 h2 h3 h4 article blockquote pre")


def _clean(text: str) -> str:
    """NFC, without invisible characters and controls."""
    text = _CONTROLS.sub("", text)  # first: what they stood between may compose
    if not text.isascii():
        text = _ODD_SPACES.sub(" ", _ZERO_WIDTH.sub("", text))
        if "\u200c" in text or "\u200d" in text:
            text = _JOINER.sub("", text)
        text = nfc(text)
    return text


def tidy(text: str) -> str:
    """Prose in its final form: NFC, no invisible characters, dollars escaped."""
    text = _clean(text)
    text = _WAY_BACK.sub("", text) if "↩" in text else text
    text = _TEX_LOGO.sub(_logo, _BARE_DOLLAR.sub(r"\\$", text))
    lines = [
        (_INNER_SPACES.sub(" ", line) if "  " in line else line).rstrip()
        for line in text.split("\n")
        if len(line) > 120 or line[:1] == "#" or not BOILERPLATE_LINE.match(line)
    ]
    lines = _without_empty_sections(_without_repeated_captions(_without_line_numbers(lines)))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def _without_line_numbers(lines: list[str]) -> list[str]:
    """Drops the margin of a listing: five and more lines that only count."""
    kept: list[str] = []
    run: list[str] = []
    for line in lines:
        number = line.strip()
        if (
            number.isdecimal()
            and len(number) < 6
            and (not run or int(number) == int(run[-1].strip()) + 1)
        ):
            run.append(line)
            continue
        if len(run) < _COUNTING_LINES:
            kept += run
        run = []
        if number.isdecimal() and len(number) < 6:
            run.append(line)
        else:
            kept.append(line)
    return kept if len(run) >= _COUNTING_LINES else kept + run


_COUNTING_LINES = 5


def _without_repeated_captions(lines: list[str]) -> list[str]:
    """Drops a caption that follows itself: MDPI shows it with a small table and the full one."""
    kept: list[str] = []
    last = ""
    for line in lines:
        words = line.strip()
        if words:
            if words == last and _CAPTION.match(words):
                continue
            last = words
        kept.append(line)
    return kept


_CAPTION = re.compile(r"(?:Table|Figure|Scheme|Algorithm|Box)\s+[A-Z]?\d")


def _logo(match: re.Match[str]) -> str:
    return "LaTeX" if match.group(1) else "TeX"


def _without_empty_sections(lines: list[str]) -> list[str]:
    """Drops headings that nothing follows before a heading of their level or above."""
    kept: list[str] = []
    empty = True  # nothing between here and the next heading, or the end
    next_level = 1
    for line in reversed(lines):
        match = _HEADING.match(line)
        if match is None:
            if line.strip():
                empty = False
            kept.append(line)
            continue
        level = len(match.group(1))
        if empty and level >= next_level:
            continue
        next_level = level
        empty = True
        kept.append(line)
    kept.reverse()
    return kept


_HEADING = re.compile(r"(#{1,6}) ")
