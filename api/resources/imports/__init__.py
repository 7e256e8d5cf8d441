"""Imports of one folder into another."""
