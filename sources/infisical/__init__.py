"""Infisical as a source of secrets."""
