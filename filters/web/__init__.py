"""Filters of the web subset."""
