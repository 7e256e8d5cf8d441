"""The forwarding application."""

from django.apps import AppConfig


class ForwardingConfig(AppConfig):
    name = "forwarding"

    def ready(self) -> None:
        from common.companions import register_companion
        from forwarding import checks  # noqa: F401 -- registers them
        from forwarding.sending import beside_the_scheduler

        register_companion("scheduler", "forward", beside_the_scheduler)
