"""Training formats, each as its readers define it.

Two kinds: whole documents, which the trainer packs by itself (``megatron``, ``raw``), all on one
byte stream; and packed rows (``parquet``, ``mds``, ``litdata``).
"""
