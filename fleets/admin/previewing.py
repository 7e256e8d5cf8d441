"""What a set as it is entered would take and send, shown beside its form: organizations and names of keys, no value."""

from typing import Any

from connections.models import Connection
from fleets.folders import find_folders
from fleets.membership import reached_by, taken_by, told_idle
from fleets.models import SyncSet
from fleets.selecting import Reached
from fleets.slugs import fill, slug_of
from syncs.access import place_of
from syncs.admin.form_fields import DevinConnectionField
from syncs.admin.wizard.beside import preview_names
from syncs.models import DevinSync
from syncs.options import OPTIONS
from vault.access import can

SHOWN = 60
# Among so many an organization with a folder is looked for, as whose keys are shown.
LOOKED_THROUGH = 50
# What says which organizations are taken, and how keys are chosen and named.
WHICH = frozenset({"connection", "selection", "chosen", "exceptions"})
NAMES = frozenset({"folder", "below", "recursive", *OPTIONS})


def preview_of(form: Any, user: Any) -> dict[str, Any]:
    """Of what is entered rightly so far; the rest stands at its fields."""
    each, wrong = _as_entered(form), {*form.errors}
    if each.connection_id is None or wrong & WHICH:
        return {"asks_for_connection": each.connection_id is None}
    taken = taken_by(each)
    shown: dict[str, Any] = {"taken": taken[:SHOWN], "taken_count": len(taken), "taken_more": len(taken) - SHOWN}
    shown |= {"idle": told_idle(each), "lists_none": not reached_by(each)}
    return shown if wrong & NAMES else shown | _names(each, taken, user)


def _as_entered(form: Any) -> SyncSet:
    each: SyncSet = form.instance
    field = form.fields.get("connection")
    if not form.is_bound and each.connection_id is None and isinstance(field, DevinConnectionField):
        given = field.queryset.filter(pk=form.initial.get("connection") or None).first()
        if isinstance(given, Connection):
            each.connection = given
    return each


def _names(each: SyncSet, taken: list[Reached], user: Any) -> dict[str, Any]:
    """As they would be for one organization. Only of the vault: a source elsewhere is not asked at each keystroke."""
    if not (taken and each.has_source and each.project.is_kept_here):
        return {}
    if not can(user, "vault.view_secret", place_of(each)):
        return {}
    slugs = {one: slug_of(one.name, one.org_id) for one in taken[:LOOKED_THROUGH]}
    if not each._state.adding:
        given = dict(each.members.order_by().values_list("org_id", "slug"))
        slugs = {one: given.get(one.org_id, slug) for one, slug in slugs.items()}
    folders = find_folders(each, slugs.values())
    one = next((one for one, slug in slugs.items() if slug in folders), None)
    if one is None:
        return {"no_folder": each.told_path if len(taken) == len(slugs) else ""}
    options = {name: getattr(each, name) for name in OPTIONS} | {"key_schema": fill(each.key_schema, slugs[one])}
    sync = DevinSync(project=each.project, connection=each.connection, **options)
    sync.source = folders[slugs[one]]
    return {"names_of": one, "preview": preview_names(sync, seen_by=user)}
