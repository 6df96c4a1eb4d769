"""Selectors that pay no heed to the case of classes and ids."""

from __future__ import annotations

import functools
import re

__all__ = ["any_case"]

_NAME = re.compile(r"([.#])([A-Za-z][\w-]*)")


@functools.cache
def any_case(selector: str) -> str:
    """The selector with its classes and ids in any case.

    In the original's Resiliparse (0.14 as 1.1) ``.menu`` takes ``class="Menu"`` as well, on pages
    of any document type: one page in fifty has such a name (known from running it; not in the
    spec's list). The parsers used here keep to the standard.
    """
    return _NAME.sub(
        lambda name: f'[{"class~" if name[1] == "." else "id"}="{name[2]}" i]', selector
    )
