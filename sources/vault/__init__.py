"""The built-in vault as a source."""
