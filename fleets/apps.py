"""The fleets application."""

from django.apps import AppConfig


class FleetsConfig(AppConfig):
    name = "fleets"

    def ready(self) -> None:
        from common.companions import register_companion
        from fleets import access, audited, declared, followed, planning
        from fleets.companion import beside_the_scheduler, connect
        from fleets.waves import companion, conductor, history
        from syncs.runs.waves import register_conductor

        access.register()
        audited.register()
        declared.register()
        followed.connect()
        connect()
        register_companion("scheduler", "sync sets", beside_the_scheduler)
        register_companion("scheduler", "plans of sync sets", planning.beside_the_scheduler)
        register_conductor(conductor.attend)
        register_companion("scheduler", "rollouts", companion.beside_the_scheduler)
        history.register()
