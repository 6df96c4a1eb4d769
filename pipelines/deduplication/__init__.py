"""Deduplication over an index: which documents are copies, found without their texts.

``index`` holds what is known of each document, ``phases`` are the Beam graphs over it, ``stages``
runs them in order, ``corpus`` deduplicates document Parquet of any origin.
"""
