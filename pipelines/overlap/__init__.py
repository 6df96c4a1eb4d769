"""Which test problems are in a corpus, and a corpus without them."""
