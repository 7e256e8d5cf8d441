"""The app has no models: it brings the commands and the checks of the keys."""

from django.apps import AppConfig


class EncryptionConfig(AppConfig):
    name = "encryption"

    def ready(self) -> None:
        from encryption import checks  # noqa: F401 -- registers them
