"""Where the secret behind each key of a sync is seen: in the vault its own page, elsewhere its place."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from urllib.parse import quote, urlencode
from uuid import UUID

from django.db.models import Q
from django.urls import reverse

from syncs.models import DevinSync
from vault.models import Secret


class HasSource(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def source_key(self) -> str: ...
    @property
    def source_id(self) -> str: ...


def source_urls(sync: DevinSync, keys: Sequence[HasSource]) -> dict[str, str]:
    """By the keys in Devin; for a sync that has a source. One that the source has lost leads to the folder's search."""
    known = [key for key in keys if key.source_key]
    if sync.folder_id is None:
        return {key.name: f"{sync.source_url}#key-{quote(key.source_key, safe='')}" for key in known}
    secrets = _secrets_of(sync, known)
    pages = {key.name: secrets.get(key.source_id) or secrets.get(key.source_key) for key in known}
    return {
        key.name: reverse("admin:vault_secret_page", args=[found]) if (found := pages[key.name]) else _search(sync, key)
        for key in known
    }


def _secrets_of(sync: DevinSync, keys: Sequence[HasSource]) -> Mapping[str, UUID]:
    """By the ids that the ledger has, wherever an import took them from; the folder's own by their keys as well."""
    ids = [found for key in keys if (found := _as_uuid(key.source_id))]
    own = Q(folder=sync.folder_id, key__in=[key.source_key for key in keys])
    here = Secret.objects.filter(folder__environment__project=sync.project_id).filter(Q(pk__in=ids) | own)
    rows = list(here.order_by().values_list("pk", "key", "folder_id"))
    by_id = {str(pk): pk for pk, _, _ in rows}
    return by_id | {key: pk for pk, key, folder_id in rows if folder_id == sync.folder_id}


def _as_uuid(text: str) -> UUID | None:
    """None for the id of a source that the sync read before."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _search(sync: DevinSync, key: HasSource) -> str:
    return f"{sync.source_url}?{urlencode({'q': key.source_key})}"
