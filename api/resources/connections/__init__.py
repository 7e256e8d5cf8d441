"""Connections to Devin."""
