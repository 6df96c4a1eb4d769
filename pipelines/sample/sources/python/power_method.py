"""The largest eigenvalue by the power method."""

from numpy.linalg import norm


def power_method(matrix, start, tolerance=1e-12):
    """Iterates until the Rayleigh quotient settles."""
    vector, before = start / norm(start), None
    while True:
        image = matrix @ vector
        value = vector @ image
        if before is not None and abs(value - before) < tolerance:
            return value, vector
        vector, before = image / norm(image), value
