"""Answers as plain data, for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

__all__ = ["plain"]


def plain(answer: Any) -> Any:
    """An answer of this package as JSON's own types; an unbounded interval's end is null."""
    if is_dataclass(answer) and not isinstance(answer, type):
        return {member.name: plain(getattr(answer, member.name)) for member in fields(answer)}
    if isinstance(answer, Mapping):
        return {str(key): plain(value) for key, value in answer.items()}
    if isinstance(answer, (list, tuple)):
        return [plain(value) for value in answer]
    if isinstance(answer, float):
        return answer if math.isfinite(answer) else None
    if isinstance(answer, Path):
        return str(answer)
    return str(answer) if isinstance(answer, str) else answer
