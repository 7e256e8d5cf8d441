"""The application of the audit log."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        from audit import audited, capture, chain, floods, triggers
        from audit.models import Head
        from common.cleaning import register_cleaner
        from encryption import register_sealed

        audited.register()
        capture.connect()
        register_sealed(Head, "sealed_key", context=Head.sealing_context)
        register_cleaner("links of the audit log", chain.link_some)
        register_cleaner("old lines of the audit log", chain.clean_some)
        register_cleaner("counts of failed log-ins", floods.clean_some)
        post_migrate.connect(triggers.after_migrate, sender=self, dispatch_uid="audit.triggers")
