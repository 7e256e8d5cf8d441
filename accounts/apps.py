"""The application of people's accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import devices, presence

        presence.connect()
        devices.connect()
