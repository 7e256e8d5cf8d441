"""The seam between syncs and what they read."""

from django.apps import AppConfig


class SourcesConfig(AppConfig):
    name = "sources"
