"""What stands above each page of a sync: its name, how it stands, what can be done, and the way to its other pages."""

from typing import Any

from django.http import HttpRequest

from syncs.access import place_of
from syncs.admin.actions import Owner
from syncs.admin.base import status_badge
from syncs.models import DevinSync
from vault.access import PermsAt, can


def heading_of(owner: Owner, request: HttpRequest, sync: DevinSync, *, tab: str) -> dict[str, Any]:
    """The context of a page that is not the admin's own."""
    return {
        **owner.admin_site.each_context(request),
        **parts_of(owner, request, sync, tab=tab),
        "title": sync.name,
        "opts": DevinSync._meta,
    }


def parts_of(owner: Owner, request: HttpRequest, sync: DevinSync, *, tab: str) -> dict[str, Any]:
    here = place_of(sync)

    def may(permission: str) -> bool:
        return can(request.user, f"syncs.{permission}", here)

    return {
        "perms": PermsAt(request.user, here),
        "sync": sync,
        "tab": tab,
        "status_badge": status_badge(sync.sync_status),
        "may_run": may("run_devinsync"),
        "may_plan": may("plan_devinsync"),
        "may_remove": may("remove_secrets"),
        "may_change": owner.has_change_permission(request, sync),
        "may_delete": owner.has_delete_permission(request, sync),
        "may_duplicate": owner.has_add_permission(request),
        "may_see_keys": may("view_managedsecret"),
        "may_see_runs": may("view_syncrun"),
    }
