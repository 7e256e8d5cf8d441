"""The application of people's accounts."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import devices, presence, retention, roles

        presence.connect()
        retention.register()
        devices.connect()
        post_migrate.connect(roles.after_migrate, dispatch_uid="accounts.roles")
