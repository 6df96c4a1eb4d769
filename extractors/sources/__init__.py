"""Source files out of what holds them: the Stack's Parquet, repositories, folders.

All become the same ``SourceFile``; what can't be read becomes one too, with the reason.
"""

from extractors.sources.archives import ArchiveLimits, archive_files
from extractors.sources.decoding import DecodingFailed, decode_source
from extractors.sources.source_file import SourceFile, Unread, git_blob_id
from extractors.sources.stack import ContentsFetcher, row_group_starts, stack_files
from extractors.sources.trees import TreeFile, tree_files, tree_listing

__all__ = [
    "ArchiveLimits",
    "ContentsFetcher",
    "DecodingFailed",
    "SourceFile",
    "TreeFile",
    "Unread",
    "archive_files",
    "decode_source",
    "git_blob_id",
    "row_group_starts",
    "stack_files",
    "tree_files",
    "tree_listing",
]
