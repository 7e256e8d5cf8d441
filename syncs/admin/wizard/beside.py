"""What the wizard shows beside its fields: the secrets of a folder, the names they will have, what an organization
holds. Names and counts, never a value.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connections.devin.app import PATIENCE_FOR_A_LIST
from connections.devin.errors import DevinError
from connections.models import Connection
from encryption import DecryptionError
from sources.choosing import PATIENCE
from sources.errors import SourceError
from sources.protocol import ROOT, Place
from sources.registry import open_source
from syncs.choices import Strangers
from syncs.engine.desired import no_such_tag
from syncs.engine.destination import Organization
from syncs.engine.keys import key_warnings
from syncs.engine.overlaps import overlapping_syncs
from syncs.engine.source import keys_with_tags
from syncs.errors import InvalidKeySchema, SyncError
from syncs.models import DevinSync
from syncs.naming import Naming
from vault.models import Project

SHOWN_NAMES = 40
SHOWN_WARNINGS = 5


@dataclass(frozen=True)
class SourceSummary:
    keys: Sequence[str] = field(default_factory=list)
    subfolders: int = 0
    problem: str = ""

    @property
    def shown(self) -> Sequence[str]:
        return self.keys[:SHOWN_NAMES]

    @property
    def left_out(self) -> int:
        return max(len(self.keys) - SHOWN_NAMES, 0)


def summarize_source(project: Project, place: Place, *, recursive: bool = False) -> SourceSummary:
    """Asks the source with little patience, so never inside a transaction."""
    count = 0
    try:
        with open_source(project, patience=PATIENCE) as source:
            below = source.list_folders(place.environment_slug, search="" if place.path == ROOT else f"{place.path}/")
            paths = (Place(place.environment_slug, entry.path) for entry in below)
            count = sum(place.contains(path) and path != place for path in paths)
            return SourceSummary(source.list_keys(place, recursive=recursive), count)
    except SourceError as error:
        return SourceSummary([], count, str(error))


@dataclass(frozen=True)
class Name:
    source_key: str
    destination_key: str


@dataclass(frozen=True)
class NamePreview:
    names: list[Name] = field(default_factory=list)
    count: int = 0
    warnings: list[str] = field(default_factory=list)
    problem: str = ""
    # Keys of the source that are not taken, the first of them.
    others: list[str] = field(default_factory=list)
    other_count: int = 0

    @property
    def left_out(self) -> int:
        return self.count - len(self.names)

    @property
    def other_left_out(self) -> int:
        return self.other_count - len(self.others)


def keys_of(sync: DevinSync) -> tuple[Mapping[str, Collection[str]], str]:
    """The keys of its place, with tags where it chooses by them; or what the source says instead."""
    try:
        with sync.open_source(patience=PATIENCE) as source:
            return keys_with_tags(source, sync), ""
    except SourceError as error:
        return {}, str(error)


def preview_names(sync: DevinSync, *, seen_by: Any, shown: int = 8) -> NamePreview:
    """How the source's keys will look in Devin, and what to know of the schema. `sync` need not be saved."""
    try:
        naming = Naming.of(sync)
        if not sync.has_source:
            return NamePreview()
        keys, problem = keys_of(sync)
        taken = naming.names(keys)
    except InvalidKeySchema as error:
        return NamePreview(problem=error.message)
    names = [Name(key, name) for name, key in taken.items()]
    others = [key for key, tags in keys.items() if not naming.takes(key, tags)]
    warnings = [*_tag_warnings(naming, keys), *name_warnings(sync, naming, seen_by=seen_by)]
    warnings += _first(key_warnings(taken))
    return NamePreview(names[:shown], len(names), warnings, problem, others[:SHOWN_NAMES], len(others))


def _tag_warnings(naming: Naming, keys: Mapping[str, Collection[str]]) -> list[str]:
    there = sorted({tag for tags in keys.values() for tag in tags})
    more = f" and {len(there) - SHOWN_NAMES} more" if len(there) > SHOWN_NAMES else ""
    has = f"There are: {', '.join(there[:SHOWN_NAMES])}{more}." if there else "They carry no tag at all."
    return _first([f"{no_such_tag(pattern)} {has}" for pattern in naming.idle_tags(there)]) if keys else []


def name_warnings(sync: DevinSync, naming: Naming, *, seen_by: Any) -> list[str]:
    warnings = []
    if naming.takes_all and not sync.disable_secret_deletion and sync.strangers == Strangers.DELETE:
        warnings.append(
            "Without a fixed part in the key schema every secret of the organization belongs to this sync: what is "
            "not in the source is deleted. Use a schema such as PROD_{{secretKey}} to keep to some of the keys."
        )
    return warnings + [overlap.advice for overlap in overlapping_syncs(sync, seen_by=seen_by)]


def _first(warnings: list[str]) -> list[str]:
    more = len(warnings) - SHOWN_WARNINGS
    return warnings[:SHOWN_WARNINGS] + ([f"And {more} more such warnings."] if more > 0 else [])


@dataclass(frozen=True)
class Access:
    """What listing an organization said."""

    org_id: str
    secret_count: int = 0
    special_count: int = 0
    personal_count: int = 0
    problem: str = ""


def check_access(connection: Connection, org_id: str) -> Access:
    """Lists the organization. Talks to Devin, so never inside a transaction."""
    try:
        with Organization.open(connection, org_id, patience=PATIENCE_FOR_A_LIST) as organization:
            secrets = organization.list_secrets()
    except (SyncError, DevinError, DecryptionError) as error:
        return Access(org_id, problem=str(error))
    shared = [secret for secret in secrets if secret.access_type == "org"]
    return Access(
        org_id,
        secret_count=len(shared),
        special_count=sum(secret.secret_type in ("totp", "cookie") for secret in shared),
        personal_count=len(secrets) - len(shared),
    )
