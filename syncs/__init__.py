"""What to sync, and the syncing."""
