"""Duplicates by address: captures of one page under spellings of one URL."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from w3lib.url import canonicalize_url, url_query_cleaner

from filters.exact_duplicates import KEY_BYTES

__all__ = ["UrlDuplicates", "canonical_url"]

# Parameters that tell where a visitor came from or who they are, never what the page is.
# Sources: Google Analytics' campaign parameters, and the click and session identifiers of the
# advertising and web frameworks that they're named for.
_TRACKING = (
    "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id",
    "gclid", "dclid", "gbraid", "wbraid", "fbclid", "msclkid", "yclid", "twclid", "igshid",
    "mc_cid", "mc_eid", "_ga", "_gl", "_hsenc", "_hsmi", "mkt_tok", "ref_src", "spm",
    "phpsessid", "jsessionid", "aspsessionid", "sessionid", "sid",
    "PHPSESSID", "JSESSIONID", "replytocom",
)  # fmt: skip


def canonical_url(url: str) -> str:
    """One spelling of the addresses of one page; an empty string when there's no address.

    Scheme, ``www.``, default port, fragment, tracking parameters, order of parameters and a final
    slash don't count.
    """
    if not url.strip():
        return ""
    try:
        plain = canonicalize_url(url_query_cleaner(url, _TRACKING, remove=True))
        parts = urlsplit(plain)
        host, port = (parts.hostname or "").removeprefix("www."), parts.port
    except ValueError:
        # No URL by the standard (a bad port, an unclosed bracket): it's equal to itself alone.
        return url.strip()
    if not host:
        return plain
    place = host if port in (None, 80, 443) else f"{host}:{port}"
    query = f"?{parts.query}" if parts.query else ""
    return f"{place}{parts.path.rstrip('/')}{query}"


@dataclass(frozen=True, slots=True)
class UrlDuplicates:
    """Keeps one document of those whose canonical URLs are equal; one without a URL stays.

    Attributes:
        keep: Which one stays: the ``earliest`` or the ``latest`` capture; ties go to the smallest
            document_id.
    """

    keep: Literal["earliest", "latest"] = "latest"

    name: ClassVar[str] = "url_duplicates"

    def key(self, url: str) -> bytes | None:
        """The hash that a URL shares with its duplicates; None without a URL."""
        canonical = canonical_url(url)
        if not canonical:
            return None
        return hashlib.blake2b(canonical.encode("utf-8", "replace"), digest_size=KEY_BYTES).digest()
