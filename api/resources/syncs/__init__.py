"""Syncs, their runs being asked for, and their plans."""
