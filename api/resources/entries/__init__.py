"""The audit log, as scripts read it."""
