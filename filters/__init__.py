"""Filters: a document in, a decision out. Pure; models are loaded lazily, once a process."""
