"""Questions over what a run left: why a document is in or out, and what a change would do.

Nothing here runs the pipeline again; everything reads the Parquet and the manifest of a finished
run, on this machine or on S3, and changes none of it.

``open_run`` opens a run. Each kind of question has a module of its own, with one function and a
frozen dataclass as the answer: ``explaining``, ``funnels``, ``histograms``, ``sampling``,
``what_if``, ``comparing``, ``sites``, ``duplicates``, ``searching``, ``labelling``. SQL stays in
these modules.
"""

from audit.run import AuditRun, open_run

__all__ = ["AuditRun", "open_run"]
