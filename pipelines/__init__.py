"""Beam pipelines over the pure layers: sources, phases, runs, recipes, the command line."""
