"""The notices application."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "notices"

    def ready(self) -> None:
        from common.companions import register_companion
        from encryption import register_sealed
        from notices import api, audited, retention
        from notices.models import Channel
        from notices.notifier import beside_the_scheduler, beside_the_web

        register_sealed(Channel, "sealed_address", context=Channel.address_context)
        register_sealed(Channel, "sealed_secret", context=Channel.secret_context)
        register_companion("scheduler", "tell", beside_the_scheduler)
        register_companion("web", "tell", beside_the_web)
        audited.register()
        retention.register()
        api.register()
