"""The four built-in groups, from reading to administration, each holding all that the one before it holds.

They belong to the product: every `migrate` sets them to what stands here, so that an upgrade brings new permissions
and nothing lingers. Somebody who needs another mix makes a group of their own.
"""

from collections.abc import Iterable
from typing import Any

from django.apps import AppConfig
from django.apps import apps as global_apps
from django.db.models import Q

from common.prefixes import starts_with

OWN_APPS = ("connections", "vault", "syncs")
EDITABLE_VAULT = ("project", "environment", "folder", "secret", "secretimport", "tag")
WRITES = ("add", "change", "delete")

VIEWER = "Viewer"
OPERATOR = "Operator"
EDITOR = "Editor"
ADMINISTRATOR = "Administrator"
BUILT_IN_GROUPS = (VIEWER, OPERATOR, EDITOR, ADMINISTRATOR)

DESCRIPTIONS = {
    VIEWER: "Sees syncs, runs, the vault's folders and connections. No secret value, no change.",
    OPERATOR: "Viewer, and may plan a sync and start a run.",
    EDITOR: "Operator, and may edit the vault and syncs, reveal values, remove secrets, confirm deletions, approve.",
    ADMINISTRATOR: "Everything: connections, users, groups, API access, who is told of what, pausing all syncs.",
}


def permissions_of(group: str) -> Q:
    """What the group may do, as a condition on Permission. A permission that is not there yet is no error."""
    allowed = Q(starts_with("codename", "view_"), content_type__app_label__in=OWN_APPS)
    if group in (OPERATOR, EDITOR, ADMINISTRATOR):
        allowed |= _named("syncs", ["run_devinsync", "plan_devinsync"])
    if group in (EDITOR, ADMINISTRATOR):
        allowed |= _named("vault", ["reveal_secret", *_writes(EDITABLE_VAULT)])
        allowed |= _named("connections", ["use_connection"])
        allowed |= _named("syncs", ["remove_secrets", "confirm_deletions", "take_over", "approve_runs"])
        allowed |= _named("syncs", _writes(["devinsync"]))
    if group == ADMINISTRATOR:
        allowed |= Q(content_type__app_label__in=(*OWN_APPS, "api", "notices", "single_sign_on"))
        allowed |= Q(content_type__app_label="auth", content_type__model__in=("user", "group"))
        allowed |= _named("audit", ["view_entry"])
        allowed |= Q(content_type__app_label="axes", codename__in=("view_accessattempt", "delete_accessattempt"))
    return allowed


def _named(app_label: str, codenames: Iterable[str]) -> Q:
    return Q(content_type__app_label=app_label, codename__in=list(codenames))


def _writes(models: Iterable[str]) -> list[str]:
    return [f"{verb}_{model}" for model in models for verb in WRITES]


def after_migrate(sender: AppConfig, *, using: str, **kwargs: Any) -> None:
    """Makes the groups, or sets them right, once a migrate or a flush: after the last application's permissions.

    Does nothing where the tables of users are not migrated yet. A flush sends no `apps`: then the real ones count.
    """
    if sender != _last_sender():
        return
    apps = kwargs.get("apps", global_apps)
    try:
        group_model = apps.get_model("auth", "Group")
        permission_model = apps.get_model("auth", "Permission")
    except LookupError:
        return
    for name in BUILT_IN_GROUPS:
        group, _ = group_model.objects.using(using).get_or_create(name=name)
        group.permissions.set(permission_model.objects.using(using).filter(permissions_of(name)))


def _last_sender() -> AppConfig:
    return [config for config in global_apps.get_app_configs() if config.models_module is not None][-1]
