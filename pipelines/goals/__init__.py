"""Goal states: the subset of formal proof steps, its views, and the drivers of the provers."""
