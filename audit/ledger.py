"""Every decision of a run as a row of its own, made once when the first question needs it.

The trails hold a list of decisions each. Questions about one stage over all documents (a histogram,
what another threshold would do) want them the other way round; unnested once into a scratch
database, which DuckDB keeps compressed and within its memory limit, each is answered in
milliseconds.
"""

from __future__ import annotations

from audit.run import AuditRun

__all__ = ["RECORD_FIELDS", "ensure_ledger"]

# What a filter on records or addresses may read of a document besides its URL, as far as a
# subset's trails have it.
RECORD_FIELDS = (
    *("record_type", "date", "http_status", "content_type"),
    *("path", "repo", "licence", "programming_language"),
)


def ensure_ledger(run: AuditRun) -> None:
    """Makes the tables ``cases`` and ``ledger``, if they aren't there yet.

    ``cases`` has a row a record: ``place`` (a number by which both are joined), ``document_id``,
    ``url``, ``site``, ``language``, ``verdict``, ``dropped_by``, ``reason``, ``shadow``,
    ``text_chars``, ``source_bytes`` and what there is of ``RECORD_FIELDS``. ``ledger`` has a row a
    decision: ``place``, ``position`` (from 1), ``filter``, ``keep``, ``reason``, ``score``,
    ``threshold``, ``detail``, ``shadow``.
    """
    run.cached("ledger", lambda: _make(run))


def _make(run: AuditRun) -> bool:
    columns = set(run.columns("trails"))
    # Another subset's records may lack some of these.
    given = [
        name if name in columns else f"{empty} AS {name}"
        for name, empty in (
            ("document_id", "''"),
            ("url", "''"),
            ("site", "''"),
            ("language", "''"),
            ("verdict", "''"),
            ("dropped_by", "''"),
            ("reason", "''"),
            ("shadow", "false"),
            ("text_chars", "0::BIGINT"),
            ("source_bytes", "0::BIGINT"),
            *((name, "NULL") for name in RECORD_FIELDS if name in columns),
        )
    ]
    run.rows(
        f"CREATE OR REPLACE TABLE numbered AS SELECT row_number() OVER () AS place, "
        f"{', '.join(given)}, decisions FROM trails"
    )
    run.rows("CREATE OR REPLACE TABLE cases AS SELECT * EXCLUDE (decisions) FROM numbered")
    run.rows(
        """
        CREATE OR REPLACE TABLE ledger AS
        SELECT place, position, d.filter AS filter, d.verdict = 'keep' AS keep, d.reason AS reason,
               d.score AS score, d.threshold AS threshold, d.detail AS detail, d.shadow AS shadow
        FROM (SELECT place, unnest(decisions) AS d,
                     unnest(range(1, len(decisions) + 1)) AS position FROM numbered)
        """
    )
    run.rows("DROP TABLE numbered")
    return True
