"""The admin site's configuration."""

import django.contrib.admin.apps as admin_apps


class DevinSyncAdminConfig(admin_apps.AdminConfig):
    # Named in INSTALLED_APPS in full; "devinsync_site" there stands for the package's management commands.
    default = False
    default_site = "devinsync_site.site.DevinSyncAdminSite"
