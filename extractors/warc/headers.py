"""Header blocks, which WARC took over from HTTP and HTTP from mail: ``Name: value`` lines."""

from __future__ import annotations

__all__ = ["header_fields"]


def header_fields(lines: list[str]) -> dict[str, str]:
    """Fields of a header block by lower-case name.

    Args:
        lines: The block's lines; the first, a version or status line, is passed over. Folded
            lines are joined, and the first of a repeated name counts.
    """
    if not any(line[:1] in (" ", "\t") for line in lines):
        # Backwards, so that the first one stays. This is on the path of every record.
        parted = [line.partition(":") for line in reversed(lines[1:])]
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
