"""Syncs, sync sets, organizations and runs that answer a question: a statement a kind, at most `MOST` of each and one
to tell that there are more.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Case, Count, Q, QuerySet, Value, When
from django.db.models.functions import Concat
from django.urls import reverse
from django.utils.http import urlencode

from fleets.models import SyncSet
from search.hits import MOST, Group, Hit, group
from search.question import LAST, Question
from syncs.models import DevinSync, SyncRun
from theme.times import from_now
from vault.access import visible

SYNC_NOW = "Sync now: "
# A sync has some fifty columns more.
SHOWN_OF_SYNCS = (
    "name", "org_id", "is_enabled", "project__name", "project__source", "folder__path", "folder__environment__slug",
    "source_environment", "source_path", "source_folder_id",
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """`rights` are those that the pages it leads to ask for."""

    rights: tuple[str, ...]
    find: Callable[[Question, User], Iterator[Group]]


def syncs(question: Question, user: User) -> Iterator[Group]:
    """And what starts one: the page with its plan and the button, for nothing is started by following a link."""
    named_so = DevinSync.objects.annotate(told=Concat(Value(SYNC_NOW), "name")).filter(question.matches("told"))
    rows = visible(user, named_so)
    named = Case(When(question.matches("name"), then=question.ranks("name")), default=Value(LAST + 1))
    ordered = rows.annotate(rank=named).order_by("rank", "name", "pk").select_related("project", "folder__environment")
    found = list(ordered.only(*SHOWN_OF_SYNCS)[: 2 * MOST + 1])
    hits = [
        Hit(row.name, row.get_absolute_url(), f"{row.project.name} · {row.source_label} → {row.org_id}")
        for row in found
        if question.rank(row.name) is not None
    ]
    yield group("Syncs", "sync", hits, all_url=question.in_list("syncs_devinsync"))
    yield group("Runs to start", "play", [_start(row) for row in found if row.is_live])


def _start(sync: DevinSync) -> Hit:
    url = reverse("admin:syncs_devinsync_plan", args=[sync.pk])
    return Hit(f"{SYNC_NOW}{sync.name}", url, f"shows the plan first · {sync.org_id}")


def sync_sets(question: Question, user: User) -> Iterator[Group]:
    ordered = question.best(visible(user, SyncSet.objects.with_source()), "name")
    hits = [
        Hit(row.name, row.get_absolute_url(), f"{row.project.name} · {row.environment_slug}:{row.told_path}")
        for row in ordered
    ]
    yield group("Sync sets", "list", hits, all_url=question.in_list("fleets_syncset"))


def organizations(question: Question, user: User) -> Iterator[Group]:
    syncs_there = visible(user, DevinSync.objects.filter(question.matches("org_id")))
    rows = syncs_there.order_by().values("org_id").annotate(count=Count("pk"))
    found = rows.annotate(rank=question.ranks("org_id")).order_by("rank", "org_id")[: MOST + 1]
    hits = []
    for row in found:
        count = row["count"]
        url = f"{reverse('admin:syncs_devinsync_changelist')}?{urlencode({'q': row['org_id']})}"
        hits.append(Hit(row["org_id"], url, "1 sync" if count == 1 else f"{count:,} syncs"))
    yield group("Organizations", "users", hits)


def runs(question: Question, user: User) -> Iterator[Group]:
    """By the sync's name and how they ended, the newest first; by ID."""
    rows = visible(user, SyncRun.objects.annotate(told=Concat("sync_name", Value(" "), "status")))
    if (run_id := _as_id(question.text)) is not None:
        found: QuerySet[SyncRun] = rows.filter(Q(pk=run_id))
    else:
        best = question.best(rows, "sync_name", also="told", order="-queued_at")
        found = best.only("sync_name", "status", "queued_at")
    hits = [
        Hit(row.sync_name, row.get_absolute_url(), f"{row.get_status_display()} · {from_now(row.queued_at)}")
        for row in found
    ]
    yield group("Runs", "runs", hits, all_url=question.in_list("syncs_syncrun"))


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


KINDS = (
    Kind(("syncs.view_devinsync",), syncs),
    Kind(("syncs.view_devinsync",), sync_sets),
    Kind(("syncs.view_devinsync",), organizations),
    Kind(("syncs.view_syncrun",), runs),
)
