"""The application of people's accounts."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import checks, devices, presence, retention, roles  # noqa: F401 -- checks register themselves
        from accounts.models import Factor, RecoveryCode
        from accounts.second_factor import required
        from encryption import register_sealed

        presence.connect()
        retention.register()
        devices.connect()
        required.connect()
        register_sealed(Factor, "sealed_secret", context=Factor.sealing_context)
        register_sealed(RecoveryCode, "sealed_code", context=RecoveryCode.sealing_context)
        post_migrate.connect(roles.after_migrate, dispatch_uid="accounts.roles")
