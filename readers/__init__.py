"""Pages that say who reads a folder or a secret: other folders, syncs, organizations."""
