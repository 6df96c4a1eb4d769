"""YXML, Isabelle's transfer syntax for XML: the system manual, section 1.5."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from extractors.formal.traced import TraceError

__all__ = ["YxmlEvent", "yxml_events"]

_X, _Y = "\x05", "\x06"


class YxmlEvent(NamedTuple):
    """A piece of a document: ``start`` of an element, ``end`` of one, or ``text``."""

    kind: Literal["start", "end", "text"]
    text: str
    attributes: dict[str, str]


_NONE: dict[str, str] = {}


def yxml_events(document: str) -> Iterator[YxmlEvent]:
    """The pieces of a document in order.

    Raises:
        TraceError: Elements aren't closed as they were opened.
    """
    open_elements: list[str] = []
    for chunk in document.split(_X):
        if not chunk:
            continue
        if not chunk.startswith(_Y):
            yield YxmlEvent("text", chunk, _NONE)
            continue
        name, *attributes = chunk[1:].split(_Y)
        if name:
            open_elements.append(name)
            pairs = (attribute.partition("=") for attribute in attributes)
            yield YxmlEvent("start", name, {key: value for key, _, value in pairs})
        elif open_elements:
            yield YxmlEvent("end", open_elements.pop(), _NONE)
        else:
            raise TraceError("bad_yxml", "an element ends that none began")
    if open_elements:
        raise TraceError("bad_yxml", f"element {open_elements[-1]} has no end")
