"""Tokenizing and packing in batches of tensor operations, on a GPU where there is one."""
