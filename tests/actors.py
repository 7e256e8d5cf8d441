"""Whoever may do everything, for tests that are not about who does it."""

from vault.editing import Actor

ANYBODY = Actor.on_command_line()
