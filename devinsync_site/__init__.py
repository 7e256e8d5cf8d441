"""Wiring only: settings, urls, system checks."""
