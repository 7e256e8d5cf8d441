"""Secrets of the vault."""
