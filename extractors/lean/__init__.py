"""Lean 4: the extractor, and readers of its traces and of other tools'."""
