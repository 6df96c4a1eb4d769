"""Posts of forums whose markup says the opposite of what it means."""

from __future__ import annotations

from extractors.html.tree import Element

__all__ = ["set_quotations_right"]


def set_quotations_right(root: Element) -> None:
    """Makes blockquotes of vBulletin's quotations, and plain elements of its posts.

    vBulletin 4 writes each post as a blockquote, and what is quoted in it as a ``div``.
    """
    for element in list(root.walk()):
        classes = element.get("class").split()
        if element.tag == "blockquote" and "postcontent" in classes:
            element.tag = "div"
        elif element.tag == "div" and "bbcode_quote" in classes:
            element.tag = "blockquote"
