"""The syncs application."""

from django.apps import AppConfig


class SyncsConfig(AppConfig):
    name = "syncs"

    def ready(self) -> None:
        from encryption import register_fingerprints, register_sealed
        from sources.readers import register_readers
        from syncs import access, audited, held_keys
        from syncs.editing import addresses, effects, followed, returning
        from syncs.models import ManagedSecret, WriteIntent
        from syncs.readers import readers_of
        from syncs.runs import history, triggers

        access.register()
        audited.register()
        held_keys.register()
        triggers.connect()
        register_readers(readers_of)
        addresses.connect()
        effects.connect()
        followed.connect()
        returning.connect()
        history.register()
        register_fingerprints(ManagedSecret, "fingerprint")
        register_sealed(WriteIntent, "sealed_value", context=WriteIntent.sealing_context)
