"""The seam between syncs and what they read."""

from django.apps import AppConfig


class SourcesConfig(AppConfig):
    name = "sources"

    def ready(self) -> None:
        from sources.words import where_kept
        from vault.elsewhere import register_description

        register_description(where_kept)
