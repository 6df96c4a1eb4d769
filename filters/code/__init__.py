"""Filters for source files: what is mathematics, what a person wrote, and in which language."""
