"""Whether somebody may open a page: by what its address names. What they may not see is not there for them."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Model, QuerySet
from django.http import Http404

from common.lacking import Lacking, demand_rights
from vault.access import Place, can, can_somewhere, can_within, place_of, visible
from vault.access.asking import told
from vault.access.models import Membership
from vault.access.trash import place_of_entry
from vault.models import Environment, Folder, Project, Secret, SecretImport, Tag, TrashEntry

# The row that each part of an address names.
NAMED: Mapping[str, QuerySet[Any]] = {
    "project_id": Project.objects.all(),
    "environment_id": Environment.objects.all(),
    "folder_id": Folder.objects.select_related("environment"),
    "secret_id": Secret.objects.select_related("folder__environment").defer("sealed_value"),
    "import_id": SecretImport.objects.select_related("folder__environment"),
    "entry_id": TrashEntry.objects.all(),
    "member_id": Membership.objects.all(),
    "tag_id": Tag.objects.all(),
}


def demand_named(user: Any, permissions: Sequence[str], named: Mapping[str, Any]) -> None:
    """Raises Lacking, or Http404 for what the user may not even see."""
    if user.has_perms(permissions):
        return
    found = next(((name, id_) for name, id_ in named.items() if name in NAMED), None)
    row = visible(user, NAMED[found[0]]).filter(pk=found[1]).first() if found else None
    if row is not None:
        demand_in(user, permissions, row)
        return
    # The same answer whether there is such a row or not.
    demand_rights(user, *(each for each in permissions if found is None or not can_somewhere(user, each)))
    raise Http404


def demand_in(user: Any, permissions: Sequence[str], row: Model) -> None:
    """Raises Lacking unless the user has them at the place of the row; to see something in a project is enough."""
    place = place_of_entry(row) if isinstance(row, TrashEntry) else place_of(row)
    lacking = [each for each in permissions if not _may(user, each, place)]
    if lacking:
        raise Lacking(lacking, where=told(place), place=place)


def _may(user: Any, permission: str, place: Place) -> bool:
    is_view = permission.partition(".")[2].startswith("view_") and place.path is None
    return can_within(user, permission, place) if is_view else can(user, permission, place)
