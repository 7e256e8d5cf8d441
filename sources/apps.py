"""The seam between syncs and what they read."""

from django.apps import AppConfig


class SourcesConfig(AppConfig):
    name = "sources"

    def ready(self) -> None:
        from sources.words import page_of, where_kept
        from vault.elsewhere import Elsewhere, register

        register(Elsewhere(describe=where_kept, page=page_of))
