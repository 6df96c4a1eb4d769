"""Traces that runs read when no input is named."""
