"""The fleets application."""

from django.apps import AppConfig


class FleetsConfig(AppConfig):
    name = "fleets"

    def ready(self) -> None:
        from common.companions import register_companion
        from fleets import access, audited, followed, planning
        from fleets.companion import beside_the_scheduler, connect

        access.register()
        audited.register()
        followed.connect()
        connect()
        register_companion("scheduler", "sync sets", beside_the_scheduler)
        register_companion("scheduler", "plans of sync sets", planning.beside_the_scheduler)
