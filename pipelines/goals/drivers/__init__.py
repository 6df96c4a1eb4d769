"""Drivers of the provers: a work list, a process a module, limits, a row of status for each."""
