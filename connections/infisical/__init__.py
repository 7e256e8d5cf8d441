"""Infisical: the client that reads secrets there, as a machine identity."""
