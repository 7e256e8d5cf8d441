"""Model fields that clean what is typed into their one spelling before it is validated."""

from typing import Any

from django.db import models

from connections.hosts import clean_devin_url


# Django's fields are generic to the type checker only.
class NameField(models.CharField[str, str]):
    """A name in small letters without spaces around it."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return text.strip().lower() if isinstance(text, str) else text


class BaseURLField(models.CharField[str, str]):
    """Scheme, host and port of a service: https to a listed host, or http to this machine."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return clean_devin_url(text) if text else text
