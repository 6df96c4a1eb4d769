"""Measurements: speed, memory, and what other tools lose. Never run by the test suite."""
