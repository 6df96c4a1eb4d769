"""Header blocks, which WARC took over from HTTP and HTTP from mail: ``Name: value`` lines."""

from __future__ import annotations

__all__ = ["header_fields"]


def header_fields(block: str) -> dict[str, str]:
    """Fields of a header block by lower-case name.

    Args:
        block: The block; its first line, a version or status line, is passed over. Folded lines
            are joined, and the first of a repeated name counts.
    """
    lines = block.split("\n")
    if "\n " not in block and "\n\t" not in block:
        # Backwards, so that the first one stays. This is on the path of every record.
        parted = [line.partition(":") for line in lines[:0:-1]]
        return {name.strip().lower(): value.strip() for name, colon, value in parted if colon}
    fields: dict[str, str] = {}
    last = ""
    for line in lines[1:]:
        if line[:1] in (" ", "\t"):
            if last:
                fields[last] = f"{fields[last]} {line.strip()}".strip()
            continue
        name, colon, value = line.partition(":")
        last = name.strip().lower() if colon else ""
        if last in fields:
            last = ""
        elif last:
            fields[last] = value.strip()
    return fields
