"""Which place of which source a sync reads. The only module of `syncs` that knows the vault's rows.

A project in the vault      a folder's row, which follows renames, and is null once the folder is gone
A project kept elsewhere    the place's names, with the ids that the source gave; whether it is there only a read tells
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Self, TypeVar
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.urls import reverse

from sources.protocol import EnvironmentEntry, Found, Place, Source
from sources.registry import open_source
from sources.words import page_of
from vault.access import visible
from vault.models import ROOT, VAULT, Environment, Folder, Project, Secret, SecretVersion, TrashEntry

# What to join where a sync is loaded whose source will be asked for; for a run, behind "sync__".
JOINED = ("project", "folder__environment")
# The columns that tell whether a sync has a source, for lists of values; again to be put behind "sync__".
TELLING = ("folder_id", "project__source")


def lost_source(prefix: str = "") -> Q:
    """Those whose folder in the vault is gone."""
    return Q(**{f"{prefix}folder__isnull": True, f"{prefix}project__source": VAULT})


def has_source(folder_id: UUID | None, kind: str) -> bool:
    """By the columns that are `TELLING`."""
    return folder_id is not None or kind != VAULT


def find_secret(secret_id: UUID) -> Secret | None:
    """A secret of the vault with its place and without its value, if it is still there."""
    rows = Secret.objects.select_related("folder__environment").defer("sealed_value")
    return rows.filter(pk=secret_id).first()


def authors_of(sync: "ReadsPlace", secret_ids: Collection[str], since: datetime | None) -> set[int]:
    """The ids of the people who since then wrote these secrets of the vault, or deleted something that the sync may
    have read. What another secret or an import brought in is not seen."""
    if not sync.project.is_kept_here:
        return set()
    known = [pk for text in secret_ids if (pk := _as_id(str(text)))]
    found: set[int | None] = set()
    for start in range(0, len(known), FEW):
        some = known[start : start + FEW]
        versions = SecretVersion.objects.filter(secret__in=some, **({"created_at__gte": since} if since else {}))
        found.update(versions.order_by().values_list("created_by", flat=True).distinct())
        rows = Secret.objects.filter(pk__in=some, **({"updated_at__gte": since} if since else {}))
        found.update(rows.order_by().values_list("updated_by", flat=True).distinct())
    gone = TrashEntry.objects.filter(project=sync.project_id, **({"deleted_at__gte": since} if since else {}))
    found.update(gone.order_by().values_list("deleted_by", flat=True).distinct())
    return {pk for pk in found if pk is not None}


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


# Rows a statement: every database takes this many parameters.
FEW = 500
# Ids are compared by it in a fifth of the time, to the same order.
NUMBER = attrgetter("int")
Row = TypeVar("Row", bound="ReadsPlace")


class ReadsPlaceQuerySet(models.QuerySet[Row]):
    def with_source(self) -> Self:
        """Loaded with what a read needs, so that it costs no query more."""
        return self.select_related(*JOINED)

    def reading_folders(self, folder_ids: Iterable[UUID]) -> list[UUID]:
        """The ids, in their order, of those that read one of these folders of the vault."""
        ids, found = sorted(set(folder_ids), key=NUMBER), set[UUID]()
        for start in range(0, len(ids), FEW):
            found.update(self._reading(ids[start : start + FEW]))
        return sorted(found, key=NUMBER)

    def _reading(self, few: Collection[UUID]) -> Iterator[UUID]:
        ids = set(few)
        changed = Folder.objects.filter(pk__in=ids).order_by()
        above = Q(recursive=True, folder__environment__in=changed.values("environment"))
        columns = ("pk", "folder_id", "folder__environment_id", "folder__path")
        rows = list(self.filter(Q(folder_id__in=ids) | above).order_by().values_list(*columns))
        yield from (pk for pk, folder_id, *_ in rows if folder_id in ids)
        others = [(pk, tuple(place)) for pk, folder_id, *place in rows if folder_id not in ids]
        if others:
            places = set(changed.values_list("environment_id", "path"))
            read = {(environment, path) for environment, below in places for path in lineage(below)}
            yield from (pk for pk, place in others if place in read)

    def of_same_source(self, sync: "ReadsPlace") -> Self:
        """Those that read the very place that this one reads."""
        if sync.folder_id is not None:
            return self.filter(folder=sync.folder)
        same = self.filter(project=sync.project, folder=None)
        return same.filter(source_environment=sync.source_environment, source_path=sync.source_path)


def lineage(path: str) -> list[str]:
    """The paths of a folder and of all above it: `/`, `/a`, `/a/b`."""
    parts = path.strip("/").split("/") if path != ROOT else []
    return [ROOT, *("/" + "/".join(parts[:count]) for count in range(1, len(parts) + 1))]


def names_of_folder(folder_id: UUID, user: Any) -> dict[str, str]:
    """How a form names a folder of the vault, with its environment and project; nothing if the user sees none."""
    row = visible(user, Folder.objects.select_related("environment").filter(pk=folder_id)).first()
    if row is None:
        return {}
    return {"project": str(row.environment.project_id), "environment": str(row.environment_id), "folder": str(row.pk)}


class ReadsPlace(models.Model):
    """The columns that say what a sync reads, and everything that is made of them."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="syncs")
    environment = models.ForeignKey(Environment, null=True, on_delete=models.SET_NULL, related_name="syncs")
    folder = models.ForeignKey(Folder, null=True, on_delete=models.SET_NULL, related_name="syncs")
    # What the source was called when it was last saved: in the vault for the day it is gone, elsewhere it is the place.
    source_environment = models.CharField(max_length=255, editable=False)
    source_path = models.CharField(max_length=1024, editable=False)
    source_environment_name = models.CharField(max_length=255, blank=True, editable=False)
    source_environment_id = models.CharField(max_length=255, blank=True, editable=False)
    source_folder_id = models.CharField(max_length=255, blank=True, editable=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.folder is not None and not kwargs.get("update_fields"):
            self.environment = self.folder.environment
            self.source_environment = self.folder.environment.slug
            self.source_path = self.folder.path
        super().save(*args, **kwargs)

    @property
    def source(self) -> Found | None:
        """The place that is read, as its source last told of it; None once its folder in the vault is gone."""
        if not self.has_source:
            return None
        if self.folder is not None:
            row = self.folder.environment
            return Found(self.place, EnvironmentEntry(row.slug, row.name, str(row.pk)))
        name = self.source_environment_name or self.source_environment
        return Found(self.place, EnvironmentEntry(self.source_environment, name, self.source_environment_id))

    @source.setter
    def source(self, found: Found) -> None:
        self.source_environment, self.source_path = found.place.environment_slug, found.place.path
        if self.project.is_kept_here:
            rows = Folder.objects.select_related("environment__project")
            self.folder = rows.get(pk=found.place.folder_id)
            self.environment = self.folder.environment
            return
        self.source_environment_name, self.source_environment_id = found.environment.name, found.environment.id
        self.source_folder_id = found.place.folder_id

    @property
    def known_environment(self) -> EnvironmentEntry | None:
        """Also where the folder is gone and its environment is not."""
        if (found := self.source) is not None:
            return found.environment
        row = self.environment
        return EnvironmentEntry(row.slug, row.name, str(row.pk)) if row is not None else None

    @property
    def place(self) -> Place:
        """As it is now or, once its folder in the vault is gone, as it was."""
        if self.folder is not None:
            return Place(self.folder.environment.slug, self.folder.path, str(self.folder_id))
        return Place(self.source_environment, self.source_path, self.source_folder_id)

    @property
    def source_label(self) -> str:
        """`dev:/my-secrets`"""
        return str(self.place)

    @property
    def environment_slug(self) -> str:
        return self.place.environment_slug

    @property
    def path(self) -> str:
        return self.place.path

    def unjudged_columns(self) -> list[str]:
        """The environment follows the folder when the row is saved; elsewhere there are rows of neither."""
        return ["environment"] if self.project.is_kept_here else ["environment", "folder"]

    def reads_the_same_as(self, other: "ReadsPlace") -> bool:
        return self.project_id == other.project_id and self.source is not None and self.source == other.source

    def reads(self, folder: Folder, *, below: bool) -> bool:
        """Whether a folder of the vault is the one that it reads or, if it reads these too, `below` it."""
        if self.folder is None:
            return False
        is_below = self.folder.environment_id == folder.environment_id and folder.path.startswith(self.folder.prefix)
        return self.folder_id == folder.pk or (below and is_below)

    @property
    def has_source(self) -> bool:
        return self.folder_id is not None or not self.project.is_kept_here

    @property
    def source_url(self) -> str:
        """The page that shows what is read; for a sync that has a source."""
        if self.folder_id is not None:
            return reverse("admin:vault_folder_page", args=[self.folder_id])
        return page_of(self.project, self.place)

    def open_source(self, *, patience: timedelta | None = None) -> Source:
        """To be closed by the caller. Raises SourceError."""
        return open_source(self.project, patience=patience)
