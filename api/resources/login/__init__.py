"""Log-in of machine identities."""
