"""The report of a run: one HTML file that can be mailed, with the data card in it."""
