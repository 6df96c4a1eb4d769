"""Filters of formal proof steps: ``document.content`` is a ``FormalStep``."""
