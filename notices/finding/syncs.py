"""Syncs whose last run failed, or waits for a person.

The status that a run leaves on its sync, in the transaction of its end, is the fact. While a later run is under way,
the one that ended before it counts: so nothing is over because it is being tried again.
"""

from collections.abc import Collection, Iterator
from uuid import UUID

from django.db.models import Case, CharField, F, OuterRef, QuerySet, Subquery, When
from django.urls import reverse

from notices.facts import Fact, with_few_keys
from notices.models import Incident
from syncs.choices import OPEN_STATUSES, BlockedReason, Operation, Status
from syncs.models import DevinSync, SyncRun

# As much as goes into an incident.
LONGEST = 1024


def failed() -> Iterator[Fact]:
    for sync in _that_ended(Status.FAILED):
        link = reverse("admin:syncs_devinsync_change", args=[sync.pk])
        yield _fact(sync, f"Sync “{sync.name}” failed", link)


def blocked() -> Iterator[Fact]:
    for sync in _that_ended(Status.BLOCKED):
        if getattr(sync, "ended_reason", "") != BlockedReason.APPROVAL:
            yield _fact(sync, f"Sync “{sync.name}” is blocked until somebody decides", _page_of_run(sync))


def awaiting() -> Iterator[Fact]:
    """Those whose plan another person has to approve: on the run's page, to which the link leads."""
    for sync in _that_ended(Status.BLOCKED):
        if getattr(sync, "ended_reason", "") == BlockedReason.APPROVAL:
            yield _fact(sync, f"Sync “{sync.name}” waits for another person's approval", _page_of_run(sync))


def undecided(incidents: Collection[Incident]) -> set[str]:
    """Of these open incidents, the subjects of which one can't say yet whether they are over."""
    ids = [incident.sync_id for incident in incidents if incident.sync_id]
    rows = DevinSync.objects.filter(pk__in=ids, is_enabled=True).exclude(sync_status=Status.SUCCEEDED)
    return {subject_of(pk) for pk in rows.values_list("pk", flat=True)}


def how_it_ended(incident: Incident) -> str:
    sync = DevinSync.objects.filter(pk=incident.sync_id).first() if incident.sync_id else None
    if sync is None:
        return "The sync was deleted."
    if not sync.is_enabled:
        return "The sync was disabled."
    return "It is in step again." if sync.sync_status == Status.SUCCEEDED else "It is something else now."


def subject_of(sync_id: UUID) -> str:
    return f"sync:{sync_id}"


def _that_ended(status: Status) -> QuerySet[DevinSync]:
    ended = SyncRun.objects.filter(sync=OuterRef("pk"), operation=Operation.SYNC, finished_at__isnull=False)
    last = ended.exclude(status=Status.CANCELLED).order_by("-queued_at")
    under_way = When(sync_status__in=OPEN_STATUSES, then=Subquery(last.values("status")[:1]))
    rows = DevinSync.objects.filter(is_enabled=True).annotate(
        ended=Case(under_way, default=F("sync_status"), output_field=CharField())
    )
    run = Subquery(last.values("pk")[:1])
    reason = Subquery(last.values("blocked_reason")[:1])
    found = rows.filter(ended=status).annotate(ended_run=run, ended_reason=reason)
    return found.select_related("project").order_by("name")


def _page_of_run(sync: DevinSync) -> str:
    """Where the button is that decides; of a run that is gone, the sync's own."""
    if run_id := getattr(sync, "ended_run", None):
        return reverse("admin:syncs_syncrun_change", args=[run_id])
    return reverse("admin:syncs_devinsync_change", args=[sync.pk])


def _fact(sync: DevinSync, title: str, link: str) -> Fact:
    text = f"Project {sync.project.name}, organization {sync.org_id}. {with_few_keys(sync.last_sync_message)}"
    return Fact(subject_of(sync.pk), title, text[:LONGEST], link, sync.project_id, sync.pk)
