"""Columns that questions are asked by but that no table has as they are."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["CRAWL", "address_sql", "decisions_of_dedup", "site_sql"]


def site_sql(url: str) -> str:
    """SQL for the host of a URL, lower case, without user, port and ``www.``."""
    host = rf"regexp_extract({url}, '^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]*)', 1)"
    return f"regexp_replace(lower({host}), '^www\\.', '')"


# What a person calls a record that no URL names, by the columns that its subset has.
_ADDRESSES = (("repo", "path"), ("archive", "member"), ("arxiv_id",))


def address_sql(names: Sequence[str]) -> str:
    """SQL for a record's URL, or for what stands in its place: repository and path, and so on."""
    for columns in _ADDRESSES:
        if set(columns) <= set(names):
            parts = ", ".join(f"nullif({column}, '')" for column in columns)
            return f"CASE WHEN url <> '' THEN url ELSE concat_ws('/', {parts}) END"
    return "url"


# The crawl of an archive's name, as Common Crawl spells it in its paths and file names.
CRAWL = "regexp_extract(warc_file, '(CC-MAIN-[0-9]{4}-[0-9]{2})', 1)"


def decisions_of_dedup(table: str) -> str:
    """SQL that shows what ``proofmill dedup`` decided as trails."""
    return f"""
        SELECT document_id, subset, 'document' AS record_type, '' AS url, '' AS date, file, row,
               '' AS notes, verdict, dropped_by,
               CASE WHEN verdict = 'keep' THEN ''
                    WHEN dropped_by = 'repeated_paragraphs' THEN 'nothing_left'
                    ELSE 'duplicate' END AS reason,
               false AS shadow, '' AS language, text_chars, 0::BIGINT AS source_bytes, '' AS site,
               kept_id, kept_subset, cluster, members, paragraphs_removed, chars_removed,
               CASE WHEN verdict = 'keep' THEN [] ELSE [{{
                   'filter': dropped_by, 'verdict': verdict,
                   'reason': CASE WHEN dropped_by = 'repeated_paragraphs' THEN 'nothing_left'
                                  ELSE 'duplicate' END,
                   'score': similarity, 'threshold': threshold,
                   'detail': CASE WHEN kept_id = '' THEN ''
                             ELSE 'kept ' || kept_id || ', one of ' || members || ' in cluster '
                                  || cluster END,
                   'shadow': false}}] END AS decisions
        FROM {table}
    """
