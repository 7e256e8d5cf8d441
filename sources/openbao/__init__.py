"""Vault and OpenBao as a source: the keys of a KV secret are one folder, the paths below it are its subfolders."""
