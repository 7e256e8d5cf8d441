"""Connections: whom DevinSync talks to, and the only place that does."""

from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    name = "connections"

    def ready(self) -> None:
        from common.companions import register_companion
        from connections import audited, checks  # noqa: F401 -- checks register themselves
        from connections.devin import slots
        from connections.models import AccessToken, Connection, KeyRotation
        from connections.organizations import beside_the_scheduler
        from connections.rotation import cleaning, due, giving_up
        from encryption import register_sealed

        audited.register()
        register_companion("scheduler", "organizations", beside_the_scheduler)
        register_companion("scheduler", "key rotations", due.beside_the_scheduler)
        cleaning.register()
        giving_up.connect()
        slots.connect()

        register_sealed(Connection, "sealed_credentials", context=Connection.credentials_context)
        register_sealed(AccessToken, "sealed_token", context=AccessToken.context)
        register_sealed(KeyRotation, "sealed_old_key", context=KeyRotation.old_key_context)
        register_sealed(KeyRotation, "sealed_new_key", context=KeyRotation.new_key_context)
