"""The admin site: its name, and the order of what it shows."""

from django.contrib import admin


class DevinSyncAdminSite(admin.AdminSite):
    site_title = "DevinSync"
    site_header = "DevinSync"
    index_title = "Overview"
