"""The document of syncs and connections that a team keeps in git."""
