"""Commands that make the packaged models, each with a card that says what it was made of."""
