"""The vault's pages in the admin. Each view checks its permissions, and writes by `vault.editing` alone."""
