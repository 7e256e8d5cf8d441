"""Copying, moving and exporting secrets and folders."""
