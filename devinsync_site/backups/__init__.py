"""Backups: the rows of a database in one file that any database can be made of again. Ciphertext, and no keys."""
