"""The packaged recipes for deduplication."""
