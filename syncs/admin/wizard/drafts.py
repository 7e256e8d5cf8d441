"""What the wizard begins with where a link leads into it: the place that it names, or all of a sync to duplicate."""

from typing import Any

from django.http import QueryDict

from syncs.admin.forms import SourceForm
from syncs.admin.wizard.pages import parse_uuid
from syncs.models import DevinSync
from syncs.options import OPTIONS
from syncs.places import names_of_folder
from vault.access import visible

# By which a link may say what the first step begins with.
SOURCE_NAMES = tuple(SourceForm.base_fields)

Drafts = dict[str, dict[str, Any]]


def drafts_for(query: QueryDict, user: Any) -> Drafts:
    """Entries by step and field, of what the user sees."""
    sync_id = parse_uuid(query.get("copy"))
    seen = visible(user, DevinSync.objects.with_source())
    sync = seen.filter(pk=sync_id).first() if sync_id is not None else None
    if sync is not None:
        return _copy_of(sync)
    folder_id = parse_uuid(query.get("folder"))
    named = names_of_folder(folder_id, user) if folder_id is not None else {}
    chosen = named | {name: str(query[name]) for name in SOURCE_NAMES if name in query}
    return {"source": chosen} if "project" in chosen else {}


def _copy_of(sync: DevinSync) -> Drafts:
    """The same in everything but the name: nothing is made before the person has seen its plan."""
    return {
        "source": _source_of(sync),
        "destination": {"connection": str(sync.connection_id), "org_id": sync.org_id},
        "options": {name: getattr(sync, name) for name in OPTIONS},
        "details": {"name": _free_name(sync), "description": sync.description, "is_enabled": sync.is_enabled},
    }


def _source_of(sync: DevinSync) -> dict[str, Any]:
    found = sync.source
    if found is None:
        return {"project": str(sync.project_id)}
    return {
        "project": str(sync.project_id),
        "environment": found.environment.id or found.environment.slug,
        "folder": found.place.folder_id if sync.project.is_kept_here else found.place.path,
    }


def _free_name(sync: DevinSync) -> str:
    taken = set(DevinSync.objects.filter(project=sync.project_id).values_list("name", flat=True))
    stem = f"{sync.name[:240]}-copy"
    names = [stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)
