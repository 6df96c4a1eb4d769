"""From documents to what a trainer reads: tokenizers, packers, mixtures, training formats."""
