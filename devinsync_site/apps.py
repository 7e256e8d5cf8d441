"""The admin site's configuration."""

from django.contrib.admin.apps import AdminConfig


class DevinSyncAdminConfig(AdminConfig):
    default_site = "devinsync_site.admin.DevinSyncAdminSite"
