"""Sync sets in the admin: their list, a set with its organizations, and its settings."""

from fleets.admin.sets import SyncSetAdmin

__all__ = ["SyncSetAdmin"]
