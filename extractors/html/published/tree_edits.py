"""What the original removes from a page, or writes another way, before its text is taken.

Source: keirp/OpenWebMath @98f81d0, text_extraction/text_extract/tree_processing.py, as described in
the project's account of it (spec section 1.3 d), in that order.

Nodes are taken out by putting nothing in their place: they and what is in them stay valid, as
lists of nodes that were selected before may still hold them.
"""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser, LexborNode

from extractors.html.published.dense_links import dense_links
from extractors.html.published.marks import mark
from extractors.html.published.selectors import any_case
from extractors.html.published.settings import Settings
from extractors.html.published.tables import write_tables

__all__ = ["edit_tree"]


def edit_tree(tree: LexborHTMLParser, settings: Settings) -> None:
    """Edits the tree in place.

    Args:
        tree: The page, its formulas replaced.
        settings: The settings drawn for the page.
    """
    if _remove_hidden(tree):
        return
    _end_wikipedia(tree)
    _remove(tree, ".btn")
    _remove(tree, "button")
    _remove_image_figures(tree)
    if settings.markdown_code:
        _fence_code(tree)
    _write_headings(tree, settings)
    _remove(tree, "nav")
    for node in dense_links(tree):
        _take_out(node)
    write_tables(tree)
    _write_separators(tree)
    _lead_to_main_content(tree)


def _remove_hidden(tree: LexborHTMLParser) -> bool:
    """Takes out hidden elements; whether the body is one of them.

    Only the spelling without a space counts. A hidden body is cut off and its text is taken all the
    same, but no later edit finds anything in it (known from running the original; not in the spec's
    list).
    """
    cut_off = False
    for node in tree.css('[style*="display:none"]'):
        if node.tag in ("html", "body"):
            del node.attrs["style"]
            cut_off = True
        else:
            _take_out(node)
    return cut_off


def _remove(tree: LexborHTMLParser, selector: str) -> None:
    for node in tree.css(any_case(selector)):
        _take_out(node)


def _take_out(node: LexborNode) -> None:
    if node.parent is not None:
        node.replace_with("")


def _end_wikipedia(tree: LexborHTMLParser) -> None:
    links = tree.css_first(any_case("#External_links"))
    if links is not None and links.parent is not None:
        following = links.parent.next
        while following is not None:
            after = following.next
            _take_out(following)
            following = after
        _take_out(links)
    _remove(tree, ".mw-editsection")


def _remove_image_figures(tree: LexborHTMLParser) -> None:
    """Takes out the nearest ancestor of each image whose class is exactly "figure"."""
    figures = []
    if tree.css_first('[class="figure"]') is None:
        return
    for image in tree.css("img"):
        node: LexborNode | None = image
        while node is not None and node.is_element_node:
            if node.attributes.get("class") == "figure":
                figures.append(node)
                break
            node = node.parent
    for figure in figures:
        _take_out(figure)


def _fence_code(tree: LexborHTMLParser) -> None:
    """Code between backticks, at each level where it's marked up: pre around code has both."""
    for selector in (".wp_syntax", "code", ".code_responsive", "pre"):
        for node in tree.css(any_case(selector)):
            text = node.text()
            if text:
                fence = "```" if "\n" in text else "`"
                _set_text(node, mark(f"{fence}{text}{fence}", "code"))


def _write_headings(tree: LexborHTMLParser, settings: Settings) -> None:
    empty = []
    for level in range(1, 7):
        for node in tree.css(f"h{level}"):
            children = node.iter(include_text=True)
            texts = [child.text() for child in children if not child.is_comment_node]
            text = "".join(text for text in texts if text.strip()).strip()
            if not text:
                empty.append(node)
                continue
            # A tag of its own, as the original has it; the number signs come after the extraction.
            sign = f"[heading_{level}] " if settings.markdown_headings else ""
            _set_text(node, mark(f"{sign}{text}\n\n", f"h{level}"))
    for node in empty:
        _take_out(node)


def _write_separators(tree: LexborHTMLParser) -> None:
    """Stack Exchange's old boxes of users become dashes at the end of what they stand in."""
    for node in tree.css(any_case("table.fw")):
        parent = node.parent
        if parent is not None:
            _take_out(node)
            span = tree.create_node("span")
            span.inner_html = "-"
            parent.insert_child(span)


def _lead_to_main_content(tree: LexborHTMLParser) -> None:
    """Changes by which Resiliparse's rules find forums' and answers' main content."""
    questions = tree.css_first(any_case(".qa-main"))
    if questions is not None:
        questions.attrs["class"] = "article-body"
    main, header = tree.css_first('[role="main"]'), tree.css_first(any_case("#question-header"))
    if main is not None and header is not None and main.first_child is not None:
        main.first_child.insert_before(header)
        _take_out(header)
    content, body = tree.css_first(any_case(".postcontent")), tree.css_first(any_case(".postbody"))
    if content is not None and body is not None:
        body.attrs["class"] = "postcontent"
        content.attrs["class"] = ""
    post = tree.css_first(any_case(".postbit"))
    if post is not None:
        post.attrs["class"] = ""
    # Resiliparse drops lists near the root; four more elements above one move it away from there.
    inner = {node.mem_id for node in tree.css("ul ul")}
    for node in tree.css("ul"):
        if node.mem_id not in inner:
            wrapper = tree.create_node("div")
            wrapper.inner_html = f"<div><div><div>{node.html}</div></div></div>"
            node.replace_with(wrapper)


def _set_text(node: LexborNode, text: str) -> None:
    node.inner_html = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
