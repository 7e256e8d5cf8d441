"""The vault's app configuration."""

from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "vault"
    verbose_name = "Vault"

    def ready(self) -> None:
        from encryption import register_sealed
        from vault import audited, retention, trash
        from vault.models import (
            Binding,
            Folder,
            Secret,
            SecretMetadata,
            SecretVersion,
            TrashedRow,
            TrashEntry,
        )

        audited.register()
        retention.register()
        trash.register()
        register_sealed(Binding, "sealed_state", context=Binding.sealing_context)
        register_sealed(Folder, "seal", context=Folder.sealing_context, beside="environment")
        register_sealed(Secret, "sealed_value", context=Secret.sealing_context, beside="folder__environment")
        register_sealed(SecretMetadata, "sealed_value", context=SecretMetadata.sealing_context)
        register_sealed(SecretVersion, "sealed_value", context=SecretVersion.sealing_context)
        register_sealed(TrashEntry, "seal", context=TrashEntry.sealing_context)
        register_sealed(TrashedRow, "sealed", context=TrashedRow.sealing_context)
