"""Vault / OpenBao: the client that reads secrets there. The two speak one API; its kind is called `vault`."""
