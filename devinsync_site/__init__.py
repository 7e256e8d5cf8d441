"""Wiring only: settings, urls, the admin site, middleware, log lines."""
