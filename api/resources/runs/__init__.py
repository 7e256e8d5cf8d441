"""Runs, as scripts follow them."""
