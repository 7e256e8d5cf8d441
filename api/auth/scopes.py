"""Scopes: what a token may do of what its owner may do. A token without scopes may do all of it, but for what has to be
named: to approve plans is for a second person, which a token made for all else does not stand for.
"""

from collections.abc import Iterable
from dataclasses import dataclass

WRITES = ("add", "change", "delete")
VAULT_MODELS = ("project", "environment", "folder", "secret", "secretimport", "tag")


def _vault(*verbs: str) -> frozenset[str]:
    return frozenset(f"vault.{verb}_{model}" for verb in verbs for model in VAULT_MODELS)


def _notices(*verbs: str, models: Iterable[str]) -> frozenset[str]:
    return frozenset(f"notices.{verb}_{model}" for verb in verbs for model in models)


def _syncs(*codenames: str) -> frozenset[str]:
    return frozenset(f"syncs.{codename}" for codename in codenames)


def _connections(*codenames: str) -> frozenset[str]:
    return frozenset(f"connections.{codename}_connection" for codename in codenames)


SCOPES: dict[str, frozenset[str]] = {
    "syncs:read": _syncs("view_devinsync", "view_syncrun", "view_synccontrol", "plan_devinsync"),
    "syncs:write": _syncs(*(f"{verb}_devinsync" for verb in WRITES)),
    "syncs:run": _syncs("run_devinsync"),
    "syncs:remove-secrets": _syncs("remove_secrets"),
    "syncs:confirm-deletions": _syncs("confirm_deletions"),
    "syncs:take-over": _syncs("take_over"),
    "syncs:approve-runs": _syncs("approve_runs"),
    "syncs:loosen-approval": _syncs("loosen_approval"),
    "syncs:pause": _syncs("pause_syncs"),
    "connections:read": _connections("view"),
    "connections:use": _connections("use"),
    "connections:write": _connections(*WRITES),
    "connections:rotate": _connections("rotate"),
    "vault:read": _vault("view"),
    "vault:write": _vault(*WRITES),
    "vault:reveal": frozenset(["vault.reveal_secret"]),
    "members:read": frozenset(["vault.view_membership"]),
    "members:write": frozenset(f"vault.{verb}_membership" for verb in WRITES),
    "audit:read": frozenset(["audit.view_entry"]),
    "notifications:read": _notices("view", models=("channel", "rule", "incident", "delivery")),
    "notifications:write": _notices(*WRITES, models=("channel", "rule")) | _notices("change", models=("delivery",)),
}
# What any of them is about.
SCOPED = frozenset[str]().union(*SCOPES.values())
TO_BE_NAMED = frozenset({"syncs.approve_runs"})
DESCRIPTIONS = {
    "syncs:read": "See syncs, runs and plans",
    "syncs:write": "Create, change and delete syncs",
    "syncs:run": "Start runs",
    "syncs:remove-secrets": "Remove a sync's secrets from Devin",
    "syncs:confirm-deletions": "Confirm deletions that a run would ask about",
    "syncs:take-over": "Take over what a stopped sync holds",
    "syncs:approve-runs": "Approve the plans of others' runs",
    "syncs:loosen-approval": "Let syncs need less approval",
    "syncs:pause": "Pause and resume all syncs",
    "connections:read": "See connections, without their keys",
    "connections:use": "Use connections in syncs",
    "connections:write": "Create, change and delete connections",
    "connections:rotate": "Rotate the keys of connections",
    "vault:read": "See projects, folders and keys, without values",
    "vault:write": "Change projects, folders and secrets",
    "vault:reveal": "Read the values of secrets",
    "members:read": "See the members of projects",
    "members:write": "Add, change and remove members of projects",
    "audit:read": "See the audit log",
    "notifications:read": "See who is told of what, incidents and deliveries",
    "notifications:write": "Create, change, test, mute and delete channels and rules, send messages again",
}


@dataclass(frozen=True)
class Preset:
    """Scopes that are often wanted together."""

    label: str
    summary: str
    scopes: tuple[str, ...]


PRESETS = {
    "read-only": Preset(
        "Read only",
        "Sees syncs, runs, plans and keys. No value, no change.",
        ("syncs:read", "connections:read", "vault:read"),
    ),
    "ci": Preset(
        "CI",
        "Plans and applies a declaration of syncs, and starts runs. No value, and no deletion beyond the guard.",
        ("syncs:read", "syncs:write", "syncs:run", "connections:read", "connections:use", "vault:read"),
    ),
    "all": Preset("Everything", "May do all that its user or role may, today and later, but approve runs.", ()),
}


def allows(scopes: Iterable[str], permission: str) -> bool:
    """Whether a token with these scopes may use a permission of its owner. An unknown scope allows nothing."""
    named = list(scopes)
    takes_all = not named and permission not in TO_BE_NAMED
    return takes_all or any(permission in SCOPES.get(scope, ()) for scope in named)
