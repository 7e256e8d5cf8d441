"""Folders of the vault."""
