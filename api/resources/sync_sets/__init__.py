"""Sync sets: one definition that makes a sync for each of many organizations."""
