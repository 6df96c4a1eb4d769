"""Extractors: bytes in, text or records out. Pure."""
