"""The built-in source: projects, environments, folders, secrets, imports and references."""
