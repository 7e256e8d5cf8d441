"""That the API answers."""
