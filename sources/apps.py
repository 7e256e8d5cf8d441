"""The seam between syncs and what they read."""

from django.apps import AppConfig


class SourcesConfig(AppConfig):
    name = "sources"

    def ready(self) -> None:
        from common.cleaning import delete_some, register_cleaner
        from sources import audited
        from sources.copying.jobs import old_copies
        from sources.sharing import connect
        from sources.words import page_of, where_kept
        from vault.elsewhere import Elsewhere, register

        audited.register()
        register_cleaner("copies into the vault", lambda: delete_some(old_copies()))
        connect()
        register(Elsewhere(describe=where_kept, page=page_of))
