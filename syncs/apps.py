"""The syncs application."""

from django.apps import AppConfig


class SyncsConfig(AppConfig):
    name = "syncs"

    def ready(self) -> None:
        from syncs import triggers

        triggers.connect()
