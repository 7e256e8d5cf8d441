"""The admin site's configuration, and this package's own."""

import django.contrib.admin.apps as admin_apps
from django.apps import AppConfig
from django.db.backends.signals import connection_created


class DevinSyncAdminConfig(admin_apps.AdminConfig):
    # Named in INSTALLED_APPS in full; "devinsync_site" there stands for the configuration below.
    default = False
    default_site = "devinsync_site.site.DevinSyncAdminSite"


class DevinSyncSiteConfig(AppConfig):
    name = "devinsync_site"
    default = True

    def ready(self) -> None:
        from devinsync_site import checks, postgresql, sqlite  # noqa: F401 -- registers the checks

        connection_created.connect(sqlite.on_connection, dispatch_uid="devinsync_site.sqlite")
        connection_created.connect(postgresql.on_connection, dispatch_uid="devinsync_site.postgresql")
