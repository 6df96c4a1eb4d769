"""Isabelle: readers of the prover's own exports and of other tools' traces."""
