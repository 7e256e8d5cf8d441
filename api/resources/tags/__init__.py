"""Tags of a project's secrets."""
