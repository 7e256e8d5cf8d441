"""Model fields that clean what is typed into their one spelling before it is validated."""

from typing import Any

from django.db import models


# Django's fields are generic to the type checker only.
class NameField(models.CharField[str, str]):
    """A name in small letters without spaces around it."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return text.strip().lower() if isinstance(text, str) else text


class BaseURLField(models.CharField[str, str]):
    """Where a service is: https to a host that its app may be at, or http to this machine."""

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        """Only the row knows which app, and so which hosts."""
        app = getattr(model_instance, "kind", None)
        text = self.to_python(value)
        return super().clean(app.hosts.clean(text) if app and text else text, model_instance)
