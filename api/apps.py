"""The API's app configuration."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "api"
    verbose_name = "API access"

    def ready(self) -> None:
        from api.models import IdempotencyKey
        from encryption import register_fingerprints, register_sealed

        register_sealed(IdempotencyKey, "sealed_answer", context=IdempotencyKey.sealing_context)
        register_fingerprints(IdempotencyKey, "fingerprint")
