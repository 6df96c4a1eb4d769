"""What records look like: documents, decisions, manifests. Imports nothing else of ours."""

from schemas.decision import Decision, Verdict
from schemas.document import Document

__all__ = ["Decision", "Document", "Verdict"]
