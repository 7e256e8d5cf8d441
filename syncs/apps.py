"""The syncs application."""

from django.apps import AppConfig


class SyncsConfig(AppConfig):
    name = "syncs"

    def ready(self) -> None:
        from encryption import register_fingerprints
        from syncs import triggers
        from syncs.models import ManagedSecret

        triggers.connect()
        register_fingerprints(ManagedSecret, "fingerprint")
