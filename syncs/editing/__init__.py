"""Syncs as they are written."""
