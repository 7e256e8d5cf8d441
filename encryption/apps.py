"""The app has no models: it brings the commands and the check of the keys."""

from django.apps import AppConfig


class EncryptionConfig(AppConfig):
    name = "encryption"
