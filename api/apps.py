"""The API's app configuration."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "api"
    verbose_name = "API access"

    def ready(self) -> None:
        from api import audited
        from api.auth import throttle
        from api.hooks import receiving
        from api.hooks.models import Hook
        from api.http.idempotency import clean_keys
        from api.models import IdempotencyKey
        from api.resources import reads
        from common.cleaning import register_cleaner
        from encryption import register_fingerprints, register_sealed

        audited.register()
        register_sealed(IdempotencyKey, "sealed_answer", context=IdempotencyKey.sealing_context)
        register_sealed(Hook, "sealed_secret", context=Hook.context)
        receiving.register_cleaners()
        register_fingerprints(IdempotencyKey, "fingerprint")
        throttle.register_cleaners()
        reads.register_cleaners()
        register_cleaner("answers to repeated requests", clean_keys)
