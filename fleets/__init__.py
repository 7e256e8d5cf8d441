"""Sync sets: one definition for many Devin organizations, which makes an ordinary sync for each."""
