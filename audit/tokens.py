"""How many tokens a corpus has: counted where the documents say, else estimated."""

from __future__ import annotations

from dataclasses import dataclass

from audit.run import AuditRun
from pipelines.token_counts import OTHER_BYTES_PER_TOKEN

__all__ = ["TokenCount", "chars_per_token", "tokens_of_chars"]

# Columns under which a table may hold its rows' tokens.
_COLUMNS = ("tokens", "token_count")

# Characters of a token of Llama 2's vocabulary, for a corpus that was never tokenized: 220,238
# characters of 49 documents of OpenWebMath 1.2 are 83,335 tokens. Numbers made with it are marked
# as estimates.
_CHARS_PER_TOKEN = 2.64
# Other subsets' own: source code is nearly all ASCII, where characters are bytes.
_OF_SUBSET = {"code": OTHER_BYTES_PER_TOKEN}


@dataclass(frozen=True, slots=True)
class TokenCount:
    """How tokens were counted.

    Attributes:
        chars_per_token: Characters of a token.
        counted: Whether the ratio is that of the run's own token column.
        how: The same in words.
    """

    chars_per_token: float
    counted: bool
    how: str


def chars_per_token(run: AuditRun) -> TokenCount:
    """The ratio for a run: from its documents' token column, or the stated one."""
    found: TokenCount = run.cached("chars_per_token", lambda: _ratio(run))
    return found


def tokens_of_chars(chars: float, ratio: TokenCount) -> int:
    """Tokens of so many characters."""
    return round(chars / ratio.chars_per_token)


def _ratio(run: AuditRun) -> TokenCount:
    column = next((name for name in _COLUMNS if name in run.columns("documents")), None)
    if column is not None:
        chars, tokens = run.one(f"SELECT sum(len(text)), sum({column}) FROM documents")
        if chars and tokens:
            ratio = chars / tokens
            return TokenCount(
                ratio, True, f"counted in column {column} ({ratio:.2f} characters a token)"
            )
    ratio = _OF_SUBSET.get(str(run.manifest.get("subset", "")), _CHARS_PER_TOKEN)
    how = f"estimated: {ratio} characters a token, as Llama 2's tokenizer has them on such text"
    return TokenCount(ratio, False, how)
