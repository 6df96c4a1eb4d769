"""Packaged models and the cards that say what each was made of."""
