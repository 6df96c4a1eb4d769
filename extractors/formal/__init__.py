"""Traces of formal proofs: what Lean and Isabelle have in common."""
