"""The global pause."""
