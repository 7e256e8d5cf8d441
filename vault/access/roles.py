"""What each role of a member may do where the membership holds: the one table of it."""

from collections.abc import Iterable

from django.db import models

WRITES = ("add", "change", "delete")


class Role(models.TextChoices):
    VIEWER = "viewer", "Viewer"
    OPERATOR = "operator", "Operator"
    EDITOR = "editor", "Editor"
    READER = "reader", "Reader of values"
    MANAGER = "manager", "Manager"


DESCRIPTIONS = {
    Role.VIEWER: "Sees folders, keys, syncs and runs. No secret value, no change.",
    Role.OPERATOR: "Viewer, and may plan a sync and start a run.",
    Role.EDITOR: "Operator, and may edit folders, secrets, imports and syncs. No secret value is shown.",
    Role.READER: "Viewer, and may read the values of secrets.",
    Role.MANAGER: "Editor, and looks after the project's members, environments and name. No secret value is shown.",
}


def _named(app: str, verbs: Iterable[str], models: Iterable[str]) -> frozenset[str]:
    return frozenset(f"{app}.{verb}_{model}" for verb in verbs for model in models)


_VIEWER = (
    _named("vault", ["view"], ["project", "environment", "folder", "secret", "secretimport", "tag"])
    | _named("syncs", ["view"], ["devinsync", "syncrun", "syncrunchange", "managedsecret"])
    | {"connections.view_connection"}
)
_OPERATOR = _VIEWER | {"syncs.run_devinsync", "syncs.plan_devinsync"}
_EDITOR = (
    _OPERATOR
    | _named("vault", WRITES, ["folder", "secret", "secretimport", "tag"])
    | _named("syncs", WRITES, ["devinsync"])
    | {"syncs.remove_secrets", "syncs.confirm_deletions", "syncs.take_over", "syncs.approve_runs"}
    | {"connections.use_connection"}
)
_READER = _VIEWER | {"vault.reveal_secret"}
_MANAGER = (
    _EDITOR
    | {"vault.change_project"}
    | _named("vault", WRITES, ["environment"])
    | _named("vault", ["view", *WRITES], ["membership"])
)

RIGHTS: dict[str, frozenset[str]] = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.EDITOR: _EDITOR,
    Role.READER: _READER,
    Role.MANAGER: _MANAGER,
}

# What frames a place is seen by those who see anything in it: the name of its project, of its environment, its tags.
FRAMES = frozenset(["vault.view_project", "vault.view_environment", "vault.view_tag"])
