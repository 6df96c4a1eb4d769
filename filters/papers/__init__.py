"""Filters of the papers subset."""
